"""Whether KVM works: a guest kernel is booted on it.

That ``/dev/kvm`` can be opened proves nothing: where virtual machines are nested badly, a guest starts and
then hangs. So a kernel has to say its first line; the answer holds until the host is booted again.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from pathlib import Path

from pytest_odfperf.sandbox.death import die_with_parent
from pytest_odfperf.sandbox.image.build import GuestImage, Log
from pytest_odfperf.sandbox.image.run import run
from pytest_odfperf.sandbox.machines.qemu.qemu_command import Accelerator

_DEVICE = Path("/dev/kvm")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_FIRST_LINE = b"Linux version"
#: A kernel of its own speaks after 0.3 s even when emulated; a boot loader waits some seconds.
_KERNEL_LIMIT_S = 6.0
_LOADER_LIMIT_S = 30.0


async def choose_accelerator(qemu: str, image: GuestImage, cache: Path, log: Log) -> Accelerator:
    """``kvm`` if a kernel starts on it, else ``tcg``. Says why on ``log``."""
    if not os.access(_DEVICE, os.R_OK | os.W_OK):
        log("no usable /dev/kvm: QEMU emulates the CPU (TCG), which is slow")
        return "tcg"
    version = await run([qemu, "--version"], 30.0)
    key = "\n".join((version, _BOOT_ID.read_text(), str(image.kernel or image.disk)))
    known = cache / f"kvm-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    if not known.exists():
        limit_s = _KERNEL_LIMIT_S if image.kernel else _LOADER_LIMIT_S
        works = await _kernel_speaks(qemu, image, limit_s)
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = known.with_name(f"{known.name}.{os.getpid()}")
        part.write_text("works" if works else f"the kernel printed nothing in {limit_s:.0f} s")
        part.replace(known)
    answer = known.read_text()
    if answer == "works":
        return "kvm"
    log(f"no working KVM ({answer}): QEMU emulates the CPU (TCG), which is slow")
    return "tcg"


def _probe_command(qemu: str, image: GuestImage) -> list[str]:
    if image.kernel:
        start = ["-kernel", str(image.kernel), "-append", "console=ttyS0 earlyprintk=ttyS0"]
    else:
        path = str(image.disk).replace(",", ",,")
        # Writes go to a temporary overlay.
        start = ["-snapshot", "-drive", f"file={path},format={image.format},if=virtio"]
    return [
        qemu,
        *("-name", "odfperf-probe", "-machine", "q35", "-accel", "kvm", "-cpu", "host", "-m", "512"),
        *("-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio", "-no-reboot"),
        *start,
    ]


async def _kernel_speaks(qemu: str, image: GuestImage, limit_s: float) -> bool:
    process = await asyncio.create_subprocess_exec(
        *_probe_command(qemu, image),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        preexec_fn=die_with_parent(),
    )
    assert process.stdout
    try:
        said = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while part := await process.stdout.read(4096):
                    said = said[-len(_FIRST_LINE) :] + part
                    if _FIRST_LINE in said:
                        return True
        return False
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()

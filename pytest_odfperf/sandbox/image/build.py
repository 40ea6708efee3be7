"""Builds the guest image: packages to a folder by mmdebstrap, folder to ext4 by mke2fs. No loop device."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pytest_odfperf.errors import InputError, OdfError
from pytest_odfperf.sandbox.image.recipe import Recipe
from pytest_odfperf.sandbox.image.run import run
from pytest_odfperf.sandbox.image.tools import tool

Log = Callable[[str], None]

_BUILD_DEADLINE_S = 1200.0
#: Room that a build takes at the most.
_BUILD_BYTES = 2 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestImage:
    """What root disks are cloned from."""

    disk: Path
    format: str
    #: None: the image has a boot loader of its own.
    kernel: Path | None


def cache_dir() -> Path:
    """``$XDG_CACHE_HOME/pytest-odfperf``, else ``~/.cache/pytest-odfperf``."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "pytest-odfperf"


async def guest_image(image: str, cache: Path, log: Log) -> GuestImage:
    """The image ``minimal`` (built, or from the cache), or a cloud image at a path."""
    if image != "minimal":
        path = Path(image).expanduser().absolute()
        if not path.is_file():
            raise InputError(f"{image!r} is neither minimal nor a file", place="sandbox.image")
        info = await run([tool("qemu-img"), "info", "--output=json", str(path)], 30.0)
        return GuestImage(disk=path, format="qcow2" if '"format": "qcow2"' in info else "raw", kernel=None)
    recipe = Recipe()
    folder = cache / f"image-{recipe.key}"
    made = GuestImage(disk=folder / "root.img", format="raw", kernel=folder / "vmlinuz")
    if folder.is_dir():
        return made
    for name in ("mmdebstrap", "mke2fs"):
        tool(name)
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with _locked(cache / f"image-{recipe.key}.lock"):
        if not folder.is_dir():
            log(f"building the guest image from Debian packages (once, about a minute): {folder}")
            began = time.monotonic()
            await _build(recipe, folder)
            log(f"guest image built in {time.monotonic() - began:.0f} s")
    return made


@asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    """Two builders: the second one waits and finds the image of the first."""
    with path.open("w") as file:
        deadline = time.monotonic() + _BUILD_DEADLINE_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise OdfError(
                        f"another process has been building the guest image for {_BUILD_DEADLINE_S:.0f} s "
                        f"(lock {path})"
                    ) from None
            await asyncio.sleep(0.5)
        yield


async def _build(recipe: Recipe, folder: Path) -> None:
    # Root of a user namespace if this user is not root: the tree then belongs to subordinate ids.
    as_owner = [] if os.geteuid() == 0 else [tool("mmdebstrap"), "--unshare-helper"]
    if as_owner:
        tool("newuidmap")
    part = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", suffix=".part", dir=folder.parent))
    scratch = Path(tempfile.mkdtemp(prefix="odfperf-image-", dir=_scratch_parent()))
    tree = scratch / "tree"
    try:
        # Other ids of the namespace must reach what is inside.
        scratch.chmod(0o711 if not as_owner else 0o777)
        script = scratch / "customize.sh"
        script.write_bytes(recipe.script)
        script.chmod(0o755)
        await run(
            [
                tool("mmdebstrap"),
                f"--mode={'unshare' if as_owner else 'root'}",
                "--variant=essential",
                f"--include={','.join(recipe.packages)}",
                '--aptopt=Apt::Install-Recommends "false"',
                "--dpkgopt=path-exclude=/usr/share/doc/*",
                "--dpkgopt=path-exclude=/usr/share/man/*",
                "--dpkgopt=path-exclude=/usr/share/locale/*",
                f"--customize-hook={script}",
                recipe.suite,
                str(tree),
            ],
            _BUILD_DEADLINE_S,
            TMPDIR=str(scratch),
        )
        raw = scratch / "root.img"
        with raw.open("wb") as file:
            file.truncate(recipe.size_bytes)
        if as_owner:
            raw.chmod(0o666)
        # No journal and no lazy initialisation: a root disk lives for minutes.
        await run(
            [
                *(*as_owner, tool("mke2fs"), "-q", "-t", "ext4", "-O", "^has_journal", "-L", "root"),
                *("-E", "lazy_itable_init=0,nodiscard", "-m", "0", "-d", str(tree), str(raw)),
            ],
            120.0,
        )
        kernel = part / "vmlinuz"
        kernel.write_bytes((tree / "boot" / "vmlinuz").read_bytes())
        await run(["cp", "--sparse=always", str(raw), str(part / "root.img")], 120.0)
        part.replace(folder)
    finally:
        with contextlib.suppress(OdfError):
            await run([*as_owner, "rm", "-rf", "--one-file-system", str(tree)], 60.0)
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.rmtree(part, ignore_errors=True)


def _scratch_parent() -> str | None:
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp makes the name
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _BUILD_BYTES:
        return str(memory)
    return None

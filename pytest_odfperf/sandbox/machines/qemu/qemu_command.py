"""The command line of a QEMU machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pytest_odfperf.sandbox.image.build import GuestImage
from pytest_odfperf.sandbox.machines.base import SSH_PORT, DiskCache, DiskSpec, MachineSpec
from pytest_odfperf.sandbox.machines.qemu.seed import LABEL

Accelerator = Literal["kvm", "tcg"]

#: Emulated: the oldest model with SSE4.2, as each newer feature costs translation time.
CPU: Mapping[Accelerator, str] = {"kvm": "host", "tcg": "Nehalem"}
#: mitigations=off: an emulated CPU leaks nothing of the host's. rw: nothing remounts the root.
_KERNEL_ARGUMENTS = (
    "root=/dev/nvme0n1 rw rootfstype=ext4 console=ttyS0 net.ifnames=0 quiet loglevel=4 panic=-1 "
    "mitigations=off random.trust_cpu=on random.trust_bootloader=on audit=0 selinux=0 apparmor=0 "
    "systemd.show_status=0"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class QemuSettings:
    accelerator: Accelerator
    image: GuestImage
    #: The program.
    qemu: str


def _json(**value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _option(value: Path | str) -> str:
    """A value inside QEMU's comma-separated options."""
    return str(value).replace(",", ",,")


def command(spec: MachineSpec, settings: QemuSettings, seed: Path, console: Path, qmp_fd: int) -> list[str]:
    """Argument list. ``qmp_fd``: the connected socket that QEMU inherits for its control protocol."""
    accelerator = settings.accelerator
    arguments = [
        settings.qemu,
        *("-name", f"odfperf-{_option(spec.name)}"),
        *("-machine", "q35", "-accel", accelerator, "-cpu", CPU[accelerator]),
        *("-smp", _cpus(spec.vcpus, accelerator), "-m", f"{spec.memory_bytes}B"),
        *("-nodefaults", "-no-user-config", "-display", "none"),
        *("-chardev", f"file,id=console,path={_option(console)}", "-serial", "chardev:console"),
        *("-chardev", f"socket,id=control,fd={qmp_fd}", "-mon", "chardev=control,mode=control"),
        *("-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:0-:{SSH_PORT}"),
        *("-device", "virtio-net-pci,netdev=net,romfile="),
        *("-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng"),
    ]
    if settings.image.kernel is not None:
        # Without -action a panicking guest (panic=-1 resets it) would boot for ever.
        arguments += ["-kernel", str(settings.image.kernel), "-append", _KERNEL_ARGUMENTS]
        arguments += ["-action", "reboot=shutdown"]
    arguments += _seed(seed, built=settings.image.kernel is not None)
    for number, disk in enumerate(spec.disks):
        arguments += _disk(disk, number, built=settings.image.kernel is not None)
    return arguments


def _cpus(count: int, accelerator: Accelerator) -> str:
    """With one emulated CPU and room for no other, QEMU leaves out the guest's memory barriers.

    Its own threads run beside that CPU all the same: a request that the guest queues while they look at the
    queue for the last time is then seen by neither, and the disk hangs for ever. QEMU 8.1 mends half of it
    (its commit c914d46d0a64); ``lock`` prefixes are left out still (``CF_PARALLEL``).
    """
    return f"cpus={count},maxcpus={max(count, 2) if accelerator == 'tcg' else count}"


def _seed(folder: Path, *, built: bool) -> list[str]:
    node = {"driver": "vvfat", "node-name": "seed", "dir": str(folder), "label": LABEL, "read-only": True}
    device = ["nvme,id=nvme,serial=odfperf"] if built else []
    device.append("nvme-ns,bus=nvme,drive=seed,nsid=2" if built else "virtio-blk-pci,drive=seed")
    return ["-blockdev", _json(**node), *(part for d in device for part in ("-device", d))]


def cache_options(cache: DiskCache) -> tuple[dict[str, bool], bool]:
    """QEMU's cache mode: options of the block node, and whether the device has a write cache."""
    direct = cache in ("none", "directsync")
    return {"direct": direct, "no-flush": cache == "unsafe"}, cache not in ("writethrough", "directsync")


def _storage(disk: DiskSpec) -> dict[str, Any]:
    """The node that speaks to what is behind a disk.

    For images QEMU's cache mode decides ``rbd_cache``, over ceph.conf.
    """
    backend = disk.backend
    if disk.is_image and backend.ceph is not None and (client := backend.ceph.connection) is not None:
        image = {"pool": backend.pool, "image": backend.image(disk.volume)}
        return {"driver": "rbd", **image, "conf": str(client.conf), "user": client.user}
    direct = cache_options("unsafe" if disk.boot else backend.cache)[0]["direct"]
    return {"driver": "file", "filename": str(disk.path), "aio": "native" if direct else "threads"}


def _limits(disk: DiskSpec) -> dict[str, int]:
    """Those of an image are librbd's own."""
    backend = disk.backend
    limits = {} if disk.is_image else {"iops-total": backend.iops, "bps-total": backend.bandwidth_bytes_per_s}
    return {name: limit for name, limit in limits.items() if limit is not None}


def disk_node(disk: DiskSpec, number: int) -> str:
    """The node that the device of a disk is on; ``number``: which of the machine's disks it is."""
    return f"throttle{number}" if _limits(disk) else f"format{number}"


def _disk(disk: DiskSpec, number: int, *, built: bool) -> list[str]:
    """File, format, throttle: a node for each, then the device."""
    backend = disk.backend
    # A root disk is thrown away with its machine, so nothing is lost by not flushing it.
    cache, write_cache = cache_options("unsafe" if disk.boot else backend.cache)
    names = [f"file{number}", f"format{number}"]
    file = {**_storage(disk), "node-name": names[0], "cache": cache, "discard": "unmap"}
    formatted = {
        "driver": "raw" if disk.is_image else backend.format,
        "node-name": names[1],
        "file": names[0],
        "cache": cache,
    }
    arguments = ["-blockdev", _json(**file), "-blockdev", _json(**formatted, discard="unmap")]
    if limits := _limits(disk):
        group = f"limit{number}"
        names.append(disk_node(disk, number))
        arguments += ["-object", _json(**{"qom-type": "throttle-group", "id": group, "limits": limits})]
        throttle = {"node-name": names[2], "throttle-group": group, "file": names[1]}
        arguments += ["-blockdev", _json(driver="throttle", **throttle)]
    if disk.boot and built:
        # Namespace 1 of the one controller: /dev/nvme0n1 whatever the order in which devices answer.
        return [*arguments, "-device", f"nvme-ns,bus=nvme,drive={names[-1]},nsid=1"]
    device: dict[str, Any] = {
        "driver": "virtio-blk-pci",
        "drive": names[-1],
        "write-cache": "on" if write_cache else "off",
        # Merged requests would pass the limit as one.
        "request-merging": False,
    }
    if disk.boot:
        device["bootindex"] = 0
    if disk.serial:
        device["serial"] = disk.serial
    return [*arguments, "-device", _json(**device)]

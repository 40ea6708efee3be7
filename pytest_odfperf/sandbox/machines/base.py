"""What the reconcilers need of a machine, real or simulated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.ceph.ceph import Ceph
from pytest_odfperf.sandbox.config.parse_config import ModelConfig

#: The guest's SSH port, the one that every machine forwards.
SSH_PORT = 22

#: A snapshot is kept as a volume of this name that no machine uses.
SNAPSHOT_PREFIX = "snapshot-"

DiskFormat = Literal["raw", "qcow2"]
DiskCache = Literal["none", "writeback", "writethrough", "directsync", "unsafe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """Where the volumes of a StorageClass are kept, and what each volume may do at the most."""

    #: The StorageClass.
    name: str
    directory: Path
    format: DiskFormat = "raw"
    cache: DiskCache = "none"
    #: Limits per volume; None: no limit.
    iops: int | None = None
    bandwidth_bytes_per_s: int | None = None
    #: Blank volumes are RBD images of this cluster; None: they are files, as clones of the guest image are.
    ceph: Ceph | None = None
    #: Of Ceph: where images are, and where their data is if not there.
    pool: str | None = None
    data_pool: str | None = None
    image_features: tuple[str, ...] = ()
    #: librbd's settings of each image.
    image_settings: Mapping[str, str] = field(default_factory=dict)
    #: How fast simulated volumes of a class are that the configuration does not know; None: as usual.
    model: ModelConfig | None = None

    def path(self, volume: str) -> Path:
        """The file of a volume, named by its PersistentVolume."""
        return self.directory / f"{volume}.{self.format}"

    def image(self, volume: str) -> str:
        """The RBD image of a volume or of a snapshot, as ceph-csi names it."""
        if volume.startswith(SNAPSHOT_PREFIX):
            return f"csi-snap-{volume.removeprefix(SNAPSHOT_PREFIX)}"
        return f"csi-vol-{volume.removeprefix('pvc-')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVolume:
    """A volume as its backend keeps it."""

    backend: Backend
    #: The PersistentVolume, or the snapshot.
    volume: str

    @property
    def path(self) -> Path:
        return self.backend.path(self.volume)

    @property
    def is_image(self) -> bool:
        """Whether it is an RBD image and no file."""
        return self.backend.ceph is not None and not self.path.exists()


class Origin(StoredVolume):
    """Whose content a new volume gets, as it is then."""

    __slots__ = ()


class VolumeInUseError(OdfError):
    """A machine has the volume open, and lets nobody else change it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSpec(StoredVolume):
    """One disk of a machine. Its file exists before the machine starts and outlives it."""

    #: The disk's name in the VirtualMachineInstance.
    name: str
    #: What the guest sees as /dev/disk/by-id/virtio-<serial>.
    serial: str | None
    size_bytes: int
    boot: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSpec:
    name: str
    namespace: str
    #: Of the VirtualMachineInstance: a restarted VM is another machine.
    uid: str
    vcpus: int
    memory_bytes: int
    user_data: bytes
    network_data: bytes | None
    disks: tuple[DiskSpec, ...]
    #: The machine's own folder (seed image, sockets, logs). Exists; kept until the sandbox ends.
    directory: Path


@runtime_checkable
class Machine(Protocol):
    """A guest. Used once: after `stop` it is thrown away."""

    async def start(self) -> None:
        """Return when the domain runs, which is before SSH answers; `OdfError` if it can not run."""
        ...

    async def stop(self, grace_s: float) -> None:
        """Ask the guest to shut down, kill it after ``grace_s``; may be called more than once."""
        ...

    async def wait(self) -> str:
        """Return when the machine has ended by itself or was stopped: the reason.

        ``guest-shutdown`` if the guest powered itself off, ``stopped`` after `stop`, any other text is a
        failure.
        """
        ...

    async def grow_disk(self, volume: str, size_bytes: int) -> None:
        """Have the guest see that a disk has become larger; `OdfError` if it can not, as long as it runs."""
        ...

    @property
    def ports(self) -> Mapping[int, tuple[str, int]]:
        """Guest port to (host, port) on loopback; known when `start` returns."""
        ...

    @property
    def console_log(self) -> Path | None:
        """What the guest says on its serial console."""
        ...

    @property
    def process_log(self) -> Path | None:
        """What the machine's own process says; None if it has none."""
        ...

    @property
    def migrating(self) -> asyncio.Event | None:
        """Set when the machine is to be shown on another node; None if it never is."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """A container that runs the guest's script in place of a VM."""

    #: Of its pod.
    name: str
    namespace: str
    uid: str
    vcpus: int
    memory_bytes: int
    #: Its own process.
    command: tuple[str, ...]
    #: By their paths in it.
    files: Mapping[str, bytes]
    disk: DiskSpec
    #: Where the disk is in it: a folder, or (``raw``) a device.
    disk_path: str
    raw: bool
    #: The container's own folder. Exists; kept until the sandbox ends.
    directory: Path


#: Takes what a command says: the number of the stream (1 stdout, 2 stderr), and bytes.
Say = Callable[[int, bytes], None]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a container ended, as its state tells it."""

    exit_code: int
    reason: str = "Error"
    message: str = ""


class Container(Protocol):
    """A container. Used once."""

    async def start(self) -> None:
        """Return when its process runs; `OdfError` if it can not."""
        ...

    async def stop(self, grace_s: float) -> None:
        """End all that runs in it; may be called more than once."""
        ...

    async def wait(self) -> Ended:
        """Return when its process has ended, by itself or by `stop`."""
        ...

    async def exec(self, command: Sequence[str], stdin: asyncio.StreamReader, say: Say) -> int:
        """Run a command in it; its exit code. Cancelled when the client is gone. Raises `OdfError`."""
        ...

    @property
    def cut(self) -> asyncio.Event:
        """Set when all connections to it are to be lost."""
        ...

    @property
    def log(self) -> Path | None:
        """What its process says."""
        ...


#: The reasons of `Machine.wait` that are no failure.
GUEST_SHUTDOWN = "guest-shutdown"
STOPPED = "stopped"


class Machines(Protocol):
    """Makes machines and their volumes; one per sandbox."""

    #: What every result of these machines is marked with; None for real ones.
    marking: str | None

    async def prepare(self) -> object:
        """Whatever takes long and all machines share (a guest image); the sandbox is not ready before."""
        ...

    def machine(self, spec: MachineSpec) -> Machine: ...

    def container(self, spec: ContainerSpec) -> Container:
        """`OdfError` if it can not be had here."""
        ...

    async def create_volume(self, backend: Backend, volume: str, size_bytes: int, *, clone: bool) -> None:
        """Make a volume, blank or (``clone``) a copy of the guest image; `OdfError` if it can not be made."""
        ...

    async def copy_volume(self, source: Origin, backend: Backend, volume: str, size_bytes: int) -> None:
        """Make a volume with the content of another; `OdfError` if it can not be made. Made twice, it stays.

        ``size_bytes`` is at least the size of the source.
        """
        ...

    async def grow_volume(self, backend: Backend, volume: str, size_bytes: int) -> None:
        """Make a volume larger; one that is so large stays. `VolumeInUseError`, `OdfError`.

        Its machine does not know of it before `Machine.grow_disk`.
        """
        ...

    async def delete_volume(self, backend: Backend, volume: str) -> None:
        """Delete a volume; nothing happens if there is none."""
        ...

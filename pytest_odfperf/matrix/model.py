"""The matrix as a value: everything that decides what runs. Made by `load`, changed by nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

VolumeMode = Literal["Block", "Filesystem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Only:
    """What a pool is restricted to; None: everything that the matrix declares."""

    vm_sizes: tuple[str, ...] | None = None
    pvc_sizes: tuple[str, ...] | None = None
    concurrency: tuple[int, ...] | None = None
    profiles: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """One storage pool: the StorageClass that the data disks come from."""

    name: str
    storage_class: str
    #: None: from the StorageClass's provisioner (RBD is Block, all else Filesystem).
    volume_mode: VolumeMode | None = None
    #: Pools of one backend share devices; None: not known.
    backend: str | None = None
    #: Copies or overhead factor of each stored byte (3 for rep3, 1.5 for ec-2-1), for the storage estimate.
    overhead: float = 1.0
    #: How the pool is made (kind, name, ...). Read to check that its Ceph object is Ready.
    recipe: Mapping[str, Any] | None = None
    only: Only = field(default_factory=Only)


@dataclass(frozen=True, slots=True, kw_only=True)
class VmSize:
    label: str
    vcpus: int
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PvcSize:
    label: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A fio job template. ``template`` is its text, so that a matrix is complete without its files."""

    name: str
    template: str
    #: The block sizes that this profile runs with; ``("native",)`` where the template fixes them.
    block_sizes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FioSettings:
    runtime_s: int = 120
    ramp_s: int = 10
    iodepth: int = 32
    numjobs: int = 4
    file_size_bytes: int = 4 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestSettings:
    """How the guests are made: the image, the user, what is installed."""

    data_source: str = "centos-stream9"
    data_source_namespace: str = "openshift-virtualization-os-images"
    user: str = "cloud-user"
    packages: tuple[str, ...] = ()
    root_size_bytes: int = 30 << 30
    #: None: the cluster's default StorageClass.
    root_storage_class: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds. The fio deadline of a key is computed from its job; ``fio_slack_s`` is added to it."""

    boot_s: int = 900
    #: While another group of the run may still free the room that a group's VMs need.
    schedule_s: int = 600
    #: A clone without progress, a claim that nobody binds.
    stall_s: int = 300
    ssh_s: int = 300
    layout_s: int = 1800
    fio_slack_s: int = 180
    delete_s: int = 300
    #: How long an API server that is away or in trouble is waited for.
    api_s: int = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    #: Where it was read from, for messages.
    source: str
    name: str
    #: ``kubeconfig`` (also in-cluster), ``sandbox``, or None where the file does not say.
    cluster: str | None
    namespace: str
    pools: tuple[Pool, ...]
    vm_sizes: tuple[VmSize, ...]
    pvc_sizes: tuple[PvcSize, ...]
    concurrency: tuple[int, ...]
    profiles: tuple[Profile, ...]
    fio: FioSettings = field(default_factory=FioSettings)
    guest: GuestSettings = field(default_factory=GuestSettings)
    timeouts: Timeouts = field(default_factory=Timeouts)
    #: Read by the sandbox only.
    sandbox: Mapping[str, Any] | None = None

    def pool(self, name: str) -> Pool:
        return next(pool for pool in self.pools if pool.name == name)

    def vm_size(self, label: str) -> VmSize:
        return next(size for size in self.vm_sizes if size.label == label)

    def pvc_size(self, label: str) -> PvcSize:
        return next(size for size in self.pvc_sizes if size.label == label)

    def profile(self, name: str) -> Profile:
        return next(profile for profile in self.profiles if profile.name == name)

"""The matrix as a value: everything that decides what runs. Made by `load`, changed by nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.pattern import Pattern
from pytest_odfperf.matrix.values.capacity_settings import CapacitySettings
from pytest_odfperf.matrix.values.limit import Limit, parse_limit
from pytest_odfperf.matrix.values.recipe import Recipe

VolumeMode = Literal["Block", "Filesystem"]
AccessMode = Literal["ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"]
#: What fio reads and writes: files on a file system on the data disk, or the disk itself.
Target = Literal["file", "block"]
Machine = Literal["vm", "pod"]  # what a key is measured in


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiName:
    """An object of the cluster that a VM is made with."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VmSettings:
    """Where VMs are placed and how they are shaped, as one ``vm:`` says it; None: it says nothing."""

    node_selector: Mapping[str, str] | None = None
    affinity: Mapping[str, Any] | None = None
    tolerations: tuple[Mapping[str, Any], ...] | None = None
    preference: ApiName | None = None
    #: Of the VM, its instance and its pod, beside the plugin's own.
    labels: Mapping[str, str] | None = None
    annotations: Mapping[str, str] | None = None
    #: Of the data disk.
    access_mode: AccessMode | None = None
    #: A merge patch (RFC 7386) over the VirtualMachine.
    patch: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VmShape:
    """What holds for the VMs of one pool and size: the ``vm:`` of matrix, size and pool put together."""

    node_selector: Mapping[str, str] = field(default_factory=dict)
    affinity: Mapping[str, Any] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, Any], ...] = ()
    instancetype: ApiName | None = None
    preference: ApiName | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    access_mode: AccessMode = "ReadWriteOnce"
    #: Applied one after the other.
    patches: tuple[Mapping[str, Any], ...] = ()


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
    #: None: from the StorageClass's provisioner, see `usual_mode`.
    volume_mode: VolumeMode | None = None
    #: Pools of one backend share devices; None: not known.
    backend: str | None = None
    #: Copies or overhead factor of each stored byte (3 for rep3, 1.5 for ec-2-1), for the storage estimate.
    overhead: float = 1.0
    #: How the pool is made, and the Ceph object that must be Ready.
    recipe: Recipe | None = None
    #: Measured, and marked, also while its Ceph object is not Ready.
    allow_not_ready: bool = False
    only: Only = field(default_factory=Only)
    vm: VmSettings = field(default_factory=VmSettings)
    #: None: what ``fio`` says.
    target: Target | None = None
    #: What its volumes can not exceed, by `caps.CAPS`; they go before what the StorageClass says.
    caps: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VmSize:
    label: str
    vcpus: int
    memory_bytes: int
    #: What gives the VMs their CPUs and memory; the two above must be the same.
    instancetype: ApiName | None = None
    vm: VmSettings = field(default_factory=VmSettings)
    machine: Machine = "vm"
    image: str | None = None  # of pods; it holds fio


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
    #: Of a variant: the profile that it is one of. See `variants`.
    base: str | None = None
    #: The profile's own numbers, those of a variant among them; None: those of the matrix.
    iodepth: int | None = None
    numjobs: int | None = None
    #: The template's path as the matrix has it; None: found by the profile's name.
    path: str | None = None

    @property
    def source(self) -> str:
        """What messages call the template."""
        return source_of(self.base or self.name, self.path)


def source_of(profile: str, path: str | None) -> str:
    """What messages call the template of ``profile``."""
    return path or f"profiles/{profile}.fio"


@dataclass(frozen=True, slots=True, kw_only=True)
class FioSettings:
    runtime_s: int = 120
    ramp_s: int = 10
    iodepth: int = 32
    numjobs: int = 4
    file_size_bytes: int = 4 << 30
    target: Target = "file"
    #: What each VM is held at, reads and writes together, in each section; None: as fast as it goes.
    rate_iops: int | None = None
    #: The queue that each section has at that rate, so that none of its I/Os waits to be sent; None: iodepth.
    open_loop_depth: int | None = None


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
    #: The version of their fio, as ``fio-3.36``, if it is known before they are made; None: it is not.
    fio_version: str | None = None


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
    #: Until a pool that is made is Ready, and again until its placement groups are settled.
    setup_s: int = 600
    #: How long an API server that is away or in trouble is waited for.
    api_s: int = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingSettings:
    """``weights``: how much each profile counts when pools are ranked; 1 where nothing is said."""

    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLimits:
    """Limits of all keys that match a pattern, as texts; see `parse_limit`."""

    pattern: str
    texts: tuple[str, ...]
    #: File and line, for messages.
    place: str


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
    vm: VmSettings = field(default_factory=VmSettings)
    ranking: RankingSettings = field(default_factory=RankingSettings)
    #: No part of a key's definition: another limit is no reason to measure again.
    limits: tuple[KeyLimits, ...] = ()
    capacity: CapacitySettings | None = None
    #: Read by the sandbox only.
    sandbox: Mapping[str, Any] | None = None

    @property
    def asks_capacity(self) -> bool:
        """Whether each key asks how many VMs its pool carries; see `for_capacity`."""
        return self.capacity is not None and self.fio.open_loop_depth is not None

    def pool(self, name: str) -> Pool:
        return next(pool for pool in self.pools if pool.name == name)

    def vm_size(self, label: str) -> VmSize:
        return next(size for size in self.vm_sizes if size.label == label)

    def pvc_size(self, label: str) -> PvcSize:
        return next(size for size in self.pvc_sizes if size.label == label)

    def profile(self, name: str) -> Profile:
        return next(profile for profile in self.profiles if profile.name == name)

    def target_of(self, pool: str) -> Target:
        """What fio measures on a pool."""
        return self.pool(pool).target or self.fio.target

    def shape_of(self, pool: str, size: str) -> VmShape:
        """How VMs of a size are made on a pool.

        The pool's word goes before the VM size's, and that before the matrix's. Mappings (node_selector,
        labels, annotations) are put together by name, patches are applied in the order matrix, VM size,
        pool; all else is taken as a whole.
        """
        found = self.vm_size(size)
        sections = (self.vm, found.vm, self.pool(pool).vm)
        is_vm = found.machine == "vm"  # preference and patch are of VirtualMachines

        def joined(name: str) -> dict[str, str]:
            return {key: text for one in sections for key, text in (getattr(one, name) or {}).items()}

        def last(name: str, usual: Any) -> Any:
            said = [getattr(one, name) for one in sections if getattr(one, name) is not None]
            return said[-1] if said else usual

        return VmShape(
            node_selector=joined("node_selector"),
            affinity=last("affinity", {}),
            tolerations=last("tolerations", ()),
            instancetype=found.instancetype,
            preference=last("preference", None) if is_vm else None,
            labels=joined("labels"),
            annotations=joined("annotations"),
            access_mode=last("access_mode", "ReadWriteOnce"),
            patches=tuple(one.patch for one in sections if is_vm and one.patch is not None),
        )

    def limits_of(self, key: Key) -> tuple[Limit, ...]:
        """The limits of all patterns that ``key`` matches, each once."""
        found = [
            parse_limit(text)
            for one in self.limits
            if Pattern.parse(one.pattern).matches(key)
            for text in one.texts
        ]
        return tuple(dict.fromkeys(found))

    def fio_of(self, profile: str) -> FioSettings:
        """The fio settings with a profile's own numbers."""
        found = self.profile(profile)
        return replace(
            self.fio,
            iodepth=self.fio.iodepth if found.iodepth is None else found.iodepth,
            numjobs=self.fio.numjobs if found.numjobs is None else found.numjobs,
        )

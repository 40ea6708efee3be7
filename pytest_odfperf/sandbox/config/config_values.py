"""The values of a sandbox's configuration. Made by `parse_config`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pytest_odfperf.sandbox.config.disturbance_rules import Disturbance
from pytest_odfperf.sandbox.config.guest_faults import Faults
from pytest_odfperf.sandbox.config.operator_rules import Operators
from pytest_odfperf.sandbox.config.trouble_rules import Troubles, Webhook

MachineKind = Literal["qemu", "simulated"]
BindingMode = Literal["Immediate", "WaitForFirstConsumer"]
VolumeMode = Literal["Block", "Filesystem"]
ApiFaultKind = Literal["status", "delay_s", "reset", "lost", "hang", "cut", "expire", "freeze_s", "restart_s"]

#: KubeVirt's minor versions that a sandbox can be (docs/kubevirt-versions.md says what moved between them).
KUBEVIRT_VERSIONS = ("1.3", "1.4", "1.5", "1.6", "1.7", "1.8", "1.9")
IMAGES_NAMESPACE = "openshift-virtualization-os-images"
STORAGE_NAMESPACE = "openshift-storage"
#: The name in ``backends`` of the devices that all pools of the Ceph share.
CEPH_BACKEND = "ceph"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConfig:
    name: str
    cpu_milli: int = 96_000
    memory_bytes: int = 512 << 30
    pods: int = 250
    ready: bool = True
    unschedulable: bool = False
    #: Beside those that every node has.
    labels: Mapping[str, str] = field(default_factory=dict)
    #: As the API has them: key, value, effect.
    taints: tuple[Mapping[str, str], ...] = ()
    #: What its kubelet and the attach/detach controller say of volumes: names, as the API has them.
    volumes_in_use: tuple[str, ...] = ()
    volumes_attached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiFault:
    """What goes wrong with some requests to the API server: which, how often, what."""

    kind: ApiFaultKind
    #: In the sense of RBAC (get, list, watch, deletecollection, ...); empty: all.
    verbs: tuple[str, ...] = ()
    #: ``virtualmachines``, ``virtualmachineinstances/portforward``; empty: all, also paths of no resource.
    resources: tuple[str, ...] = ()
    #: Globs.
    name: str = "*"
    namespace: str = "*"
    #: So many matching requests are spared first.
    after: int = 0
    #: So many are hit; None: no limit.
    times: int | None = None
    #: Seconds from the first hit on; None: no limit.
    for_s: float | None = None
    probability: float = 1.0
    seed: int = 1
    status: int = 0
    reason: str = ""
    message: str = ""
    retry_after_s: int | None = None
    #: Before whatever else happens.
    delay_s: float = 0.0
    #: How long all requests hang, or no connection is taken.
    away_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """How fast a simulated volume is. The defaults are one RBD image on three copies, on NVMe."""

    read_lat_us: float = 320.0
    write_lat_us: float = 950.0
    read_iops: float = 52_000.0
    write_iops: float = 35_000.0
    read_bandwidth: float = 6_300.0 * (1 << 20)
    write_bandwidth: float = 2_950.0 * (1 << 20)
    #: Standard deviation of the logarithm of the latency: 0.5 is a p99 of about three times the median.
    read_sigma: float = 0.2
    write_sigma: float = 1.0
    #: Relative standard deviation of the IOPS between runs.
    noise: float = 0.01
    #: Relative standard deviation of the IOPS from moment to moment.
    jitter: float = 0.0
    #: Name of the devices that this StorageClass shares with others.
    backend: str | None = None
    #: What a VM adds to the latency of each I/O, and the part of the volume's own peaks that it reaches; the
    #: figures above are those of a VM.
    vm_lat_us: float = 60.0
    vm_part: float = 0.7

    def without_vm(self) -> ModelConfig:
        """The same volume for a process of the node, as a pod has it."""
        return replace(
            self,
            read_lat_us=max(self.read_lat_us / 10, self.read_lat_us - self.vm_lat_us),
            write_lat_us=max(self.write_lat_us / 10, self.write_lat_us - self.vm_lat_us),
            read_iops=self.read_iops / self.vm_part,
            write_iops=self.write_iops / self.vm_part,
            read_bandwidth=self.read_bandwidth / self.vm_part,
            write_bandwidth=self.write_bandwidth / self.vm_part,
        )

    def at(self, part: float) -> ModelConfig:
        """The same volume at this part of its speed."""
        return replace(
            self,
            read_lat_us=self.read_lat_us / part,
            write_lat_us=self.write_lat_us / part,
            read_iops=self.read_iops * part,
            write_iops=self.write_iops * part,
            read_bandwidth=self.read_bandwidth * part,
            write_bandwidth=self.write_bandwidth * part,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedBackend:
    """What the volumes of one backend can do together; None: no limit."""

    iops: float | None = None
    bandwidth: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageClassConfig:
    name: str
    provisioner: str = "sandbox.odfperf/file"
    binding_mode: BindingMode = "Immediate"
    #: What CDI's StorageProfile says; None: what CDI knows of the provisioner, Block of the sandbox's own.
    volume_mode: VolumeMode | None = None
    default: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    format: Literal["raw", "qcow2"] = "raw"
    cache: Literal["none", "writeback", "writethrough", "directsync", "unsafe"] = "none"
    #: Limits per volume, as shares of a file service have.
    iops: int | None = None
    bandwidth_bytes_per_s: int | None = None
    directory: str | None = None
    model: ModelConfig = field(default_factory=ModelConfig)
    faults: Faults = field(default_factory=Faults)
    #: Set: no volume is ever made, and this is the message of the event.
    provisioning_error: str | None = None
    troubles: Troubles = field(default_factory=Troubles)


@dataclass(frozen=True, slots=True, kw_only=True)
class CephObject:
    """A CephBlockPool or CephFilesystem."""

    phase: str = "Ready"
    spec: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CephStatus:
    """What Ceph says of itself: checks as code and message; ``state`` is that of the CephCluster."""

    health: str = "HEALTH_OK"
    checks: Mapping[str, str] = field(default_factory=dict)
    used_share: float = 0.1
    state: str = "Created"
    #: PGs of the configuration's own pools by state, as Ceph names it: ``active+clean+scrubbing``. None: all
    #: of them are active and clean.
    pgs: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CephChange:
    """What happens so many seconds after the first VM was made."""

    after_s: float
    #: None: it stays as it is.
    status: CephStatus | None = None
    #: New phases of pools and file systems.
    phases: Mapping[str, str] = field(default_factory=dict)
    #: Pools and file systems that are deleted and made anew.
    rebuilt: tuple[str, ...] = ()
    #: None: it goes on as it did.
    disturbance: Disturbance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RealCephConfig:
    """A cluster of real processes on this machine."""

    osds: int = 3
    #: What each OSD can hold; it can not grow beyond.
    osd_size_bytes: int = 10 << 30
    #: Memory for BlueStore's cache of each OSD.
    osd_cache_bytes: int = 128 << 20
    #: Of all OSDs, in the CRUSH map.
    device_class: str = "ssd"
    #: Settings of ceph.conf's [global], over those that the sandbox needs.
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedCephConfig:
    """A model of a cluster."""

    #: None: one for each node.
    osds: int | None = None
    #: Dealt out to the OSDs in turn.
    device_classes: tuple[str, ...] = ("ssd",)
    #: From 18.2 on a pool starts with one PG, and is split later.
    release: str = "19.2"
    #: From a pool's making until its PGs are active and clean.
    settle_s: float = 1.0
    #: From a pool's making until its PGs are split, where they are.
    split_s: float = 20.0
    #: PGs that are not as they should be for so long are told of.
    stuck_s: float = 60.0
    #: Its manager collects so often for its metrics, and its OSDs tell what they did so late.
    collect_s: float = 1.0
    late_s: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class CephConfig:
    """At most one of `real` and `model` is there; neither: there is no Ceph."""

    real: RealCephConfig | None = None
    model: SimulatedCephConfig | None = None
    #: What ODF says of all pools of its own: ``host``, ``rack``, ``zone``.
    failure_domain: str = "host"
    block_pools: Mapping[str, CephObject] = field(default_factory=dict)
    filesystems: Mapping[str, CephObject] = field(default_factory=dict)
    capacity_bytes: int = 30 << 40
    status: CephStatus | None = None
    changes: tuple[CephChange, ...] = ()
    disturbance: Disturbance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    machine: MachineKind = "qemu"
    image: str = "minimal"
    qemu: Mapping[str, Any] = field(default_factory=dict)
    nodes: tuple[NodeConfig, ...] = ()
    seed: int = 1
    speed: float = 10.0
    boot_s: float = 0.3
    clone_s: float = 0.2
    cpu_allocation_ratio: int = 10
    kubevirt_version: str = KUBEVIRT_VERSIONS[-1]
    storage_classes: tuple[StorageClassConfig, ...] = ()
    backends: Mapping[str, SharedBackend] = field(default_factory=dict)
    ceph: CephConfig = field(default_factory=CephConfig)
    data_sources: tuple[tuple[str, str], ...] = ((IMAGES_NAMESPACE, "centos-stream9"),)
    namespaces: tuple[str, ...] = ()
    #: Specs of VirtualMachineClusterInstancetypes and -Preferences, beside those that every cluster has.
    instancetypes: Mapping[str, Any] = field(default_factory=dict)
    preferences: Mapping[str, Any] = field(default_factory=dict)
    api_faults: tuple[ApiFault, ...] = ()
    #: Users without rights of their own, by the name of their kubeconfig: as RBAC objects name them.
    users: Mapping[str, str] = field(default_factory=dict)
    webhooks: tuple[Webhook, ...] = ()
    operators: Operators = field(default_factory=Operators)

    @property
    def kubevirt_minor(self) -> int:
        """6 of KubeVirt 1.6."""
        return int(self.kubevirt_version.partition(".")[2])

    @property
    def root_class(self) -> str:
        """The StorageClass of the guest images: the default one, else the first."""
        return next((sc.name for sc in self.storage_classes if sc.default), self.storage_classes[0].name)

"""What a run must know of its cluster before it begins; read once, by the controller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pytest_odfperf.cluster.client.calls import ApiError, Calls, JsonObject
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import (
    CDI,
    CEPH_BLOCK_POOL,
    CEPH_CLUSTER,
    CEPH_FILESYSTEM,
    CLUSTER_VERSION,
    KUBEVIRT,
    NODE,
    STORAGE_CLASS,
    STORAGE_CLUSTER,
    Kind,
)
from pytest_odfperf.cluster.facts.ceph.ceph_health import HealthSources, health_sources
from pytest_odfperf.cluster.facts.devices import backend_of, backend_of_class
from pytest_odfperf.cluster.facts.instancetypes import read_instancetypes
from pytest_odfperf.cluster.facts.pools import (
    ODF_NAMESPACE,
    CephObjects,
    StorageClassFacts,
    access_problem,
    named,
    not_ready,
    problem,
    volume_mode,
)
from pytest_odfperf.cluster.facts.rights import GRANT
from pytest_odfperf.errors import ClusterError
from pytest_odfperf.matrix.model import AccessMode, Matrix, Pool
from pytest_odfperf.preflight.objects import default_class
from pytest_odfperf.schedule.backends import Backend
from pytest_odfperf.schedule.capacity import NodeCapacity
from pytest_odfperf.vm.labels import MARKING
from pytest_odfperf.waiting import Stop

WORKER = "node-role.kubernetes.io/worker"
_CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
#: virt-handler's word on whether it can run VMs there.
_KUBEVIRT_SCHEDULABLE = "kubevirt.io/schedulable"

#: Kind, what its version is called in the results, and the way to it.
_VERSIONS: tuple[tuple[Kind, str, tuple[str, ...]], ...] = (
    (CLUSTER_VERSION, "openshift", ("status", "desired", "version")),
    (KUBEVIRT, "kubevirt", ("status", "observedKubeVirtVersion")),
    (CDI, "cdi", ("status", "observedVersion")),
    (STORAGE_CLUSTER, "odf", ("status", "version")),
)
_CEPH_VERSION = ("status", "version", "version")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFacts:
    """The cluster as it was found. ``notes`` say what could not be read, which is no error by itself."""

    server: str
    #: All of them; see `NodeCapacity.worker`.
    nodes: tuple[NodeCapacity, ...]
    storage_classes: Mapping[str, StorageClassFacts]
    #: Pools of the matrix that can not be measured, and why.
    pool_problems: Mapping[str, str]
    #: What is said of pools that can be measured, with every result of theirs.
    pool_notes: Mapping[str, str]
    #: ``Block`` or ``Filesystem`` by pool.
    volume_modes: Mapping[str, str]
    #: The devices behind each pool.
    backends: Mapping[str, Backend]
    #: The devices behind the VMs' root disks.
    root_backend: Backend
    #: Where it is read how Ceph's storage is.
    health: HealthSources
    versions: Mapping[str, str]
    #: System and kernel of the nodes on which VMs run, each once.
    node_software: tuple[str, ...]
    #: What every result must be marked with (``SIMULATED``); None for a cluster that is real.
    marking: str | None
    notes: tuple[str, ...] = field(default=())
    #: What this user may not read, and the server's words.
    forbidden: Mapping[str, str] = field(default_factory=dict)
    #: By VM size: the spec of its instancetype, where it could be read.
    instancetypes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: By VM size: why such VMs can not be made as the matrix says.
    size_problems: Mapping[str, str] = field(default_factory=dict)

    def caps(self, pool: Pool) -> dict[str, float]:
        """What the volumes of a pool can not exceed: the matrix's word, else the StorageClass's."""
        found = self.storage_classes.get(pool.storage_class)
        return {**(found.caps if found is not None else {}), **pool.caps}

    def storage_facts(self, pool: Pool) -> dict[str, Any]:
        """What decides a pool's numbers, in plain JSON types."""
        found = self.storage_classes.get(pool.storage_class)
        if found is None:
            return {"volume_mode": self.volume_modes[pool.name]}
        return {
            "provisioner": found.provisioner,
            "parameters": dict(found.parameters),
            "volume_mode": self.volume_modes[pool.name],
        }


def read_facts(cluster: Cluster, matrix: Matrix, *, stop: Stop | None = None) -> ClusterFacts:
    """Ask the cluster. Raises `ClusterError` if its StorageClasses can not be read."""
    reader = _Reader(Calls(cluster, stop or Stop()))
    try:
        listed = reader.calls.items(STORAGE_CLASS)
    except ApiError as error:
        if error.status != 403:
            raise
        raise ClusterError(f"the StorageClasses can not be read: {error.message}; {GRANT}") from error
    classes = {found.name: found for found in map(StorageClassFacts.of, listed)}
    nodes = reader.optional(NODE)
    working = workers(nodes)
    instancetypes = read_instancetypes(reader.calls, matrix)
    for plural, words in instancetypes.forbidden.items():
        reader.forbid(plural, words)
    used = [classes[pool.storage_class] for pool in matrix.pools if pool.storage_class in classes]
    clusters = reader.optional(CEPH_CLUSTER)
    ceph = _ceph(reader, matrix, used, clusters)
    allowed = [pool for pool in matrix.pools if pool.allow_not_ready and pool.storage_class in classes]
    noted = {pool.name: not_ready(pool, classes[pool.storage_class], ceph) for pool in allowed}
    modes = {pool.name: volume_mode(pool, classes.get(pool.storage_class)) for pool in matrix.pools}
    problems = {
        pool.name: problem(pool, classes, ceph)
        or access_problem(classes.get(pool.storage_class), modes[pool.name], _access_modes(matrix, pool))
        for pool in matrix.pools
    }
    marked = [node.marking for node in map(node_capacity, nodes) if node.marking]
    return ClusterFacts(
        server=cluster.server,
        nodes=tuple(replace(node_capacity(node), worker=node in working) for node in nodes),
        storage_classes=classes,
        pool_problems={name: reason for name, reason in problems.items() if reason is not None},
        pool_notes={
            name: f"{why}, and measured all the same (allow_not_ready)" for name, why in noted.items() if why
        },
        volume_modes=modes,
        backends={
            pool.name: backend_of(pool, classes.get(pool.storage_class), ceph) for pool in matrix.pools
        },
        root_backend=_root_backend(matrix, listed, ceph),
        health=health_sources(matrix.pools, classes, ceph, clusters, _root_class(matrix, listed)),
        versions=_versions(reader, clusters),
        node_software=_node_software(working),
        marking=marked[0] if marked else None,
        notes=tuple(reader.notes),
        forbidden=reader.forbidden,
        instancetypes=instancetypes.specs,
        size_problems=instancetypes.problems,
    )


def _node_software(nodes: list[JsonObject]) -> tuple[str, ...]:
    found = set()
    for node in nodes:
        info = (node.get("status") or {}).get("nodeInfo") or {}
        system, kernel = info.get("osImage"), info.get("kernelVersion")
        found.add(", ".join([*([str(system)] if system else []), *([f"kernel {kernel}"] if kernel else [])]))
    return tuple(sorted(found - {""}))


def _access_modes(matrix: Matrix, pool: Pool) -> set[AccessMode]:
    sizes = pool.only.vm_sizes or tuple(size.label for size in matrix.vm_sizes)
    return {matrix.shape_of(pool.name, size).access_mode for size in sizes}


def workers(nodes: list[JsonObject]) -> list[JsonObject]:
    """The nodes with the worker label; where no node has it, all that are not of the control plane."""
    labelled = [node for node in nodes if WORKER in _labels(node)]
    return labelled or [node for node in nodes if not any(role in _labels(node) for role in _CONTROL_PLANE)]


def node_capacity(node: JsonObject) -> NodeCapacity:
    """A node as the scheduler of a VM sees it."""
    spec, status = node.get("spec") or {}, node.get("status") or {}
    allocatable = status.get("allocatable") or {}
    ready = any(
        c.get("type") == "Ready" and c.get("status") == "True" for c in status.get("conditions") or []
    )
    labels = _labels(node)
    return NodeCapacity(
        name=node["metadata"]["name"],
        cpu=str(allocatable.get("cpu", "0")),
        memory=str(allocatable.get("memory", "0")),
        ready=ready,
        schedulable=not (spec.get("unschedulable") or labels.get(_KUBEVIRT_SCHEDULABLE) == "false"),
        marking=labels.get(MARKING),
        labels=dict(labels),
        taints=tuple(spec.get("taints") or ()),
    )


class _Reader:
    """Reads what may be forbidden or not installed; says so in ``notes``."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self.notes: list[str] = []
        self.forbidden: dict[str, str] = {}

    def optional(self, kind: Kind, namespace: str | None = None) -> list[JsonObject]:
        try:
            return self.calls.items(kind, namespace)
        except ApiError as error:
            if error.status not in (403, 404):
                raise
            why = "not installed" if error.status == 404 else f"forbidden ({error.message})"
            if error.status == 403:
                self.forbidden[kind.plural] = error.message
            self.notes.append(f"{kind.plural} not read: {why}")
            return []

    def forbid(self, plural: str, message: str) -> None:
        self.forbidden[plural] = message
        self.notes.append(f"{plural} not read: forbidden ({message})")


def _ceph(
    reader: _Reader, matrix: Matrix, classes: list[StorageClassFacts], clusters: list[JsonObject]
) -> CephObjects:
    block_pools: dict[str, JsonObject] = {}
    filesystems: dict[str, JsonObject] = {}
    recipes = [ODF_NAMESPACE] if any(pool.recipe is not None for pool in matrix.pools) else []
    places = {kind: _places(classes, kind) for kind in ("rbd", "cephfs", "nfs")}
    for namespace in dict.fromkeys([*recipes, *places["rbd"]]):
        block_pools |= named(reader.optional(CEPH_BLOCK_POOL, namespace))
    for namespace in dict.fromkeys([*recipes, *places["cephfs"], *places["nfs"]]):
        filesystems |= named(reader.optional(CEPH_FILESYSTEM, namespace))
    return CephObjects(block_pools, filesystems, fsids(clusters))


def fsids(clusters: list[JsonObject]) -> dict[str, str]:
    """By namespace: the fsid of the Ceph cluster there."""
    found = {
        str(cluster["metadata"].get("namespace", "")): _at(cluster, ("status", "ceph", "fsid"))
        for cluster in clusters
    }
    return {place: str(fsid) for place, fsid in found.items() if fsid}


def _root_class(matrix: Matrix, listed: list[JsonObject]) -> str | None:
    """As CDI chooses the StorageClass, unless the matrix does."""
    return matrix.guest.root_storage_class or default_class(listed)


def _root_backend(matrix: Matrix, listed: list[JsonObject], ceph: CephObjects) -> Backend:
    name = _root_class(matrix, listed)
    if name is None:
        return Backend(why="the StorageClass of the root disks is not known")
    found = next((item for item in listed if item["metadata"]["name"] == name), None)
    named = {pool.backend for pool in matrix.pools if pool.storage_class == name} - {None}
    return backend_of_class(
        StorageClassFacts.of(found) if found else None, ceph, name, named.pop() if len(named) == 1 else None
    )


def _places(classes: list[StorageClassFacts], kind: str) -> list[str]:
    return [namespace for c in classes if c.ceph_kind == kind for namespace in c.ceph_namespaces]


def _versions(reader: _Reader, ceph_clusters: list[JsonObject]) -> dict[str, str]:
    versions = {"kubernetes": str(reader.calls.version().get("gitVersion", "unknown"))}
    for kind, name, path in _VERSIONS:
        for found in reader.optional(kind)[:1]:
            if value := _at(found, path):
                versions[name] = str(value)
    for found in ceph_clusters[:1]:
        if value := _at(found, _CEPH_VERSION):
            versions["ceph"] = str(value)
    return versions


def _at(found: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        found = (found or {}).get(step)
    return found


def _labels(node: JsonObject) -> dict[str, str]:
    return node["metadata"].get("labels") or {}

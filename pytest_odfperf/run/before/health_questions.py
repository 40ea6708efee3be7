"""Asks the cluster whether its storage, and what gives it to VMs, is well enough to be measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_odfperf.matrix.keys import GroupKey
from pytest_odfperf.preflight.check import Check, JsonObject, Unread, passed
from pytest_odfperf.preflight.storage import ceph_checks
from pytest_odfperf.preflight.storage.attached_volumes import attached_volumes
from pytest_odfperf.preflight.storage.ceph_overview import ceph_overview
from pytest_odfperf.preflight.storage.driver_pods import driver_pods
from pytest_odfperf.preflight.storage.stuck_objects import stuck_objects
from pytest_odfperf.run.before.selection import Selection

if TYPE_CHECKING:
    from pytest_odfperf.cluster.client.calls import Calls
    from pytest_odfperf.cluster.client.configured_client import Cluster
    from pytest_odfperf.cluster.client.kinds import Kind
    from pytest_odfperf.cluster.facts.cluster_facts import ClusterFacts

T = TypeVar("T")

_NO_METRICS = Unread(None, "the answer of its manager has no metrics of Ceph")
#: What gives the rights that nobody needs for a run.
_MORE = ": deploy/optional/everywhere-role.yaml"


def health(
    cluster: Cluster,
    calls: Calls,
    selection: Selection,
    groups: Sequence[GroupKey],
    facts: ClusterFacts | None,
) -> Iterator[Check]:
    """All checks of the storage's health. Nothing is made right."""
    yield from _ceph(cluster, calls, selection, groups, facts)
    yield from _objects(calls, selection, groups, facts)


def ask(read: Callable[[], T]) -> T | Unread:
    """What ``read`` gives, or why it could not."""
    from pytest_odfperf.cluster.client.calls import ApiError

    try:
        return read()
    except ApiError as error:
        return Unread(error.status, error.message or error.reason)


def _ceph(
    cluster: Cluster,
    calls: Calls,
    selection: Selection,
    groups: Sequence[GroupKey],
    facts: ClusterFacts | None,
) -> Iterator[Check]:
    from pytest_odfperf.cluster.client.kinds import CEPH_CLUSTER
    from pytest_odfperf.cluster.facts.ceph.mgr_metrics import read_metrics

    clusters = ask(lambda: calls.items(CEPH_CLUSTER))
    yield from ceph_checks.ceph(clusters, calls.date)
    if isinstance(clusters, Unread):
        return
    for one in clusters:
        if (room := ceph_checks.used_share(one)) is not None:
            yield room
        place = str(one["metadata"].get("namespace", ""))
        text: bytes | Unread = ask(lambda place=place: read_metrics(cluster, place))  # type: ignore[misc]
        found = text if isinstance(text, Unread) else ceph_overview(text) or _NO_METRICS
        needs = _needs(selection, groups, facts, place)
        yield from ceph_checks.overview(one, found, needs)


def _needs(
    selection: Selection, groups: Sequence[GroupKey], facts: ClusterFacts | None, place: str
) -> list[ceph_checks.PoolNeed]:
    """What the keys want of the pools of the Ceph cluster in the namespace ``place``."""
    from pytest_odfperf.cluster.facts.devices import data_objects

    matrix, needs = selection.matrix, []
    for name in dict.fromkeys(group.pool for group in groups):
        found = facts.storage_classes.get(matrix.pool(name).storage_class) if facts else None
        if found is None or found.ceph_kind is None or place not in found.ceph_namespaces:
            continue
        mine = [group for group in groups if group.pool == name]
        disks = max(group.concurrency * matrix.pvc_size(group.pvc).size_bytes for group in mine)
        written = max(group.concurrency for group in mine) * matrix.fio.file_size_bytes
        names, kind = data_objects(found)
        if kind == "CephFilesystem":
            names = [found.parameters.get("pool") or f"{one}-data0" for one in names]
        needs += [
            ceph_checks.PoolNeed(pool=name, name=one, written_bytes=min(written, disks), disks_bytes=disks)
            for one in names
        ]
    return needs


def _objects(
    calls: Calls, selection: Selection, groups: Sequence[GroupKey], facts: ClusterFacts | None
) -> Iterator[Check]:
    from pytest_odfperf.cluster.client.kinds import NODE, POD, VM, VMI, VOLUME_ATTACHMENT

    place = selection.matrix.namespace
    nodes = ask(lambda: calls.items(NODE))
    attachments = ask(lambda: calls.items(VOLUME_ATTACHMENT))
    yield from attached_volumes([] if isinstance(nodes, Unread) else nodes, attachments, calls.date)
    pods, everywhere = _everywhere(calls, POD, place)
    if everywhere:
        classes = facts.storage_classes if facts else {}
        used = [selection.matrix.pool(group.pool).storage_class for group in groups]
        yield from driver_pods(pods, [classes[name].provisioner for name in used if name in classes])
    else:
        yield passed("pods of CSI drivers", f"not looked at: pods of other namespaces may not be read{_MORE}")
    found = {"VMs": _everywhere(calls, VM, place)[0], "VMIs": _everywhere(calls, VMI, place)[0], "pods": pods}
    stuck = list(stuck_objects(place, found, calls.date))
    yield from stuck
    if not stuck:
        seen = (
            "in all namespaces"
            if everywhere
            else f"in namespace {place}; of others they may not be read{_MORE}"
        )
        yield passed("stuck VMs and pods", f"there are none ({seen})")


def _everywhere(calls: Calls, kind: Kind, place: str) -> tuple[list[JsonObject], bool]:
    """Those of all namespaces, where that is allowed; else of ``place``."""
    found: Any = ask(lambda: calls.items(kind))
    if not isinstance(found, Unread):
        return found, True
    found = ask(lambda: calls.items(kind, place))
    return ([] if isinstance(found, Unread) else found), False

"""Failure domains of a Ceph cluster: what no two copies of a datum share, and how many of them there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: Where Kubernetes and Rook say in which domain a node is. Rook's own labels are of CRUSH's other kinds.
_LABELS: Mapping[str, str] = {
    "zone": "topology.kubernetes.io/zone",
    "region": "topology.kubernetes.io/region",
}
_ROOK = "topology.rook.io/"
#: Rook's own, where a pool does not say one.
USUAL_DOMAIN = "host"


@dataclass(frozen=True, slots=True)
class Osd:
    """One OSD: the node that it is on, and the class of its device (empty: not known)."""

    host: str
    device_class: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """What is known of where Ceph's OSDs are. ``osds`` None: nobody could be asked."""

    failure_domain: str = USUAL_DOMAIN
    #: The domains of that kind, if the StorageCluster names them.
    named: tuple[str, ...] = ()
    osds: tuple[Osd, ...] | None = None
    #: The labels of each node that has OSDs.
    node_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: Kinds of domains that pools are Ready on: somebody may have drawn them in the CRUSH map by hand.
    in_use: frozenset[str] = frozenset()

    def domains(self, kind: str, device_class: str | None) -> int | None:
        """How many domains of ``kind`` have OSDs of this class (None: of any); None: not known."""
        if self.osds is None:
            return len(self.named) if self.named and kind == self.failure_domain else None
        osds = [osd for osd in self.osds if device_class is None or osd.device_class in ("", device_class)]
        if kind == "osd":
            return len(osds)
        hosts = {osd.host for osd in osds}
        if kind == "host":
            return len(hosts)
        label = _LABELS.get(kind, _ROOK + kind)
        found = {self.node_labels.get(host, {}).get(label) for host in hosts} - {None}
        if found:
            return len(found)
        # ODF draws racks of its own, which need not be on the nodes.
        if self.named and kind == self.failure_domain:
            return len(self.named)
        seen = bool(hosts) and all(host in self.node_labels for host in hosts)
        return 0 if seen and kind != self.failure_domain and kind not in self.in_use else None

    @property
    def device_classes(self) -> tuple[str, ...]:
        return tuple(sorted({osd.device_class for osd in self.osds or ()} - {""}))


def shortage(needed: int, redundancy: str, kind: str, count: int | None) -> str | None:
    """Why a pool can not be made on so many domains; None: it can, or nobody knows."""
    if count is None or count >= needed:
        return None
    domains = "domain" if needed == 1 else "domains"
    need = "needs" if redundancy.startswith("1 ") else "need"
    return f"{redundancy} {need} {needed} failure {domains} of kind {kind}, and the cluster has {count}"

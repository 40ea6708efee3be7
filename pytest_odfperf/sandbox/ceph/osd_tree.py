"""Where OSDs are: the part of a CRUSH map that pools are placed by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_odfperf.sandbox.config.config_values import CephConfig, NodeConfig, SimulatedCephConfig

#: Labels of nodes that Rook makes buckets of (rook.io, "CephCluster CRD", OSD topology).
_LABELS = {
    "region": "topology.kubernetes.io/region",
    "zone": "topology.kubernetes.io/zone",
    **{
        bucket: f"topology.rook.io/{bucket}"
        for bucket in ("datacenter", "room", "pod", "pdu", "row", "rack", "chassis")
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Osd:
    """An OSD that is up and in."""

    number: int
    device_class: str
    size_bytes: int
    #: The bucket of each type that it is in: ``{"host": "node-1", "rack": "rack0"}``.
    buckets: Mapping[str, str]

    @property
    def crush_location(self) -> str:
        """As ceph.conf has it."""
        return " ".join(f"{bucket}={name}" for bucket, name in self.buckets.items() if bucket != "osd")

    @property
    def host(self) -> str:
        return self.buckets["host"]


def osds_of(config: CephConfig, model: SimulatedCephConfig, nodes: Sequence[NodeConfig]) -> tuple[Osd, ...]:
    """The OSDs of a simulated Ceph, dealt out to the sandbox's nodes in turn."""
    count = model.osds or len(nodes)
    return dealt_out(count, config.capacity_bytes // count, model.device_classes, nodes)


def dealt_out(
    count: int, size_bytes: int, device_classes: Sequence[str], nodes: Sequence[NodeConfig]
) -> tuple[Osd, ...]:
    """So many OSDs of this size, on the nodes in turn."""
    found = []
    for number in range(count):
        node = nodes[number % len(nodes)]
        places = {bucket: node.labels[label] for bucket, label in _LABELS.items() if label in node.labels}
        found.append(
            Osd(
                number=number,
                device_class=device_classes[number % len(device_classes)],
                size_bytes=max(1, size_bytes),
                buckets={"osd": f"osd.{number}", "host": node.name, "root": "default", **places},
            )
        )
    return tuple(found)


def usable(osds: Sequence[Osd], device_class: str | None) -> list[Osd]:
    """Those that a rule with this device class may take; None: all."""
    return [osd for osd in osds if device_class in (None, osd.device_class)]


def domains(osds: Sequence[Osd], failure_domain: str) -> int:
    """How many buckets of a type hold any of these OSDs."""
    return len({osd.buckets[failure_domain] for osd in osds if failure_domain in osd.buckets})

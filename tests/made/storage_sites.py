"""Clusters on which pools are made, as small as a test needs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_odfperf.matrix.model import Pool
from pytest_odfperf.matrix.reading.recipe_entry import read_recipe
from pytest_odfperf.matrix.reading.yaml_marks import read_yaml
from pytest_odfperf.storage.made_labels import made_labels
from pytest_odfperf.storage.site import Provisioner, StorageSite
from pytest_odfperf.storage.topology import Osd, Topology

PLACE = "openshift-storage"
RBD = f"{PLACE}.rbd.csi.ceph.com"
OOB = "ocs-storagecluster-cephblockpool"


def pool(name: str, recipe: str, storage_class: str | None = None) -> Pool:
    """A pool of a matrix; ``recipe`` as a file has it."""
    return Pool(
        name=name,
        storage_class=storage_class or f"sc-{name}",
        recipe=read_recipe(read_yaml(f"{{{recipe}}}", "m.yaml"), name),
    )


def found(name: str, spec: Mapping[str, Any], *, ours: bool = False, phase: str = "Ready") -> dict[str, Any]:
    """A Ceph object that is there."""
    labels = made_labels(name) if ours else {}
    return {
        "kind": "CephBlockPool",
        "metadata": {"name": name, "labels": labels},
        "spec": dict(spec),
        "status": {"phase": phase},
    }


def storage_class(name: str, parameters: Mapping[str, str], *, ours: bool = False) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": made_labels(name) if ours else {}},
        "provisioner": RBD,
        "parameters": dict(parameters),
    }


def by_name(*items: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["metadata"]["name"]: item for item in items}


def hosts(number: int, device_class: str = "ssd", each: int = 2) -> Topology:
    return Topology(osds=tuple(Osd(f"n{host}", device_class) for host in range(number) for _ in range(each)))


def site(**more: Any) -> StorageSite:
    """Three hosts, and ODF's own pool with its class."""
    values: dict[str, Any] = {
        "namespace": PLACE,
        "storage_cluster": "ocs-storagecluster",
        "topology": hosts(3),
        "device_class": "ssd",
        "classes": by_name(storage_class("ocs-storagecluster-ceph-rbd", {"pool": OOB, "clusterID": PLACE})),
        "block_pools": by_name(found(OOB, {"replicated": {"size": 3}})),
    }
    values |= more
    return StorageSite(
        rbd=Provisioner.of("rbd", PLACE, values["classes"]),
        cephfs=Provisioner.of("cephfs", PLACE, values["classes"]),
        **values,
    )

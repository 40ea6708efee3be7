"""Storage of clusters as discovery finds it, and what is proposed of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_odfperf.cluster.discovery.found_storage import FoundStorage
from pytest_odfperf.cluster.discovery.proposal_text import proposal_text
from pytest_odfperf.cluster.discovery.propose import propose
from pytest_odfperf.cluster.discovery.proposed_pool import Proposal, ProposedPool
from pytest_odfperf.cluster.facts.pools import CephObjects, named
from pytest_odfperf.matrix.model import Matrix, Pool
from pytest_odfperf.matrix.reading.load import load_matrix, load_text

RBD, CEPHFS = "openshift-storage.rbd.csi.ceph.com", "openshift-storage.cephfs.csi.ceph.com"
FILE, BLOCK, POOL = "vpc.file.csi.ibm.io", "vpc.block.csi.ibm.io", "vpc-file-pool.csi.ibm.io"
FULL = load_matrix("full")


def storage_class(name: str, provisioner: str = RBD, **more: Any) -> dict[str, Any]:
    annotations = more.pop("annotations", {})
    return {"metadata": {"name": name, "annotations": annotations}, "provisioner": provisioner, **more}


def block_pool(name: str, *, namespace: str = "openshift-storage", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
        "status": {"phase": "Ready"},
    }


def node(zone: str = "z1", machine: str = "bx2.16x64") -> dict[str, Any]:
    labels = {"topology.kubernetes.io/zone": zone, "node.kubernetes.io/instance-type": machine}
    return {"metadata": {"name": f"n-{zone}", "labels": labels}}


def storage(*classes: dict[str, Any], nodes: tuple[Any, ...] = (), **more: Any) -> FoundStorage:
    return FoundStorage(
        server="https://x",
        classes={one["metadata"]["name"]: one for one in classes},
        workers=nodes or (node(),),
        **more,
    )


def ceph(*pools: dict[str, Any], filesystems: tuple[Any, ...] = ()) -> CephObjects:
    return CephObjects(named(list(pools)), named(list(filesystems)), {"openshift-storage": "f" * 8 + "-0"})


def proposed(found: FoundStorage, base: Matrix = FULL) -> dict[str, ProposedPool]:
    """By StorageClass."""
    return {pool.settings["storage_class"].value: pool for pool in propose(found, base, "full").pools}


def loaded(made: Proposal, text: str | None = None) -> dict[str, Pool]:
    """By StorageClass, as our own reader has it."""
    text = proposal_text(made) if text is None else text
    matrix = load_text(text, source="m.yaml", folder=Path.cwd(), name="m")
    found = {pool.storage_class: pool for pool in matrix.pools}
    assert len(found) == len(matrix.pools)
    return found

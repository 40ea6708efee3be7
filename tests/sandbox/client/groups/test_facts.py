"""What a run finds out of its cluster before it begins."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.facts.cluster_facts import ClusterFacts, read_facts
from pytest_odfperf.matrix.model import Matrix, Pool
from pytest_odfperf.schedule.backends import relation


def found(cluster: Cluster, **pools: Any) -> ClusterFacts:
    matrix = Matrix(
        source="test",
        name="test",
        cluster=None,
        namespace="default",
        pools=tuple(Pool(name=name, **settings) for name, settings in pools.items()),
        vm_sizes=(),
        pvc_sizes=(),
        concurrency=(),
        profiles=(),
    )
    return read_facts(cluster, matrix)


def test_nodes_come_with_their_capacity_and_marking(cluster: Cluster) -> None:
    facts = found(cluster)
    assert [node.name for node in facts.nodes] == ["a", "b"]
    assert all(node.ready and node.schedulable for node in facts.nodes)
    assert {node.cpu for node in facts.nodes} == {"16"}
    assert facts.marking == "SIMULATED"
    assert facts.server == cluster.server
    assert facts.versions["kubernetes"].startswith("v")


def test_pools_that_can_not_run_are_named_with_their_reason(cluster: Cluster) -> None:
    facts = found(
        cluster,
        fine={"storage_class": "rbd"},
        plain={"storage_class": "good"},
        lost={"storage_class": "rbd-lost"},
        missing={"storage_class": "typo"},
    )
    assert set(facts.pool_problems) == {"lost", "missing"}
    assert facts.pool_problems["lost"] == "CephBlockPool lost is Failure, not Ready"
    assert facts.pool_problems["missing"].startswith("StorageClass 'typo' does not exist (known: ")


def test_volume_mode_and_backend_follow_the_storage_class(cluster: Cluster) -> None:
    facts = found(
        cluster,
        block={"storage_class": "rbd"},
        same={"storage_class": "rbd-lost"},
        files={"storage_class": "good"},
        chosen={"storage_class": "good", "volume_mode": "Block"},
    )
    assert facts.volume_modes == {
        "block": "Block",
        "same": "Block",
        "files": "Filesystem",
        "chosen": "Block",
    }
    block, same, files = (facts.backends[pool] for pool in ("block", "same", "files"))
    assert relation(block, same).sharing == "shared"
    assert relation(block, files).sharing != "shared"


def test_the_facts_are_plain_json(cluster: Cluster) -> None:
    pool = Pool(name="block", storage_class="rbd")
    facts = found(cluster, block={"storage_class": "rbd"})
    assert json.loads(json.dumps(asdict(facts)))["server"] == cluster.server
    assert facts.storage_facts(pool) == {
        "provisioner": "openshift-storage.rbd.csi.ceph.com",
        "parameters": {"pool": "rep3"},
        "volume_mode": "Block",
    }

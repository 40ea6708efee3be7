"""What Rook's operator and ceph-csi refuse, in their words; what specs of Rook ask of Ceph."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_odfperf.sandbox.ceph.ceph import PoolWanted
from pytest_odfperf.sandbox.reconcilers.storage.ceph_csi.csi_rules import (
    options_problem,
    parameters_problem,
    secret_problem,
    volume_handle,
)
from pytest_odfperf.sandbox.reconcilers.storage.rook.pool_rules import (
    block_pool_problem,
    filesystem_problem,
)
from pytest_odfperf.sandbox.reconcilers.storage.rook.wanted_pools import (
    wanted_filesystem,
    wanted_pool,
)

CODED = {"dataChunks": 2, "codingChunks": 1}


def replicated(size: int, **more: Any) -> dict[str, Any]:
    return {"replicated": {"size": size, **more}}


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        (replicated(3), None),
        (replicated(1), None),
        (replicated(1, requireSafeReplicaSize=False), None),
        (replicated(1, requireSafeReplicaSize=True), "requireSafeReplicaSize is true, must be false"),
        ({}, "either of erasurecoded or replicated fields should be set"),
        (replicated(0), "either of erasurecoded or replicated fields should be set"),
        ({**replicated(3), "erasureCoded": CODED}, "both erasurecoded and replicated fields cannot be set"),
        ({"erasureCoded": CODED, "replicated": {"size": 0, "targetSizeRatio": 0.1}}, "both erasurecoded and"),
        ({"erasureCoded": CODED}, None),
        ({"erasureCoded": {"dataChunks": 1, "codingChunks": 1}}, "datachunks needs minimum value of 2"),
        ({**replicated(3), "failureDomain": "planet"}, "unrecognized failure domain planet"),
        ({**replicated(3), "failureDomain": "rack"}, None),
        ({**replicated(3), "crushRoot": "other"}, "unrecognized crush root other"),
        (replicated(2, replicasPerFailureDomain=2), "size must be greater"),
        (replicated(3, replicasPerFailureDomain=2), "must be a factor of the replica count 3"),
        (replicated(4, replicasPerFailureDomain=2, subFailureDomain="host"), None),
        ({**replicated(4, subFailureDomain="host"), "failureDomain": "host"}, "cannot be identical"),
        ({**replicated(3), "parameters": {"compression_mode": "lz4"}}, 'unknown compression mode "lz4"'),
        ({**replicated(3), "mirroring": {"enabled": True}}, 'unrecognized mirroring mode ""'),
        ({**replicated(3), "mirroring": {"enabled": True, "mode": "image"}}, None),
        ({"name": ".mgr", "erasureCoded": CODED}, 'ceph built-in pool ".mgr" cannot be erasure coded'),
    ],
)
def test_what_rook_refuses_of_a_pool(spec: Any, problem: str | None) -> None:
    found = block_pool_problem(spec)
    assert (problem or "") in (found or ""), found
    assert (found is None) == (problem is None)


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"metadataPool": replicated(3), "dataPools": [replicated(3)]}, None),
        ({"metadataPool": {}, "dataPools": []}, None),
        (
            {"metadataPool": replicated(1, requireSafeReplicaSize=True), "dataPools": [replicated(3)]},
            "invalid metadata pool: error pool size is 1",
        ),
        (
            {"metadataPool": replicated(3), "dataPools": [{**replicated(3), "failureDomain": "shelf"}]},
            "Invalid data pool: unrecognized failure domain shelf",
        ),
        (
            {"metadataPool": replicated(3), "dataPools": [{"name": "a", **replicated(3)}] * 2},
            "duplicate pool names in the data pool spec",
        ),
    ],
)
def test_what_rook_refuses_of_a_file_system(spec: Any, problem: str | None) -> None:
    found = filesystem_problem(spec)
    assert found == problem if problem is None else problem in (found or "")


def test_what_a_spec_asks_of_ceph() -> None:
    spec = {
        **replicated(2, targetSizeRatio=0.1, requireSafeReplicaSize=True),
        "deviceClass": "ssd",
        "failureDomain": "rack",
        "compressionMode": "passive",
        "parameters": {"pg_num": "64", "compression_mode": "force", "min_size": "1"},
        "quotas": {"maxSize": "10Gi", "maxBytes": 5, "maxObjects": 7},
    }
    assert wanted_pool("p", spec, "rbd") == PoolWanted(
        name="p",
        replicas=2,
        pg_num=64,
        failure_domain="rack",
        device_class="ssd",
        compression="force",
        target_size_ratio=0.1,
        quota_bytes=10 << 30,
        quota_objects=7,
        parameters={"min_size": "1"},
    )
    coded = {"erasureCoded": CODED, "parameters": {"target_size_ratio": "0.2", "pg_num": "many"}}
    found = wanted_pool("p", coded, "rbd")
    assert (found.replicas, found.coding, found.target_size_ratio, found.pg_num) == (None, (2, 1), 0.2, None)
    # Rook's own sizes are not safe unless it is said.
    assert not wanted_pool("p", replicated(1), "rbd").require_safe_size


@pytest.mark.parametrize(
    ("spec", "pools"),
    [
        ({}, ["fs-metadata", "fs-data0", "fs-fast"]),
        ({"preservePoolNames": True}, ["fs-metadata", "fs-data0", "fast"]),
    ],
)
def test_pools_of_a_file_system_have_rooks_names(spec: Any, pools: list[str]) -> None:
    data = [replicated(3), {"name": "fast", **replicated(2)}]
    made = {"metadata": {"name": "fs"}, "spec": {"metadataPool": replicated(3), "dataPools": data, **spec}}
    found = wanted_filesystem(made)
    assert [found.metadata_pool.name, *(pool.name for pool in found.data_pools)] == pools
    assert {pool.application for pool in found.data_pools} == {"cephfs"}


RBD = {"clusterID": "openshift-storage", "pool": "p", "imageFeatures": "layering"}
FILES = {"clusterID": "openshift-storage", "fsName": "fs"}


def without(parameters: dict[str, str], *names: str) -> dict[str, str]:
    return {name: text for name, text in parameters.items() if name not in names}


@pytest.mark.parametrize(
    ("kind", "parameters", "problem"),
    [
        ("rbd", RBD, None),
        ("rbd", without(RBD, "imageFeatures"), None),
        ("rbd", without(RBD, "clusterID"), "empty cluster ID to provision volume from"),
        ("rbd", {**RBD, "clusterID": ""}, "empty cluster ID to provision volume from"),
        ("rbd", without(RBD, "pool"), "missing or empty pool name to provision volume from"),
        ("rbd", {**RBD, "dataPool": ""}, "empty datapool name to provision volume from"),
        ("rbd", {**RBD, "clusterID": "x"}, 'missing configuration for cluster ID "x"'),
        ("rbd", {**RBD, "imageFeatures": ""}, "empty imageFeatures parameter"),
        ("rbd", {**RBD, "imageFeatures": "layering,fast"}, "invalid feature fast"),
        (
            "rbd",
            {**RBD, "imageFeatures": "object-map"},
            "object-map requires exclusive-lock to be set",
        ),
        ("rbd", {**RBD, "imageFeatures": "exclusive-lock,journaling"}, "requires rbd-nbd for mounter"),
        ("rbd", {**RBD, "imageFeatures": "exclusive-lock,journaling", "mounter": "rbd-nbd"}, None),
        ("cephfs", FILES, None),
        ("cephfs", without(FILES, "fsName"), "missing required field fsName"),
        ("cephfs", {**FILES, "fsName": ""}, "parameter 'fsName' cannot be empty"),
        ("cephfs", {**FILES, "clusterID": "x"}, 'missing configuration for cluster ID "x"'),
    ],
)
def test_what_ceph_csi_refuses_of_a_class(kind: Any, parameters: dict[str, str], problem: str | None) -> None:
    found = parameters_problem(kind, parameters) or options_problem(kind, parameters, "openshift-storage")
    assert (found is None) == (problem is None)
    assert found is None or found.startswith("rpc error: code = InvalidArgument desc = ")
    assert (problem or "") in (found or "")


@pytest.mark.parametrize(
    ("kind", "data", "problem"),
    [
        ("rbd", {"userID": "a", "userKey": "b"}, None),
        ("rbd", None, "provided secret is empty"),
        ("rbd", {"userKey": "b"}, "missing ID field 'userID' in secrets"),
        ("rbd", {"userID": "a", "userKey": ""}, "missing key field 'userKey' in secrets"),
        ("cephfs", {"userID": "a", "userKey": "b"}, "missing ID field 'adminID' in secrets"),
        ("cephfs", {"adminID": "a", "adminKey": "b"}, None),
    ],
)
def test_what_ceph_csi_refuses_of_a_secret(kind: Any, data: Any, problem: str | None) -> None:
    found = secret_problem(kind, data)
    assert found == (problem and f"rpc error: code = InvalidArgument desc = {problem}")


def test_the_handle_of_a_volume_is_ceph_csis() -> None:
    uid = "f42e2fe8-17be-4577-a809-81aa4472809a"
    assert volume_handle("openshift-storage", 2, uid) == (
        f"0001-0011-openshift-storage-0000000000000002-{uid}"
    )

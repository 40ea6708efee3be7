"""What the API server refuses of Rook's objects, as Rook's CRDs have it refused."""

from __future__ import annotations

from typing import Any

import pytest

FILESYSTEM = {
    "metadataPool": {"replicated": {"size": 3}},
    "dataPools": [{"name": "data0", "replicated": {"size": 3}}],
    "metadataServer": {"activeCount": 1},
}
KINDS = {
    "cephblockpools": "CephBlockPool",
    "cephfilesystems": "CephFilesystem",
    "cephclusters": "CephCluster",
}


def post(api: Any, plural: str, spec: Any, **query: str) -> Any:
    path = f"/apis/ceph.rook.io/v1/namespaces/{api.namespace}/{plural}"
    body = {"apiVersion": "ceph.rook.io/v1", "kind": KINDS[plural], "metadata": {"name": "one"}, "spec": spec}
    return api.call("POST", "?".join((path, *(f"{name}={value}" for name, value in query.items()))), body)


def pool(**spec: Any) -> tuple[str, dict[str, Any]]:
    return "cephblockpools", spec


def coded(**more: Any) -> tuple[str, dict[str, Any]]:
    return pool(erasureCoded={"dataChunks": 2, "codingChunks": 1, **more})


def filesystem(**spec: Any) -> tuple[str, dict[str, Any]]:
    return "cephfilesystems", {**FILESYSTEM, **spec}


@pytest.mark.parametrize(
    ("plural", "spec"),
    [
        pool(replicated={"size": 3}),
        pool(replicated={"size": 1, "requireSafeReplicaSize": True}),  # its operator refuses that
        pool(replicated={"size": 3, "targetSizeRatio": 0.1}, deviceClass="ssd", enableCrushUpdates=True),
        pool(replicated={"size": 2}, compressionMode="", mirroring={"enabled": True, "mode": "image"}),
        coded(algorithm="isa", stripeUnit="16Ki"),
        pool(replicated={"size": 3}, parameters={"pg_num": "32"}, quotas={"maxSize": "10Gi"}),
        pool(name=".mgr", replicated={"size": 3}),
        filesystem(),
        filesystem(metadataServer={"activeCount": 50, "activeStandby": True, "resources": {"limits": {}}}),
    ],
)
def test_what_crds_take_is_taken(api: Any, plural: str, spec: Any) -> None:
    answer = post(api, plural, spec, fieldValidation="Strict")
    assert (answer.code, answer.body["spec"]) == (201, spec)


@pytest.mark.parametrize(
    ("plural", "spec", "message"),
    [
        (*pool(replicated={}), "spec.replicated.size: Required value"),
        (
            *pool(replicated={"size": -1}),
            "spec.replicated.size: Invalid value: -1: spec.replicated.size in body should be greater than or "
            "equal to 0",
        ),
        (
            *pool(replicated={"size": "3"}),
            'spec.replicated.size: Invalid value: "string": spec.replicated.size in body must be of type '
            'integer: "string"',
        ),
        (
            *pool(parameters={"target_size_ratio": 0.1}),
            'spec.parameters.target_size_ratio in body must be of type string: "number"',
        ),
        (*pool(erasureCoded={"dataChunks": 2}), "spec.erasureCoded.codingChunks: Required value"),
        (*coded(algorithm="clay"), 'Unsupported value: "clay": supported values: "isa", "jerasure"'),
        (*coded(stripeUnit="8Ki"), 'spec.erasureCoded.stripeUnit: Unsupported value: "8Ki"'),
        (
            *coded(crushNumFailureDomains=3),
            "crushNumFailureDomains and crushOSDsPerFailureDomain must be specified together",
        ),
        (*pool(replicated={"size": 2}, compressionMode="lz4"), 'Unsupported value: "lz4"'),
        (*pool(replicated={"size": 2}, name="other"), 'spec.name: Unsupported value: "other"'),
        (
            *pool(replicated={"size": 2}, quotas={"maxSize": "10 GiB"}),
            "spec.quotas.maxSize in body should match",
        ),
        (*pool(replicated={"size": 2}, mirroring={"mode": "all"}), "spec.mirroring.mode: Unsupported value"),
        (*filesystem(metadataServer={}), "spec.metadataServer.activeCount: Required value"),
        (
            *filesystem(metadataServer={"activeCount": 51}),
            "spec.metadataServer.activeCount in body should be less than or equal to 50",
        ),
        (
            *filesystem(dataPools=[{"replicated": {"size": -2}}]),
            "spec.dataPools[0].replicated.size in body should be greater than or equal to 0",
        ),
        (
            "cephfilesystems",
            {"metadataPool": {}, "metadataServer": {"activeCount": 1}},
            "spec.dataPools: Required",
        ),
        ("cephclusters", {"dataDirHostPath": "var/lib/rook"}, "spec.dataDirHostPath in body should match"),
    ],
)
def test_what_crds_refuse_is_refused(api: Any, plural: str, spec: Any, message: str) -> None:
    answer = post(api, plural, spec)
    assert (answer.code, answer.body["reason"]) == (422, "Invalid")
    assert message in answer.body["message"]


@pytest.mark.parametrize(
    ("plural", "spec", "field"),
    [
        (*pool(replicated={"size": 3, "targetRatio": 0.1}), "spec.replicated.targetRatio"),
        (*coded(targetSizeRatio=0.1), "spec.erasureCoded.targetSizeRatio"),
        (*filesystem(preserve=True), "spec.preserve"),
        (*filesystem(dataPools=[{"replicated": {"size": 3}, "size": 3}]), "spec.dataPools[0].size"),
    ],
)
def test_fields_that_rook_does_not_have_are_told(api: Any, plural: str, spec: Any, field: str) -> None:
    answer = post(api, plural, spec, fieldValidation="Strict")
    assert answer.code == 400
    assert f'unknown field "{field}"' in answer.body["message"]


def test_the_folder_of_a_cluster_stays(api: Any) -> None:
    assert post(api, "cephclusters", {"dataDirHostPath": "/var/lib/rook"}).code == 201
    path = f"/apis/ceph.rook.io/v1/namespaces/{api.namespace}/cephclusters/one"
    change = {"spec": {"dataDirHostPath": "/elsewhere"}}
    answer = api.call("PATCH", path, change, Content_Type="application/merge-patch+json")
    assert answer.code == 422
    assert "DataDirHostPath is immutable" in answer.body["message"]

"""What is decided from what was read; what the sandbox can not show is here."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.matrix.keys import GroupKey
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.matrix.reading.load import load_text
from pytest_odfperf.preflight import limits, objects
from pytest_odfperf.preflight.check import Check, Unread, failed, failures, passed, text
from pytest_odfperf.preflight.storage import ceph_checks
from pytest_odfperf.schedule.capacity import NodeCapacity

MATRIX = """
pools: [a, b]
vm_sizes: {s: {vcpus: 2, memory: 4Gi}}
pvc_sizes: [10Gi]
concurrency: [1]
profiles: [random-rw]
block_sizes: [4k]
guest: {root_size: 30Gi, root_storage_class: a}
"""
GROUPS = tuple(GroupKey(pool, "s", "10Gi", count) for pool in ("a", "b") for count in (1, 4))
ABSENT, FORBIDDEN = Unread(404, "not found"), Unread(403, "cannot list")


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    return load_text(MATRIX, source="m.yaml", folder=tmp_path_factory.mktemp("m"), name="m")


def quota(used: int = 0, **hard: Any) -> dict[str, Any]:
    keys = {key.replace("__", "/").replace("_", "."): str(value) for key, value in hard.items()}
    return {
        "metadata": {"name": "q"},
        "spec": {"hard": keys},
        "status": {"used": dict.fromkeys(keys, str(used))},
    }


def levels(checks: list[Check]) -> list[str]:
    return [check.level for check in checks]


@pytest.mark.parametrize(
    ("found", "api", "level", "said"),
    [
        (ABSENT, ABSENT, "FAIL", "is not installed"),
        (FORBIDDEN, ABSENT, "FAIL", "is not installed"),
        (FORBIDDEN, None, "warn", "its API answers"),
        (FORBIDDEN, FORBIDDEN, "warn", "may not be read"),
        ([{"status": {"phase": "Deployed"}}], None, "ok", "is Deployed"),
        ([{}], None, "FAIL", "without a phase"),
    ],
)
def test_an_operator_is_judged_by_its_object_else_by_its_api(
    found: Any, api: Any, level: str, said: str
) -> None:
    check = objects.operator("CDI", found, api)
    assert check.level == level
    assert said in check.detail


@pytest.mark.parametrize(
    ("found", "level", "said"),
    [
        (Unread(404, 'virtualmachineinstances.kubevirt.io "probe" not found'), "ok", "KubeVirt answers"),
        (Unread(404, "the server could not find the requested resource"), "FAIL", "does not answer"),
        (Unread(503, "no endpoints available for service virt-api"), "FAIL", "does not answer: no endpoints"),
        (Unread(403, "forbidden"), "FAIL", "is refused: forbidden"),
        (Unread(None, "WebSocketProxyException: 407"), "FAIL", "no WebSocket comes through"),
    ],
)
def test_a_tunnel_is_judged_by_who_says_no(found: Unread, level: str, said: str) -> None:
    check = objects.tunnel("probe", found)
    assert check.level == level
    assert said in check.detail


def test_the_root_class_is_the_named_one_else_a_default() -> None:
    virt = {"metadata": {"name": "v", "annotations": {objects.DEFAULT_CLASSES[0]: "true"}}}
    plain = {"metadata": {"name": "p", "annotations": {objects.DEFAULT_CLASSES[1]: "true"}}}
    assert "StorageClass v" in objects.root_class(None, [plain, virt]).detail
    assert "StorageClass p" in objects.root_class(None, [plain]).detail
    assert objects.root_class(None, [{"metadata": {"name": "x"}}]).level == "FAIL"
    assert objects.root_class("p", [virt]).level == "FAIL"


@pytest.mark.parametrize(("makes", "said"), [(True, "pytest --odf-setup"), (False, "make it, or leave")])
def test_a_pool_that_is_missing_is_made_with_its_recipe_if_it_has_one(makes: bool, said: str) -> None:
    check = objects.pool("p", "sc", "Block", "StorageClass 'sc' does not exist", None, makes=makes)
    assert check.level == "FAIL"
    assert said in check.next_step


def test_what_may_not_be_read_is_a_warning_and_no_ceph_is_no_line(matrix: Matrix) -> None:
    assert ceph_checks.ceph(ABSENT) == []
    for checks in (
        ceph_checks.ceph(FORBIDDEN),
        limits.quotas(FORBIDDEN, matrix, GROUPS, 1),
        limits.limit_ranges(FORBIDDEN, matrix, GROUPS),
        limits.nodes(FORBIDDEN, matrix, GROUPS),
        objects.leftovers("ns", FORBIDDEN),
    ):
        assert levels(checks) == ["warn"]


def test_what_a_group_needs(matrix: Matrix) -> None:
    needed = limits.needs(matrix, GroupKey("a", "s", "10Gi", 4))
    gib = Decimal(1 << 30)
    assert needed["requests.cpu"] == needed["limits.cpu"] == 8
    assert needed["requests.memory"] > 16 * gib
    assert needed["requests.storage"] == 160 * gib
    # Root and data disks are of the same class here.
    assert needed["a.storageclass.storage.k8s.io/requests.storage"] == 160 * gib
    assert needed["a.storageclass.storage.k8s.io/persistentvolumeclaims"] == 8
    other = limits.needs(matrix, GroupKey("b", "s", "10Gi", 4))
    assert other["b.storageclass.storage.k8s.io/requests.storage"] == 40 * gib
    assert other["a.storageclass.storage.k8s.io/requests.storage"] == 120 * gib


@given(hard=st.integers(0, 40), used=st.integers(0, 40), at_once=st.integers(1, 3))
def test_a_quota_fails_exactly_if_the_largest_group_has_no_room(
    matrix: Matrix, hard: int, used: int, at_once: int
) -> None:
    (check,) = limits.quotas([quota(used, pods=hard)], matrix, GROUPS, at_once)
    pools = min(at_once, 2)
    assert check.level == ("FAIL" if hard - used < 4 else "warn" if hard - used < 4 * pools else "ok")


def test_a_quota_of_nothing_fails_for_each_thing_that_a_group_takes(matrix: Matrix) -> None:
    keys = limits.needs(matrix, GROUPS[0])
    assert {"count/leases.coordination.k8s.io", "requests.ephemeral-storage"} < set(keys)
    for key in keys:
        (check,) = limits.quotas([quota(**{key: 0})], matrix, GROUPS[:1], 1)
        of_the_run = "leases" in key or "configmaps" in key
        assert str(check).startswith(f"FAIL quota q: {key}: {'a run' if of_the_run else 'group '}")


def test_one_lease_and_one_config_map_are_enough_for_all_pools(matrix: Matrix) -> None:
    one = quota(**{"count/leases.coordination.k8s.io": 1, "configmaps": 1})
    assert levels(limits.quotas([one], matrix, GROUPS, 3)) == ["ok"]


def test_quotas_that_are_not_for_our_pods_or_not_known_do_no_harm(matrix: Matrix) -> None:
    other = quota(pods=0)
    other["spec"]["scopes"] = ["BestEffort"]
    assert levels(limits.quotas([other, quota(services=0)], matrix, GROUPS, 1)) == ["ok"]
    broken = quota(pods="many")
    assert levels(limits.quotas([broken], matrix, GROUPS, 1)) == ["warn"]


def test_a_limit_range_for_claims(matrix: Matrix) -> None:
    found = {
        "metadata": {"name": "l"},
        "spec": {"limits": [{"type": "PersistentVolumeClaim", "min": {"storage": "20Gi"}}]},
    }
    (check,) = limits.limit_ranges([found], matrix, GROUPS)
    assert check.detail == "PVC size 10Gi: storage 10.0 GiB is outside its min 20Gi"


def test_nodes_that_are_left_out_are_named(matrix: Matrix) -> None:
    nodes = [
        NodeCapacity(name="a", cpu="8", memory="64Gi", ready=True, schedulable=True),
        NodeCapacity(name="b", cpu="8", memory="64Gi", ready=False, schedulable=False),
        NodeCapacity(name="c", cpu="x", memory="64Gi", ready=True, schedulable=True),
    ]
    (check,) = limits.nodes(nodes, matrix, GROUPS)
    assert (
        str(check)
        == "warn nodes: 2 of 3 nodes take VMs (b is not Ready and not schedulable); next: oc get nodes"
    )


def test_the_last_line_counts_and_judges() -> None:
    assert text([passed("a", "b")]) == ("ok   a: b\nodfperf preflight: 1 ok: nothing speaks against a run")
    checks = [passed("a", "b"), failed("c", "d", "e")]
    assert text(checks).splitlines()[1:] == [
        "FAIL c: d; next: e",
        "odfperf preflight: 1 ok, 1 FAIL: a run would fail",
    ]
    assert failures(checks) == 1

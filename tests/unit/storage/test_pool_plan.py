# ruff: noqa: E501 - a table of messages is read line by line
"""What becomes of pools that have a recipe, on all kinds of clusters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from storage_sites import OOB, PLACE, RBD, by_name, found, hosts, pool, site, storage_class

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.reading.load import load_matrix
from pytest_odfperf.storage.feasibility import Need
from pytest_odfperf.storage.pool_plan import PlannedPool, plan_pools
from pytest_odfperf.storage.recipe_check import check_recipes, with_needed
from pytest_odfperf.storage.topology import Osd, Topology

REP2 = "kind: CephBlockPool, replicas: 2"
EC21 = "kind: CephBlockPool, data_chunks: 2, coding_chunks: 1"
EC42 = "kind: CephBlockPool, data_chunks: 4, coding_chunks: 2"
FILES = "kind: CephFilesystem, replicas: 2"
SIZE2 = {"replicated": {"size": 2}}
FEATURES = {
    "imageFeatures": "layering,deep-flatten,exclusive-lock,object-map,fast-diff",
    "mapOptions": "krbd:rxbounce",
}


def plan(recipe: str, storage: str | None = None, need: Need | None = None, **more: Any) -> PlannedPool:
    (one,) = plan_pools([pool("p", recipe, storage)], site(**more), {"p": need} if need else {}, "me@here")
    return one


FATES = [
    ("nothing is there", REP2, {}, "make", "nothing of it is there"),
    ("too few hosts", EC42, {}, "skipped", "4+2 chunks need 6 failure domains of kind host, and the cluster has 3"),
    ("as many as needed", EC42, {"topology": hosts(6)}, "make", ""),
    ("metadata of a file system counts", FILES, {"topology": hosts(2)}, "skipped", "2 replicas (and 3 of metadata) need 3 failure domains"),
    ("a domain of its own", f"{EC42}, failure_domain: osd", {}, "make", ""),
    ("of the device class only", f"{EC21}, device_class: hdd", {"topology": Topology(osds=(Osd("a", "hdd"), Osd("b", "ssd"), Osd("c", "ssd")))}, "skipped", "2+1 chunks need 3 failure domains of kind host, and the cluster has 1"),
    ("no such device class", f"{REP2}, failure_domain: osd, device_class: nvme", {}, "skipped", "2 replicas need 2 failure domains of kind osd, and the cluster has 0"),
    ("nobody knows the domains", EC42, {"topology": Topology()}, "make", ""),
    ("racks that ODF names", f"{EC42}, failure_domain: rack", {"topology": Topology(failure_domain="rack", named=("r0", "r1", "r2"))}, "skipped", "of kind rack, and the cluster has 3"),
    ("zones of the nodes", f"{REP2}, failure_domain: zone", {"topology": Topology(osds=(Osd("a"), Osd("b")), node_labels={"a": {"topology.kubernetes.io/zone": "z"}, "b": {"topology.kubernetes.io/zone": "z"}})}, "skipped", "of kind zone, and the cluster has 1"),
    ("zones that no node is in", f"{REP2}, failure_domain: zone", {"topology": Topology(osds=(Osd("a"),), node_labels={"a": {}})}, "skipped", "of kind zone, and the cluster has 0"),
    ("zones that only Ceph knows", f"{REP2}, failure_domain: zone", {"topology": Topology(osds=(Osd("a"),), node_labels={"a": {}}, in_use=frozenset({"zone"}))}, "make", ""),
    ("racks that ODF does not name", f"{REP2}, failure_domain: rack", {"topology": Topology(failure_domain="rack", osds=(Osd("a"),), node_labels={"a": {}})}, "make", ""),
    ("devices that no OSD has", f"{REP2}, device_class: nvme", {}, "skipped", "has 0: no OSD is of device class nvme (there are: ssd)"),
    ("a second file system on ODF", FILES, {"filesystems": by_name(found("cephfs", {}))}, "skipped", "ODF supports one CephFilesystem, and there is cephfs"),
    ("with the word for it", f"{FILES}, second_filesystem: true", {"filesystems": by_name(found("cephfs", {}))}, "make", ""),
    ("Rook without ODF", FILES, {"filesystems": by_name(found("cephfs", {})), "storage_cluster": None}, "make", ""),
    ("no such metadata pool", f"{EC21}, metadata_pool: none", {}, "skipped", "metadata_pool none is no CephBlockPool of namespace openshift-storage"),
    ("metadata can not be erasure coded", f"{EC21}, metadata_pool: ec", {"block_pools": by_name(found("ec", {"erasureCoded": {"dataChunks": 2}}))}, "skipped", "is erasure coded, and images' metadata can not be"),
    ("a foreign pool of that name that is like it", REP2, {"block_pools": by_name(found("p", SIZE2))}, "make", "not of the plugin's making, used as it is"),
    ("a foreign pool of that name that is not", REP2, {"block_pools": by_name(found("p", {"replicated": {"size": 3}}))}, "refused", "CephBlockPool p is not as the recipe says: replicas 3, not 2; it is never changed: name another"),
    ("ours of another recipe", REP2, {"block_pools": by_name(found("p", {"replicated": {"size": 3}}, ours=True))}, "refused", "remove it with --odf-cleanup --odf-pools"),
    ("ours, erasure coded", REP2, {"block_pools": by_name(found("p", {"replicated": {"size": 0}, "erasureCoded": {"dataChunks": 2, "codingChunks": 1}}, ours=True))}, "refused", "replicas 2+1 chunks, not 2"),
    ("ours, compressed otherwise", f"{REP2}, compression: force", {"block_pools": by_name(found("p", SIZE2, ours=True))}, "refused", "compression_mode none, not force"),
    ("ours, on other devices", f"{REP2}, device_class: ssd", {"block_pools": by_name(found("p", {**SIZE2, "deviceClass": "hdd"}, ours=True))}, "refused", "deviceClass hdd, not ssd"),
    ("ours, with another share", f"{REP2}, target_size_ratio: 0.5", {"block_pools": by_name(found("p", {"replicated": {"size": 2, "targetSizeRatio": 0.1}}, ours=True))}, "refused", "target_size_ratio 0.1, not 0.5"),
    ("ours, erasure coded, with another share", f"{EC21}, target_size_ratio: 0.5", {"block_pools": by_name(found("p", {"erasureCoded": {"dataChunks": 2, "codingChunks": 1}, "parameters": {"target_size_ratio": "0.1"}}, ours=True))}, "refused", "target_size_ratio 0.1, not 0.5"),
    ("ours, with another quota", f"{REP2}, quota: {{max_size: 2Gi}}", {"block_pools": by_name(found("p", {**SIZE2, "quotas": {"maxSize": "1Gi"}}, ours=True))}, "refused", "quota max_size 1Gi, not 2Gi"),
    ("ours, with the same quota in other words", f"{REP2}, quota: {{max_size: 2Gi}}", {"block_pools": by_name(found("p", {**SIZE2, "quotas": {"maxSize": "2048Mi"}}, ours=True))}, "make", ""),
    ("ours, with what the recipe said once", REP2, {"block_pools": by_name(found("p", {**SIZE2, "parameters": {"pg_num": "8", "compression_mode": "force"}, "quotas": {"maxObjects": 5}}, ours=True))}, "refused", "parameter compression_mode force, not set, parameter pg_num 8, not set, quota max_objects 5, not set"),
    ("foreign, with more than the recipe says", REP2, {"block_pools": by_name(found("p", {**SIZE2, "parameters": {"compression_mode": "force"}, "quotas": {"maxObjects": 5}}))}, "make", ""),
    ("ours, a file system with other servers", f"{FILES}, mds: {{active: 2}}", {"storage_cluster": None, "filesystems": by_name(found("p", {"dataPools": [SIZE2], "metadataServer": {"activeCount": 1, "activeStandby": True, "resources": {"requests": {"cpu": "1", "memory": "4Gi"}}}}, ours=True))}, "refused", "mds active 1, not 2"),
    ("ours, a file system as it was made", FILES, {"storage_cluster": None, "filesystems": by_name(found("p", {"dataPools": [SIZE2], "metadataServer": {"activeCount": 1, "activeStandby": True, "resources": {"requests": {"cpu": "1000m", "memory": "4096Mi"}}}}, ours=True))}, "make", ""),
    ("ours, of an earlier setup that was killed", REP2, {"block_pools": by_name(found("p", SIZE2, ours=True, phase="Progressing"))}, "make", "CephBlockPool p, made by somebody"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("recipe", "cluster", "fate", "why"), [row[1:] for row in FATES], ids=[row[0] for row in FATES]
)
def test_the_fate_of_a_pool(recipe: str, cluster: dict[str, Any], fate: str, why: str) -> None:
    one = plan(recipe, **cluster)
    assert (one.fate, why in one.why) == (fate, True), one.why


def test_a_foreign_class_is_left_as_it_is_and_its_pool_compared() -> None:
    classes = by_name(storage_class("sc-p", {"pool": "p"}))
    one = plan(REP2, classes=classes, block_pools=by_name(found("p", {"replicated": {"size": 3}})))
    assert one.fate == "there"
    assert not one.missing
    assert one.line == (
        "pool p is there: StorageClass sc-p is not of the plugin's making, and stays as it is; CephBlockPool p is "
        "not as the recipe says: replicas 3, not 2"
    )


@pytest.mark.parametrize(
    ("recipe", "parameters", "note"),
    [
        (REP2, {"pool": "other"}, "its data is in pool other, not p"),
        (EC21, {"pool": "p", "dataPool": "d"}, "its data is in pool d, not p"),
        (f"{REP2}, map_options: krbd:rxbounce", {"pool": "p"}, "mapOptions not set, not krbd:rxbounce"),
        (f"{REP2}, image_features: [layering]", {"pool": "p"}, "imageFeatures not set, not layering"),
        (FILES, {"fsName": "cephfs"}, "fsName cephfs, not p"),
        (FILES, {"fsName": "p"}, None),
        (f"{REP2}, image_features: [layering, exclusive-lock]", {"pool": "p", "imageFeatures": "exclusive-lock,layering"}, None),
    ],
)  # fmt: skip
def test_a_foreign_class_that_is_not_as_the_recipe_says_is_told(
    recipe: str, parameters: dict[str, str], note: str | None
) -> None:
    one = plan(recipe, classes=by_name(storage_class("sc-p", parameters)))
    assert (one.fate, one.missing) == ("there", ())
    assert one.note == (note and f"StorageClass sc-p is not as the recipe says: {note}")


def test_all_of_ours_is_used_again_and_a_class_of_another_recipe_is_not() -> None:
    ours = by_name(found("p", SIZE2, ours=True))
    same = by_name(storage_class("sc-p", {"pool": "p", **FEATURES}, ours=True))
    assert plan(REP2, classes=same, block_pools=ours).fate == "there"
    # The order of features means nothing.
    turned = {**FEATURES, "imageFeatures": ",".join(reversed(FEATURES["imageFeatures"].split(",")))}
    assert (
        plan(
            REP2, classes=by_name(storage_class("sc-p", {"pool": "p", **turned}, ours=True)), block_pools=ours
        ).fate
        == "there"
    )
    other = by_name(storage_class("sc-p", {"pool": "p", **FEATURES, "mapOptions": "krbd:x"}, ours=True))
    one = plan(REP2, classes=other, block_pools=ours)
    assert one.fate == "refused"
    assert "StorageClass sc-p is not as the recipe says: mapOptions krbd:x, not krbd:rxbounce" in one.why


@pytest.mark.parametrize("name", ["ocs-storagecluster-ceph-rbd-encrypted", "ocs-storagecluster-x"])
def test_what_odf_makes_is_left_to_it(name: str) -> None:
    assert (
        plan(REP2, name).why == f"StorageClass {name} is for ODF's StorageCluster ocs-storagecluster to make"
    )
    assert plan(f"{REP2}, name: {name}").fate == "skipped"


def test_room_is_asked_with_the_copies_and_before_ceph_is_nearly_full() -> None:
    gib = 1 << 30
    tight = {"total_bytes": 100 * gib, "free_bytes": 35 * gib}
    assert plan(REP2, need=Need(10 * gib), **tight).fate == "make"
    one = plan(REP2, need=Need(11 * gib), **tight)
    assert one.why == (
        "its largest VM group writes 11 GiB, 22 GiB with 2 replicas, and Ceph has room for 20 GiB before it is nearly full"
    )
    assert plan(EC21, need=Need(11 * gib), **tight).fate == "make"
    assert plan(REP2, need=Need(6 * gib), max_avail_bytes=11 * gib, **tight).fate == "skipped"
    assert "more than its quota of 5 GiB" in plan(f"{REP2}, quota: {{max_size: 5Gi}}", need=Need(6 * gib)).why


def test_images_of_an_erasure_coded_pool_have_their_metadata_in_the_clusters_own_pool() -> None:
    one = plan(EC21)
    assert [str(wanted) for wanted in one.missing] == ["CephBlockPool p", "StorageClass sc-p"]
    parameters = one.missing[-1].body["parameters"]
    assert (parameters["pool"], parameters["dataPool"]) == (OOB, "p")


@pytest.mark.parametrize(("number", "size"), [(3, 3), (4, 3)])
def test_or_in_one_that_is_made_beside_it(number: int, size: int) -> None:
    one = plan(EC21, classes={}, block_pools={}, topology=hosts(number))
    assert [str(wanted) for wanted in one.missing] == [
        "CephBlockPool p-metadata",
        "CephBlockPool p",
        "StorageClass sc-p",
    ]
    assert one.missing[0].body["spec"]["replicated"]["size"] == size
    assert one.missing[-1].body["parameters"]["pool"] == "p-metadata"
    assert one.ceph_pools == ("p-metadata", "p")


def test_or_in_one_that_another_recipe_makes_which_is_then_awaited_too() -> None:
    both = [pool("base", REP2), pool("p", f"{EC21}, metadata_pool: base")]
    _, one = plan_pools(both, site(), {}, "me@here")
    assert [str(wanted) for wanted in one.missing] == ["CephBlockPool p", "StorageClass sc-p"]
    assert one.awaited == (("CephBlockPool", "base"), ("CephBlockPool", "p"))


def test_two_classes_on_one_ceph_pool_make_it_once() -> None:
    name = "kind: CephBlockPool, name: shared, replicas: 2"
    first, second = plan_pools(
        [pool("a", name), pool("b", f"{name}, image_features: [layering]")], site(), {}, "me@here"
    )
    assert [str(wanted) for wanted in first.missing] == ["CephBlockPool shared", "StorageClass sc-a"]
    assert [str(wanted) for wanted in second.missing] == ["StorageClass sc-b"]
    assert second.missing[0].body["parameters"]["imageFeatures"] == "layering"


def test_objects_are_as_the_original_suite_made_them() -> None:
    ceph, cls = (wanted.body for wanted in plan(REP2).missing)
    assert ceph["metadata"] == {
        "name": "p",
        "namespace": PLACE,
        "labels": {"app.kubernetes.io/managed-by": "pytest-odfperf", "odfperf/pool": "p"},
        "annotations": {"odfperf/made-by": "me@here"},
    }
    assert ceph["spec"] == {
        "failureDomain": "host",
        "deviceClass": "ssd",
        "enableCrushUpdates": True,
        "enableRBDStats": True,
        "replicated": {"size": 2, "requireSafeReplicaSize": True, "targetSizeRatio": 0.1},
    }
    assert cls["provisioner"] == RBD
    assert cls["parameters"] == {
        "clusterID": PLACE,
        "pool": "p",
        "imageFormat": "2",
        **FEATURES,
        "csi.storage.k8s.io/fstype": "ext4",
        "csi.storage.k8s.io/provisioner-secret-name": "rook-csi-rbd-provisioner",
        "csi.storage.k8s.io/provisioner-secret-namespace": PLACE,
        "csi.storage.k8s.io/controller-expand-secret-name": "rook-csi-rbd-provisioner",
        "csi.storage.k8s.io/controller-expand-secret-namespace": PLACE,
        "csi.storage.k8s.io/node-stage-secret-name": "rook-csi-rbd-node",
        "csi.storage.k8s.io/node-stage-secret-namespace": PLACE,
    }
    assert (cls["reclaimPolicy"], cls["allowVolumeExpansion"], cls["volumeBindingMode"]) == (
        "Delete",
        True,
        "Immediate",
    )


def test_an_erasure_coded_pool_has_its_ratio_as_a_parameter_and_a_fixed_number_of_pgs_has_none() -> None:
    assert plan(EC21).missing[0].body["spec"]["parameters"] == {"target_size_ratio": "0.1"}
    fixed = plan(f"{EC21}, pg_num: 32").missing[0].body["spec"]
    assert fixed["parameters"] == {"pg_autoscale_mode": "off", "pg_num": "32", "pgp_num": "32"}
    assert plan(f"{REP2}, pg_num: 32").missing[0].body["spec"]["replicated"] == {
        "size": 2,
        "requireSafeReplicaSize": True,
    }


def test_a_file_system_has_three_copies_of_its_metadata() -> None:
    spec = plan(FILES).missing[0].body["spec"]
    assert spec["metadataPool"]["replicated"]["size"] == 3
    assert (spec["dataPools"][0]["name"], spec["dataPools"][0]["replicated"]["size"]) == ("data0", 2)
    assert spec["metadataServer"]["resources"] == {
        "requests": {"cpu": "1", "memory": "4Gi"},
        "limits": {"memory": "4Gi"},
    }
    parameters = plan(FILES).missing[1].body["parameters"]
    assert (parameters["fsName"], parameters["pool"]) == ("p", "p-data0")
    assert parameters["csi.storage.k8s.io/node-stage-secret-name"] == "rook-csi-cephfs-node"


def test_provisioner_cluster_and_secrets_are_those_of_the_class_that_is_there() -> None:
    there = storage_class(
        "ocs-storagecluster-ceph-rbd",
        {"pool": OOB, "clusterID": "a-profile", "csi.storage.k8s.io/node-stage-secret-name": "x"},
    )
    parameters = plan(REP2, classes=by_name(there)).missing[1].body["parameters"]
    assert parameters["clusterID"] == "a-profile"
    assert parameters["csi.storage.k8s.io/node-stage-secret-name"] == "x"
    # Of an operator in another namespace; and one of another Ceph.
    for driver, cluster, taken in (("rook.rbd.csi.ceph.com", PLACE, True), ("rbd.csi.ceph.com", "x", False)):
        there = storage_class("rbd", {"pool": OOB, "clusterID": cluster}) | {"provisioner": driver}
        assert (plan(REP2, classes=by_name(there)).missing[1].body["provisioner"] == driver) is taken


def test_the_pool_of_the_metadata_is_made_first_also_if_nobody_selected_it() -> None:
    coded, base, other = pool("ec", f"{EC21}, metadata_pool: base"), pool("base", REP2), pool("other", REP2)
    matrix = replace(load_matrix("full"), pools=(coded, base, other))
    assert [one.name for one in with_needed([coded], matrix)] == ["base", "ec"]
    assert [one.name for one in with_needed([coded, base, other], matrix)] == ["base", "ec", "other"]
    assert [one.name for one in with_needed([other], matrix)] == ["other"]


CONTRADICTIONS = [
    ([("a", "kind: CephBlockPool, replicas: 1")], "m.yaml:1: recipe of pool 'a': replicas: 1 loses all data with one disk"),
    ([("a", f"{EC21}, metadata_pool: a")], "metadata_pool a is the erasure coded pool itself"),
    ([("a", f"{FILES}, name: x"), ("b", f"{REP2}, name: x-data0")], "pools 'a' and 'b' would both make Ceph pool x-data0"),
    ([("a", f"{REP2}, name: x"), ("b", "kind: CephBlockPool, replicas: 3, name: x, namespace: n")], "both have CephBlockPool x"),
    ([("a", f"{REP2}, name: x"), ("b", "kind: CephBlockPool, replicas: 3, name: x")], "pools 'a' and 'b' both have CephBlockPool x, and their recipes differ"),
]  # fmt: skip


@pytest.mark.parametrize(("pools", "problem"), CONTRADICTIONS)
def test_recipes_that_contradict_each_other_are_refused_before_the_cluster_is_asked(
    pools: list[tuple[str, str]], problem: str
) -> None:
    with pytest.raises(InputError) as caught:
        check_recipes([pool(*one) for one in pools])
    assert problem in str(caught.value)


def test_recipes_that_say_the_same_or_mean_two_clusters_are_taken() -> None:
    check_recipes([pool("a", f"{REP2}, name: x"), pool("b", f"{REP2}, name: x, namespace: {PLACE}")])
    three = "kind: CephBlockPool, replicas: 3, name: x, namespace: other"
    check_recipes([pool("a", f"{REP2}, name: x, namespace: {PLACE}"), pool("b", three)])


def test_two_recipes_of_one_class_are_refused() -> None:
    with pytest.raises(InputError, match="both have StorageClass one"):
        check_recipes([pool("a", f"{REP2}, name: x", "one"), pool("b", f"{REP2}, name: y", "one")])


def test_the_shipped_matrix_can_be_made_as_far_as_the_cluster_allows() -> None:
    pools = load_matrix("full").pools
    check_recipes(pools)
    fates = {one.pool: one.fate for one in plan_pools(pools, site(), {}, "me@here")}
    assert fates == {
        "rep3": "there", "rep3-virt": "skipped", "rep3-enc": "skipped", "cephfs-rep3": "skipped",
        "rep2": "make", "rep1": "make", "cephfs-rep2": "make", "ec-2-1": "make",
        "ec-3-1": "skipped", "ec-2-2": "skipped", "ec-4-2": "skipped",
    }  # fmt: skip

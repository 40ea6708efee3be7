"""What Ceph's and IBM Cloud's StorageClasses are proposed as, which are left out, and which share devices."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_odfperf.cluster.discovery.left_out_classes import NO_VOLUMES
from pytest_odfperf.cluster.discovery.propose import propose
from tests.made.found_storages import (
    BLOCK,
    CEPHFS,
    FILE,
    FULL,
    POOL,
    block_pool,
    ceph,
    loaded,
    node,
    proposed,
    storage,
    storage_class,
)

# -- Ceph

REP3 = block_pool(
    "ocs-storagecluster-cephblockpool", failureDomain="rack", deviceClass="ssd", replicated={"size": 3}
)
OOB = "ocs-storagecluster-cephblockpool"


def test_classes_that_the_matrix_knows_keep_its_names_if_they_are_what_it_says() -> None:
    name = "ocs-storagecluster-ceph-rbd"
    one = storage_class(name, parameters={"pool": OOB})
    pool = proposed(storage(one, ceph=ceph(REP3)))[name]
    assert pool.settings["name"].value == "rep3"
    two_copies = ceph(block_pool(OOB, deviceClass="ssd", replicated={"size": 2}))
    assert proposed(storage(one, ceph=two_copies))[name].settings["name"].value == name
    # Its backend would go on to hold, beside names of others that are made here.
    assert proposed(storage(one))[name].settings["name"].value == name


@pytest.mark.parametrize(
    ("spec", "parameters", "overhead", "recipe"),
    [
        ({"replicated": {"size": 3}}, {}, 3, {"replicas": 3}),
        ({"replicated": {"size": 1}}, {}, 1, {"replicas": 1, "require_safe_replica_size": False}),
        (
            {"erasureCoded": {"dataChunks": 3, "codingChunks": 1}},
            {},
            1.334,
            {"data_chunks": 3, "coding_chunks": 1},
        ),
        (
            {"replicated": {"size": 2}, "failureDomain": "osd"},
            {},
            2,
            {"replicas": 2, "failure_domain": "osd"},
        ),
        (
            {"replicated": {"size": 2}},
            {"mapOptions": "krbd:rxbounce"},
            2,
            {"replicas": 2, "map_options": "krbd:rxbounce"},
        ),
        ({"replicated": {"size": 2}, "failureDomain": "what\never"}, {}, 2, {"replicas": 2}),
        ({"replicated": {"size": 99}}, {}, 99, {}),
        ({}, {}, None, {}),
    ],
)
def test_overhead_and_recipe_are_the_ceph_objects(
    spec: Any, parameters: Any, overhead: Any, recipe: Any
) -> None:
    found = storage(
        storage_class("c", parameters={"pool": "p", **parameters}), ceph=ceph(block_pool("p", **spec))
    )
    pool = proposed(found)["c"]
    assert ("overhead" in pool.settings) == (overhead is not None)
    if overhead is not None:
        assert pool.settings["overhead"].value == pytest.approx(overhead)
    assert pool.settings["recipe"].value == {"kind": "CephBlockPool", "name": "p", **recipe}
    read = loaded(propose(found, FULL, "full"))["c"]
    assert read.recipe is not None
    assert read.overhead == pytest.approx(overhead or 1)


def test_the_data_pool_counts_with_erasure_coding() -> None:
    found = storage(
        storage_class("ec", parameters={"pool": OOB, "dataPool": "ec21"}),
        ceph=ceph(REP3, block_pool("ec21", erasureCoded={"dataChunks": 2, "codingChunks": 1})),
    )
    pool = proposed(found)["ec"]
    assert pool.settings["overhead"].value == 1.5
    assert pool.settings["recipe"].value["metadata_pool"] == OOB
    assert any("metadata in" in line for line in pool.remarks)


@pytest.mark.parametrize(
    ("provisioner", "said"),
    [
        (CEPHFS, "CephFS of the Ceph cluster in openshift-storage, data in CephFilesystem fs"),
        ("openshift-storage.nfs.csi.ceph.com", "NFS before CephFS of the Ceph cluster"),
    ],
)
def test_file_systems(provisioner: str, said: str) -> None:
    spec = {
        "dataPools": [{"name": "data0", "deviceClass": "ssd", "replicated": {"size": 2}}],
        "metadataPool": {},
    }
    filesystem = {"metadata": {"name": "fs", "namespace": "openshift-storage"}, "spec": spec}
    found = storage(
        storage_class("c", provisioner, parameters={"fsName": "fs"}), ceph=ceph(filesystems=(filesystem,))
    )
    pool = proposed(found)["c"]
    assert pool.settings["overhead"].value == 2
    assert pool.settings["volume_mode"].value == "Filesystem"
    assert pool.settings["recipe"].value["kind"] == "CephFilesystem"
    assert pool.remarks[0].startswith(said)
    assert "CephFilesystem fs is without a phase, not Ready" in pool.remarks[1]


def test_what_is_special_of_a_class_is_said() -> None:
    found = storage(
        storage_class("virt", parameters={"pool": OOB, "mapOptions": "krbd:rxbounce"}),
        storage_class("enc", parameters={"pool": OOB, "encrypted": "true", "encryptionKMSID": "kp"}),
        storage_class("lost", parameters={"pool": "gone"}),
        ceph=ceph(REP3),
    )
    said = {name: "\n".join(pool.remarks) for name, pool in proposed(found).items()}
    assert "for virtualization: mapOptions krbd:rxbounce" in said["virt"]
    assert "encrypted with KMS kp" in said["enc"]
    assert "CephBlockPool gone could not be found" in said["lost"]
    assert "3 copies, failure domain rack, device class ssd" in said["virt"]


# -- backends


def backends(*pools: dict[str, Any], **classes: dict[str, Any]) -> dict[str, str | None]:
    found = storage(*(storage_class(name, **more) for name, more in classes.items()), ceph=ceph(*pools))
    return {name: one.backend for name, one in loaded(propose(found, FULL, "full")).items()}


def test_pools_of_the_same_devices_share_a_backend_and_others_do_not() -> None:
    ssd, too, hdd = (block_pool(n, deviceClass=c) for n, c in (("a", "ssd"), ("b", "ssd"), ("c", "hdd")))
    found = backends(
        ssd, too, hdd,
        one={"parameters": {"pool": "a"}}, two={"parameters": {"pool": "b"}},
        three={"parameters": {"pool": "c"}}, file={"provisioner": FILE},
    )  # fmt: skip
    assert found["one"] == found["two"] is not None
    assert len({found["one"], found["three"], found["file"]}) == 3
    assert None not in found.values()


def test_devices_that_overlap_have_no_name_and_what_is_not_known_has_none() -> None:
    ssd, hdd, every = (
        block_pool(n, **c)
        for n, c in (("a", {"deviceClass": "ssd"}), ("b", {"deviceClass": "hdd"}), ("c", {}))
    )
    pools = {name: {"parameters": {"pool": name}} for name in ("a", "b", "c", "gone")}
    assert set(backends(ssd, hdd, every, **pools).values()) == {None}
    unlike = {"nfs1": {"provisioner": "nfs.csi.k8s.io", "parameters": {"server": "x"}},
              "nfs2": {"provisioner": "nfs.csi.k8s.io", "parameters": {"server": "y"}}}  # fmt: skip
    assert set(backends(**unlike).values()) == {None}


def test_annotations_that_are_no_names_stay_apart() -> None:
    said = {name: {"provisioner": "topolvm.io", "annotations": {"odfperf/backend": text}}
            for name, text in (("a", "fast disks"), ("b", "fast/disks"), ("c", "fast disks"))}  # fmt: skip
    found = backends(**said)
    assert found["a"] == found["c"] is not None
    assert found["a"] != found["b"] is not None


# -- what is left out

TIERS = (
    "500-iops", "metro-500-iops", "retain-500-iops", "metro-retain-500-iops", "eit", "min-iops", "regional",
    "regional-max-bandwidth",
)  # fmt: skip


@pytest.mark.parametrize(
    ("zones", "kept"),
    [(1, {"500-iops"}), (3, {"500-iops", "metro-500-iops"}), (0, {"500-iops"})],
)
def test_ibm_file_classes_are_filtered_each_by_itself(zones: int, kept: set[str]) -> None:
    nodes = tuple(node(f"z{number}") for number in range(zones)) or ({"metadata": {"name": "n"}},)
    found = storage(*(storage_class(f"ibmc-vpc-file-{tier}", FILE) for tier in TIERS), nodes=nodes)
    pools = {name.removeprefix("ibmc-vpc-file-"): pool for name, pool in proposed(found).items()}
    assert {tier for tier, pool in pools.items() if not pool.left_out} == kept
    for tier, pool in pools.items():
        words = {word for word in ("metro", "retain", "eit", "min-iops", "regional") if word in tier}
        said = {part.partition(":")[0] for part in pool.left_out.split("; ") if part}
        assert said == (words - {"metro"} if zones > 1 else words)


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"parameters": {"profile": "rfs"}}, "regional"),
        ({"parameters": {"isEITEnabled": "true"}}, "eit"),
        ({"reclaimPolicy": "Retain"}, "retain"),
    ],
)
def test_ibm_classes_of_other_names_are_known_by_what_they_say(more: Any, word: str) -> None:
    found = storage(storage_class("mine", FILE, **more), storage_class("usual", FILE))
    assert proposed(found)["mine"].left_out.startswith(f"{word}: ")


def test_if_the_filters_leave_nothing_of_a_service_all_of_it_stays() -> None:
    found = storage(
        storage_class("ibmc-vpc-file-metro-500-iops", FILE),
        storage_class("ibmc-vpc-file-eit", FILE),
        storage_class("ibmc-vpc-block-5iops-tier", BLOCK),
        storage_class("ibmc-vpc-block-metro-5iops-tier", BLOCK),
    )
    pools = proposed(found)
    assert [name for name, pool in pools.items() if pool.left_out] == ["ibmc-vpc-block-metro-5iops-tier"]
    assert "kept, since its service has no other: eit" in "\n".join(pools["ibmc-vpc-file-eit"].remarks)


def test_block_volumes_do_not_attach_to_bare_metal() -> None:
    one = storage_class("ibmc-vpc-block-5iops-tier", BLOCK)
    metal = storage(one, nodes=(node(machine="bx2d.metal.96x384"),))
    assert "bare metal" in proposed(metal)[one["metadata"]["name"]].left_out
    mixed = storage(one, nodes=(node(machine="bx2d.metal.96x384"), node("z1", "bx2.8x32")))
    assert not proposed(mixed)[one["metadata"]["name"]].left_out


def test_pool_csi_stays_whatever_it_is_called() -> None:
    found = storage(storage_class("bench-pool", POOL, reclaimPolicy="Retain"))
    pool = proposed(found)["bench-pool"]
    assert not pool.left_out
    assert pool.settings["volume_mode"].value == "Filesystem"
    assert "reclaimPolicy Retain" in "\n".join(pool.remarks)


@pytest.mark.parametrize(
    "provisioner", [*NO_VOLUMES, "openshift-storage.noobaa.io/obc", "rook-ceph.ceph.rook.io/bucket"]
)
def test_what_gives_no_volumes_is_left_out(provisioner: str) -> None:
    assert proposed(storage(storage_class("c", provisioner)))["c"].left_out


def test_a_class_that_is_being_deleted_or_has_no_name_of_one_is_left_out() -> None:
    going = storage_class("going")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    pools = proposed(storage(going, storage_class("Not A Name")))
    assert pools["going"].left_out == "it is being deleted"
    assert "DNS-1123" in pools["Not A Name"].left_out


def test_an_unknown_provisioner_is_proposed_with_a_word_on_it() -> None:
    pool = proposed(storage(storage_class("c", "example.com/new")))["c"]
    assert not pool.left_out
    assert "provisioner is not known" in "\n".join(pool.remarks)
    assert pool.settings["volume_mode"].value == "Filesystem"

# ruff: noqa: E501 - tables are read line by line
"""Which pools of ours may go: none that anything is known to be in, whoever's it is."""

from __future__ import annotations

from typing import Any

import pytest
from storage_sites import PLACE, RBD, found, storage_class

from pytest_odfperf.storage.pool_removal import Storage, plan_removal

HANDLE = f"0001-0011-{PLACE}-0000000000000007-7b1c2ad0-3a1e-4d6b-9b0c-1f2e3d4c5b6a"
OURS = storage_class("sc", {"pool": "p"}, ours=True)
THEIRS = storage_class("theirs", {"pool": "p"})


def ceph_pool(name: str = "p", *, ours: bool = True, number: int = 7) -> dict[str, Any]:
    one = found(name, {}, ours=ours)
    one["metadata"]["namespace"] = PLACE
    one["status"]["poolID"] = number
    return one


def volume(
    phase: str = "Bound", class_name: str = "", handle: str = "x", **attributes: str
) -> dict[str, Any]:
    return {
        "metadata": {"name": "pv"},
        "spec": {
            "storageClassName": class_name,
            "persistentVolumeReclaimPolicy": "Delete",
            "claimRef": {"namespace": "them", "name": "data"},
            "csi": {"driver": RBD, "volumeHandle": handle, "volumeAttributes": attributes},
        },
        "status": {"phase": phase},
    }


def driven(driver: str, **attributes: str) -> dict[str, Any]:
    one = volume(**attributes)
    one["spec"]["csi"]["driver"] = driver
    return one


def snapshot(**source: str) -> dict[str, Any]:
    spec = {"driver": RBD, "source": source, "volumeSnapshotRef": {"namespace": "them", "name": "s"}}
    return {"metadata": {"name": "content"}, "spec": spec}


def kept(
    classes: list[Any] | None = None, wanted: list[str] | None = None, **more: Any
) -> dict[str, str | None]:
    ceph = more.pop("ceph", {"CephBlockPool": [ceph_pool()]})
    values: dict[str, Any] = {
        "classes": [OURS] if classes is None else classes,
        "ceph": ceph,
        "volumes": (),
        "snapshots": (),
    }
    return {str(one): one.kept for one in plan_removal(Storage(**values | more), wanted)}


def test_what_is_empty_goes_the_class_first() -> None:
    assert list(kept().items()) == [("StorageClass sc", None), ("CephBlockPool p", None)]


KEEP_THE_POOL = [
    ("a volume of our class", {"volumes": [volume(class_name="sc")]}, "StorageClass sc leads there"),
    ("a volume of a class that is gone", {"volumes": [volume(pool="p")]}, "PersistentVolume pv (Bound, claim them/data)"),
    ("its data only", {"volumes": [volume(dataPool="p", pool="other")]}, "PersistentVolume pv"),
    ("known by its handle", {"volumes": [volume(handle=HANDLE)]}, "PersistentVolume pv"),
    ("of a driver without a prefix", {"volumes": [driven("rbd.csi.ceph.com", pool="p")]}, "PersistentVolume pv"),
    ("of an operator elsewhere", {"volumes": [driven("rook.rbd.csi.ceph.com", pool="p", clusterID=PLACE)]}, "PersistentVolume pv"),
    ("a class of an operator elsewhere", {"classes": [OURS, {**storage_class("theirs", {"pool": "p", "clusterID": PLACE}), "provisioner": "rook.rbd.csi.ceph.com"}]}, "StorageClass theirs leads there"),
    ("a setup that makes it", {"being_made": {("CephBlockPool", PLACE, "p"): "a setup of me makes it"}}, "a setup of me makes it"),
    ("a snapshot", {"snapshots": [snapshot(volumeHandle=HANDLE)]}, "VolumeSnapshotContent content (of them/s)"),
    ("a class of others", {"classes": [OURS, THEIRS]}, "StorageClass theirs leads there and stays"),
    ("a living run", {"in_use": {"sc": "run x of me"}}, "StorageClass sc leads there"),
    ("images that no volume tells of", {"stored_bytes": {(PLACE, "p"): 3e9}}, "2.79 GiB are stored in it"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("storage", "why"), [row[1:] for row in KEEP_THE_POOL], ids=[row[0] for row in KEEP_THE_POOL]
)
def test_whatever_is_in_a_pool_keeps_it(storage: dict[str, Any], why: str) -> None:
    assert why in str(kept(**storage)["CephBlockPool p"])


def test_the_headers_of_images_stay_with_their_data() -> None:
    ceph = {"CephBlockPool": [ceph_pool("p-metadata", number=6), ceph_pool()]}
    stays = kept([], ceph=ceph, stored_bytes={(PLACE, "p"): 3e9})
    assert stays["CephBlockPool p-metadata"] == "it holds the metadata of CephBlockPool p, which stays"


@pytest.mark.parametrize("kind", ["CephFilesystem", "CephBlockPool"])
def test_what_rook_does_not_protect_stays_unless_it_is_known_to_be_empty(kind: str) -> None:
    one = ceph_pool()
    if kind == "CephBlockPool":
        one["spec"] = {"erasureCoded": {"dataChunks": 2, "codingChunks": 1}}
    name = "p" if kind == "CephBlockPool" else "p-data0"
    ceph = {kind: [one]}
    assert "what is stored in it is not known" in str(kept([], ceph=ceph)[f"{kind} p"])
    assert "are stored in it" in str(kept([], ceph=ceph, stored_bytes={(PLACE, name): 3e9})[f"{kind} p"])
    assert kept([], ceph=ceph, stored_bytes={(PLACE, name): 0.0}) == {f"{kind} p": None}


NO_REASON = [
    ("a volume elsewhere", {"volumes": [volume(pool="q", class_name="other")]}),
    ("the same number in another Ceph", {"volumes": [{**volume(), "spec": {"csi": {"driver": "rook-ceph.rbd.csi.ceph.com", "volumeHandle": HANDLE}}}]}),
    ("what RBD knows of itself", {"stored_bytes": {(PLACE, "p"): 4096.0}}),
    ("a pool of that name in another Ceph", {"stored_bytes": {("rook-ceph", "p"): 3e9}}),
]  # fmt: skip


@pytest.mark.parametrize("storage", [row[1] for row in NO_REASON], ids=[row[0] for row in NO_REASON])
def test_what_is_not_in_it_does_not_keep_it(storage: dict[str, Any]) -> None:
    assert kept(**storage) == {"StorageClass sc": None, "CephBlockPool p": None}


@pytest.mark.parametrize(("account", "stays"), [(None, False), ("me@here", False), ("you@there", True)])
def test_what_somebody_else_made_is_removed_only_where_that_is_said(account: str | None, stays: bool) -> None:
    one, two = ceph_pool(), ceph_pool("q", number=8)
    one["metadata"]["annotations"] = {"odfperf/made-by": "me@here"}
    storage = Storage(classes=(), ceph={"CephBlockPool": [one, two]}, volumes=(), snapshots=())
    said = {removal.name: removal for removal in plan_removal(storage, None, account)}
    # What says no maker is nobody else's.
    assert said["q"].kept is None
    assert ((said["p"].kept or "").startswith("somebody else made it"), said["p"].alive) == (stays, stays)


def test_nothing_without_our_label_is_in_a_removal() -> None:
    assert kept(classes=[THEIRS], ceph={"CephBlockPool": [ceph_pool(ours=False)]}) == {}


def test_a_metadata_pool_stays_while_a_class_leads_there() -> None:
    coded = storage_class("ec", {"pool": "meta", "dataPool": "p"}, ours=True)
    ceph = {"CephBlockPool": [ceph_pool("meta", number=6), ceph_pool()]}
    assert set(kept([coded], ceph=ceph).values()) == {None}
    stays = kept([coded], ceph=ceph, volumes=[volume(class_name="ec", pool="meta", dataPool="p")])
    assert all(stays.values())


def test_only_the_wanted_pools_go_and_what_others_lead_to_stays() -> None:
    both = [storage_class("a", {"pool": "p"}, ours=True), storage_class("b", {"pool": "p"}, ours=True)]
    assert kept(both, ["a"]) == {"StorageClass a": None}
    assert kept(both, ["a", "p"])["CephBlockPool p"] == "StorageClass b leads there and stays"


def test_a_volume_that_is_going_is_waited_for_and_a_retained_one_is_not() -> None:
    def going(one: dict[str, Any]) -> bool:
        storage = Storage(classes=[OURS], ceph={}, volumes=[one], snapshots=())
        return plan_removal(storage)[0].going

    assert going(volume("Released", "sc"))
    assert not going(volume("Bound", "sc"))
    retained = volume("Released", "sc")
    retained["spec"]["persistentVolumeReclaimPolicy"] = "Retain"
    assert not going(retained)


def test_a_file_system_is_kept_by_its_volumes_and_by_any_snapshot_of_cephfs() -> None:
    system = {**ceph_pool("fs"), "kind": "CephFilesystem"}
    driver = f"{PLACE}.cephfs.csi.ceph.com"
    one = volume(fsName="fs")
    one["spec"]["csi"]["driver"] = driver
    ceph = {"CephFilesystem": [system]}
    assert "PersistentVolume pv" in str(kept([], ceph=ceph, volumes=[one])["CephFilesystem fs"])
    snap = snapshot(volumeHandle="x")
    snap["spec"]["driver"] = driver
    assert "VolumeSnapshotContent content" in str(kept([], ceph=ceph, snapshots=[snap])["CephFilesystem fs"])

"""Which pools share devices: what tells it, and laws of the answer."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.cluster.facts.devices import TELLS, backend_of
from pytest_odfperf.cluster.facts.pools import CephObjects, StorageClassFacts, named
from pytest_odfperf.matrix.model import Pool
from pytest_odfperf.plain import to_plain
from pytest_odfperf.schedule.backends import Backend, Sharing, apart_by, groups, most_at_once, relation

RBD = "openshift-storage.rbd.csi.ceph.com"
CEPHFS = "openshift-storage.cephfs.csi.ceph.com"
NFS = "openshift-storage.nfs.csi.ceph.com"
PLACE = "openshift-storage"


def ceph(name: str, place: str = PLACE, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": place}, "spec": spec, "status": {"phase": "Ready"}}


HYBRID = {"primaryDeviceClass": "ssd", "secondaryDeviceClass": "hdd"}
OBJECTS = CephObjects(
    named(
        [
            ceph("plain"),
            ceph("ssd", deviceClass="ssd"),
            ceph("ssd-ec", deviceClass="ssd", erasureCoded={"dataChunks": 2, "codingChunks": 1}),
            ceph("hdd", deviceClass="hdd"),
            ceph("hdd-racks", deviceClass="hdd", failureDomain="rack"),
            ceph("edge", crushRoot="edge"),
            ceph("edge-hdd", crushRoot="edge", deviceClass="hdd"),
            ceph("both", replicated={"hybridStorage": HYBRID}),
            ceph("zone-a", deviceClass="a"),
            ceph("zone-b", deviceClass="b"),
            ceph("ssd", "rook-west", deviceClass="ssd"),
        ]
    ),
    named(
        [
            ceph("fs", dataPools=[{"deviceClass": "ssd"}, {"name": "cold", "deviceClass": "hdd"}]),
            ceph("loose", dataPools=[{"deviceClass": None}], metadataPool={"deviceClass": "nvme"}),
        ]
    ),
    {PLACE: "fsid-1", "rook-west": "fsid-2"},
)


def backend(
    provisioner: str = RBD,
    *,
    sc: str | None = None,
    matrix: str | None = None,
    annotation: str | None = None,
    objects: CephObjects = OBJECTS,
    **parameters: str,
) -> Backend:
    name = sc or f"{provisioner} {sorted(parameters.items())} {annotation}"
    marks = {"odfperf/backend": annotation} if annotation else {}
    found = {
        "metadata": {"name": name, "annotations": marks},
        "provisioner": provisioner,
        "parameters": parameters,
    }
    pool = Pool(name="p", storage_class=name, backend=matrix)
    return backend_of(pool, StorageClassFacts.of(found), objects)


def rbd(pool: str, **more: Any) -> Backend:
    return backend(pool=pool, **more)


NONE = CephObjects({}, {})
EC = {"pool": "plain", "dataPool": "hdd"}


@pytest.mark.parametrize(
    ("one", "other", "sharing"),
    [
        # Ceph, by device class and CRUSH root.
        (rbd("ssd"), rbd("hdd"), "separate"),
        (rbd("ssd"), rbd("ssd-ec"), "shared"),
        (rbd("ssd"), rbd("plain"), "shared"),
        (rbd("plain"), rbd("hdd"), "shared"),
        (rbd("hdd"), rbd("hdd-racks"), "shared"),
        (rbd("hdd"), rbd("edge"), "separate"),
        (rbd("edge"), rbd("edge-hdd"), "shared"),
        (rbd("hdd"), rbd("edge-hdd"), "separate"),
        (rbd("both"), rbd("ssd"), "shared"),
        (rbd("both"), rbd("hdd"), "shared"),
        (rbd("both"), rbd("zone-a"), "separate"),
        # Of erasure coding the data counts, not the metadata.
        (backend(**EC), rbd("ssd"), "separate"),
        (backend(**EC), rbd("hdd"), "shared"),
        # A file system's first data pool, or the one that is named, by either name.
        (backend(CEPHFS, fsName="fs"), rbd("ssd"), "shared"),
        (backend(CEPHFS, fsName="fs"), rbd("hdd"), "separate"),
        (backend(CEPHFS, fsName="fs", pool="fs-cold"), rbd("hdd"), "shared"),
        (backend(CEPHFS, fsName="fs", pool="cold"), rbd("ssd"), "separate"),
        (backend(CEPHFS, fsName="fs", pool="other"), rbd("ssd"), "shared"),
        (backend(CEPHFS, fsName="loose"), rbd("zone-b"), "shared"),
        (backend(NFS, fsName="fs"), rbd("ssd"), "shared"),
        # A pool for each failure domain.
        (
            backend(topologyConstrainedPools='[{"poolName": "zone-a"}, {"poolName": "zone-b"}]'),
            rbd("zone-b"),
            "shared",
        ),
        (backend(topologyConstrainedPools='[{"poolName": "zone-a"}]'), rbd("zone-b"), "separate"),
        (backend(topologyConstrainedPools="{"), rbd("zone-b"), "not_known"),
        # Another Ceph cluster, by its fsid; pools of one name are not mixed up.
        (rbd("ssd"), backend("rook-west.rbd.csi.ceph.com", pool="ssd"), "separate"),
        (rbd("ssd"), backend("rook-west.rbd.csi.ceph.com", pool="gone"), "separate"),
        # What can not be read.
        (rbd("ssd"), rbd("gone"), "not_known"),
        (rbd("gone", clusterID="a"), rbd("gone-too", clusterID="a"), "not_known"),
        (rbd("ssd", objects=NONE), rbd("hdd", objects=NONE), "not_known"),
        (rbd("gone", clusterID="a", objects=NONE), rbd("gone", clusterID="b", objects=NONE), "not_known"),
        # Without the fsid, another clusterID may be the same cluster.
        (
            rbd("ssd", clusterID="a", objects=CephObjects(OBJECTS.block_pools, {})),
            rbd("hdd", clusterID="b", objects=CephObjects(OBJECTS.block_pools, {})),
            "not_known",
        ),
        (
            rbd("ssd", clusterID="a", objects=CephObjects(OBJECTS.block_pools, {})),
            rbd("hdd", clusterID="a", objects=CephObjects(OBJECTS.block_pools, {})),
            "separate",
        ),
        # Other drivers.
        (backend("x/y", sc="one"), backend("x/y", sc="one"), "shared"),
        (backend("x/y", sc="one"), backend("x/y", sc="two"), "not_known"),
        (backend("x/y", sc="one"), rbd("ssd"), "not_known"),
        (backend("nfs.csi.k8s.io", server="a"), backend("nfs.csi.k8s.io", server="a", share="/2"), "shared"),
        (backend("nfs.csi.k8s.io", server="a"), backend("nfs.csi.k8s.io", server="b"), "not_known"),
        (
            backend("topolvm.io", **{"topolvm.io/device-class": "ssd"}),
            backend("topolvm.io", **{"topolvm.io/device-class": "hdd"}),
            "separate",
        ),
        (backend("topolvm.io", **{"topolvm.io/device-class": "ssd"}), backend("topolvm.io"), "not_known"),
        (backend("topolvm.io", **{"topolvm.io/device-class": "ssd"}), rbd("ssd"), "not_known"),
        # What people say.
        (backend("x/y", sc="1", matrix="a"), backend("x/y", sc="2", matrix="a"), "shared"),
        (backend("x/y", sc="1", matrix="a"), backend("x/y", sc="2", matrix="b"), "separate"),
        (backend("x/y", sc="1", matrix="a"), backend("x/y", sc="1", matrix="b"), "separate"),
        (backend("x/y", sc="1", matrix="a"), backend("x/y", sc="2"), "not_known"),
        (backend("x/y", sc="1", annotation="a"), backend("z/y", sc="2", annotation="a"), "shared"),
        (backend("x/y", sc="1", annotation="a"), backend("x/y", sc="2", annotation="b"), "separate"),
        (backend("x/y", sc="1", annotation="a"), backend("x/y", sc="2", matrix="b"), "not_known"),
        (rbd("gone", annotation="a"), rbd("ssd", annotation="b"), "separate"),
        # Who says that devices are shared is believed, against the matrix too.
        (rbd("ssd", matrix="a"), rbd("ssd-ec", matrix="b"), "shared"),
        (rbd("ssd", matrix="a"), rbd("hdd", matrix="a"), "shared"),
        (
            backend("x/y", sc="1", matrix="a", annotation="z"),
            backend("x/y", sc="2", matrix="b", annotation="z"),
            "shared",
        ),
    ],
)
def test_two_pools_share_devices_or_not(one: Backend, other: Backend, sharing: Sharing) -> None:
    found = relation(one, other)
    assert found.sharing == sharing, found.why
    assert relation(other, one) == found
    assert found.why
    assert "\n" not in found.why


def test_why_devices_are_not_known_says_what_helps() -> None:
    assert "CephBlockPool gone" in relation(rbd("gone"), rbd("ssd")).why
    assert "odfperf/backend" in relation(backend("x/y", sc="a"), backend("x/y", sc="b")).why
    said = relation(rbd("ssd", matrix="a"), rbd("ssd-ec", matrix="b")).why
    assert "default/ssd" in said
    assert "although there is said: backends a and b by the matrix" in said


def test_backends_travel_as_json() -> None:
    for one in (rbd("ssd"), backend("x/y"), rbd("gone", matrix="m", annotation="a")):
        assert Backend.from_json(to_plain(one)) == one


def test_the_docs_have_the_drivers_that_tell() -> None:
    page = (Path(__file__).parents[3] / "docs" / "storage-drivers.md").read_text()
    told = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| (separate|not known) \|", page, re.MULTILINE)
    assert {(name, parameter, others == "separate") for name, parameter, others in told} == {
        (name, *tells) for name, tells in TELLS.items()
    }


NAMES = st.none() | st.sampled_from("ab")
PARTS = st.lists(st.sampled_from(["r/s", "r/h", "r/*", "q/*", "q/s"]), max_size=2, unique=True).map(tuple)
BACKENDS = st.builds(
    Backend,
    why=st.just("said"),
    storage_class=st.sampled_from(["", "x", "y", "z"]),
    matrix_name=NAMES,
    annotation=NAMES,
    family=st.none() | st.just("Ceph"),
    system=st.sampled_from(["1", "2"]),
    system_is_certain=st.booleans(),
    parts=PARTS,
)


@given(BACKENDS, BACKENDS)
def test_the_relation_is_the_same_from_both_sides(one: Backend, other: Backend) -> None:
    assert relation(one, other) == relation(other, one)


@given(BACKENDS)
def test_a_pool_is_never_separate_from_itself(one: Backend) -> None:
    assert relation(one, one).sharing != "separate"
    assert not one.known or relation(one, one).sharing == "shared" or not one.family


@given(st.lists(BACKENDS, max_size=7))
def test_groups_and_the_largest_number_at_once_are_as_said(backends: list[Backend]) -> None:
    pools = {f"p{number}": backend for number, backend in enumerate(backends)}
    apart = apart_by(pools)
    found = groups(pools, apart)
    assert sorted(itertools.chain(*found)) == sorted(pools)
    for one, other in itertools.combinations(found, 2):
        assert all(apart(a, b) for a in one for b in other)
    sizes = [
        size
        for size in range(len(pools) + 1)
        for some in itertools.combinations(pools, size)
        if all(apart(a, b) for a, b in itertools.combinations(some, 2))
    ]
    assert most_at_once(list(pools), apart) == max(sizes)


def test_a_hundred_pools_are_counted_at_once() -> None:
    pools = {f"p{n}": rbd(["ssd", "hdd", "plain", "gone"][n % 4], sc=f"s{n}") for n in range(100)}
    assert most_at_once(list(pools), apart_by(pools)) == 2

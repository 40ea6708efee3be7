"""What a cluster's StorageClasses are proposed as: read again by our own reader, whatever they are called."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odfperf.cluster.discovery.left_out_classes import NO_VOLUMES
from pytest_odfperf.cluster.discovery.proposal_text import proposal_text
from pytest_odfperf.cluster.discovery.propose import propose
from pytest_odfperf.matrix.reading.load import load_text
from tests.made.found_storages import (
    BLOCK,
    CEPHFS,
    FILE,
    FULL,
    POOL,
    RBD,
    block_pool,
    ceph,
    loaded,
    node,
    proposed,
    storage,
    storage_class,
)


def with_what_was_left_out(text: str) -> str:
    """As somebody would who takes the # away."""
    head, _, rest = text.partition("\n# Left out.")
    entries = [line[2:] for line in rest.splitlines() if line.startswith("#   ")]
    before, guest, after = head.partition("\nguest:")
    return before + "\n" + "\n".join(entries) + "\n" + guest + after


# -- laws

HOSTILE = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    [
        "- x\n  y: z",
        "# no",
        "a: b",
        "\x1b[31m",
        "'\"",
        "{}",
        "*a",
        "!!python/object:os.system",
        "\u2028",
        "yes",
    ]
)
NAMES = st.from_regex(r"\A[a-z0-9]([a-z0-9.-]{0,80}[a-z0-9])?\Z") | st.sampled_from(
    ["yes", "null", "1e3", "0x10", "12", "rep3", "ec-2-1", "a.b", "a-b", "x" * 253, "x" * 64, "UPPER", "-"]
)
PROVISIONERS = st.sampled_from(
    [RBD, CEPHFS, "nfs.csi.ceph.com", FILE, BLOCK, POOL, "topolvm.io", "ebs.csi.aws.com", *NO_VOLUMES]
)


@st.composite
def classes(draw: st.DrawFn) -> dict[str, Any]:
    keys = st.sampled_from(
        [
            "pool",
            "dataPool",
            "fsName",
            "iops",
            "mapOptions",
            "encrypted",
            "profile",
            "topologyConstrainedPools",
        ]
    )
    return storage_class(
        draw(NAMES),
        draw(PROVISIONERS | HOSTILE),
        parameters=draw(
            st.dictionaries(keys | HOSTILE, HOSTILE | st.sampled_from(["p", "q", "500"]), max_size=4)
        ),
        annotations=draw(st.dictionaries(st.just("odfperf/backend"), HOSTILE, max_size=1)),
        reclaimPolicy=draw(st.sampled_from(["Delete", "Retain"])),
    )


@settings(max_examples=60, deadline=None)
@given(found=st.lists(classes(), min_size=1, max_size=12), size=st.integers(-1, 200), zones=st.integers(0, 2))
def test_what_is_proposed_loads_and_has_each_class_once(found: list[Any], size: int, zones: int) -> None:
    storages = storage(
        *found,
        nodes=tuple(node(f"z{number}") for number in range(zones)),
        ceph=ceph(block_pool("p", replicated={"size": size}), block_pool("q", deviceClass="#\n")),
        profiles={one["metadata"]["name"]: {"status": {"claimPropertySets": [{}]}} for one in found[:2]},
    )
    made = propose(storages, FULL, "full")
    text = proposal_text(made)
    assert text.isascii()
    assert len(made.pools) == len(storages.classes)
    if made.proposed:
        wanted = {pool.settings["storage_class"].value for pool in made.proposed}
        assert loaded(made).keys() == wanted
        assert made == propose(storages, FULL, "full"), "it is the same each time"
    for pool in made.pools:
        assert all(setting.comment for setting in pool.settings.values()), pool


def test_what_was_left_out_loads_when_somebody_takes_it() -> None:
    found = storage(storage_class("a"), storage_class("b-metro-1", FILE), storage_class("b-1", FILE))
    made = propose(found, FULL, "full")
    assert [pool.settings["name"].value for pool in made.left_out] == ["b-metro-1"]
    assert loaded(made).keys() == {"a", "b-1"}
    assert loaded(made, with_what_was_left_out(proposal_text(made))).keys() == {"a", "b-1", "b-metro-1"}


def test_names_that_are_alike_stay_apart() -> None:
    long = "x" * 70
    found = storage(*(storage_class(name) for name in ("a.b", "a-b", "rep2", f"{long}-1", f"{long}-2")))
    pools = proposed(found)
    names = {name: pool.settings["name"].value for name, pool in pools.items()}
    assert len(set(names.values())) == 5
    assert (names["a.b"], names["a-b"]) == ("a.b", "a-b")
    # The matrix that is extended has such a pool, of another StorageClass: what it says would hold for it.
    assert names["rep2"].startswith("rep2-")
    pool = loaded(propose(found, FULL, "full"))["rep2"]
    assert (pool.recipe, pool.backend) == (None, None)


# -- volume modes


@pytest.mark.parametrize(
    ("sets", "mode", "access"),
    [
        ([{"accessModes": ["ReadWriteMany"], "volumeMode": "Block"},
          {"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem"}], "Filesystem", None),
        ([{"accessModes": ["ReadWriteMany"], "volumeMode": "Block"}], "Block", "ReadWriteMany"),
        ([{"accessModes": ["ReadWriteOnce"], "volumeMode": "Raw"}], "Block", None),
        ([], "Block", None),
        (None, "Block", None),
    ],
)  # fmt: skip
def test_the_volume_mode_is_the_storage_profiles_else_the_tables(sets: Any, mode: str, access: Any) -> None:
    found = storage(storage_class("t", "topolvm.io"), profiles={"t": {"status": {"claimPropertySets": sets}}})
    pool = loaded(propose(found, FULL, "full"))["t"]
    assert pool.volume_mode == mode
    assert pool.vm.access_mode == access


# -- what is around the pools


def test_caps_are_what_the_class_says() -> None:
    found = storage(storage_class("c", FILE, parameters={"profile": "dp2", "iops": "500"}))
    assert loaded(propose(found, FULL, "full"))["c"].caps == {"iops": 500}


def test_root_disks_come_from_a_class_that_there_is() -> None:
    virt = {"storageclass.kubevirt.io/is-default-virt-class": "true"}
    there = storage_class("ocs-storagecluster-ceph-rbd")
    usual = storage_class("usual", annotations=virt)

    def root(*classes: dict[str, Any]) -> str | None:
        text = proposal_text(propose(storage(*classes), FULL, "full"))
        return load_text(text, source="m", folder=Path.cwd(), name="m").guest.root_storage_class

    assert root(there, usual) == "ocs-storagecluster-ceph-rbd"
    assert root(storage_class("a"), usual) == "usual"
    assert root(storage_class("a"), storage_class("b")) == "a"


def test_what_could_not_be_read_is_a_comment() -> None:
    found = storage(
        storage_class("a"), unread=("storageprofiles could not be read (no)",), has_data_source=False
    )
    text = proposal_text(propose(found, FULL, "full"))
    assert "# storageprofiles could not be read (no)\n" in text
    assert "# DataSource centos-stream9 of namespace openshift-virtualization-os-images is not there" in text


def test_the_page_has_every_filter_and_what_gives_no_volumes() -> None:
    page = (Path(__file__).parents[3] / "docs" / "discovery.md").read_text()
    assert set(re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)) == {
        *NO_VOLUMES, "metro", "retain", "regional", "eit", "min-iops",
    }  # fmt: skip

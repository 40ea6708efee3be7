"""Counters on their way: the manager's text, the journal of the run, the pools behind a StorageClass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.cluster.facts.ceph.ceph_pools import ceph_pools, pools_elsewhere
from pytest_odfperf.cluster.facts.ceph.mgr_counters import storage_counters
from pytest_odfperf.cluster.facts.pools import CephObjects, StorageClassFacts, named
from pytest_odfperf.measure.storage_counters import IoCount, OsdState, StorageCounters
from pytest_odfperf.measure.storage_health import HealthCheck
from pytest_odfperf.report.pictures.course.storage_bars import OSDS, OTHERS, RECOVERY, storage_bars
from pytest_odfperf.run.counters_journal import COUNTERS, CountersJournal, packed, unpacked
from pytest_odfperf.sandbox.ceph.client_io import ClientIo, Done
from pytest_odfperf.sandbox.ceph.modelled_io import with_modelled_io

#: Of a real manager.
TEXT = (Path(__file__).parents[1] / "data" / "ceph" / "mgr-16.2.15.txt").read_bytes()


def test_a_real_managers_text_is_read() -> None:
    found = storage_counters(TEXT)
    assert found is not None
    assert found.pools["rep2"] == IoCount(reads=13, read_bytes=7168, writes=10, written_bytes=10240)
    assert found.pools["ec21"].written_bytes == 2048
    assert found.osds["osd.1"] == OsdState(ops=15, used_share=0.0284, commit_ms=1.0)
    assert found.checks == (HealthCheck(code="MON_MSGR2_NOT_ENABLED", severity="HEALTH_WARN"),)
    assert (found.recovered_bytes, found.slow_ops) == (0, 0)
    assert found.collected
    assert storage_counters(b"ceph_pg_total 1") is None
    # Newer managers leave OSDs' own counters to others.
    newer = storage_counters(b"\n".join(line for line in TEXT.split(b"\n") if b"ceph_osd_op" not in line))
    assert newer is not None
    assert newer.osds["osd.1"].ops is None


def test_a_real_manager_is_told_what_simulated_machines_did() -> None:
    io = ClientIo(lambda: 0.0)
    io.did("rep2", Done(5, 500, 7, 700))
    before, after = storage_counters(TEXT), storage_counters(with_modelled_io(TEXT.decode(), io).encode())
    assert before is not None
    assert after is not None
    assert after.pools["rep2"].since(before.pools["rep2"]) == IoCount(
        reads=5, read_bytes=500, writes=7, written_bytes=700
    )
    assert after.pools["rep3"] == before.pools["rep3"]
    assert after.osds == before.osds


@given(st.binary(max_size=200), st.integers(0, len(TEXT)))
def test_any_text_is_read_or_counts_nothing(noise: bytes, at: int) -> None:
    found = storage_counters(TEXT[:at] + noise + TEXT[at:])
    assert found is None or all(min(one.reads, one.written_bytes) >= 0 for one in found.pools.values())


whole = st.integers(0, 2**62)
counters = st.builds(
    StorageCounters,
    pools=st.dictionaries(
        st.text(max_size=9),
        st.builds(IoCount, reads=whole, read_bytes=whole, writes=whole, written_bytes=whole),
        max_size=3,
    ),
    osds=st.dictionaries(
        st.text(max_size=9),
        st.builds(
            OsdState,
            up=st.booleans(),
            taken_in=st.booleans(),
            ops=whole | st.none(),
            used_share=st.floats(0, 1),
        ),
        max_size=3,
    ),
    recovered_bytes=whole | st.none(),
    collected=whole | st.none(),
    slow_ops=whole,
)


@given(counters)
def test_what_is_written_down_is_read_again(found: StorageCounters) -> None:
    assert unpacked(json.loads(json.dumps(packed(found)))) == found


@given(
    st.dictionaries(
        st.sampled_from(["pools", "osds", "checks", "recovering", "recovered", "slow_ops", "collected"]),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=4),
            lambda inner: (
                st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
            ),
            max_leaves=6,
        ),
    )
)
def test_whatever_stands_in_the_journal_is_counters_or_none(entry: dict[str, Any]) -> None:
    found = unpacked(entry)
    assert found is None or isinstance(found, StorageCounters)
    assert (
        list(
            storage_bars([{"at": 1.0, "name": "n", **entry}, {"at": 2.0, "name": "n", **entry}], frozenset())
        )[2:]
        == []
    )


def test_the_looks_of_a_window_and_the_last_before_it(tmp_path: Path) -> None:
    journal = CountersJournal(tmp_path)
    for at_s in (100.0, 110.0, 120.0, 130.0):
        journal.says("c", at_s, at_s - 2, StorageCounters(collected=int(at_s)))
    reader = CountersJournal(tmp_path)
    looks, problem = reader.during("c", 115.0, 125.0)
    assert [(look.at_s, look.since_s) for look in looks] == [(-5.0, -7.0), (5.0, 3.0)]
    assert problem is None
    assert reader.during("other", 115.0, 125.0) == ((), "the storage's counters are not read")
    journal.fails("c", "forbidden\nfor ever")
    with (tmp_path / COUNTERS).open("ab") as file:
        file.write(b'{"at": 1, "name": \xff\n[]\n{"at": 9e99}\n')
    looks, problem = reader.during("c", 125.0, 9e10)
    assert [look.at_s for look in looks] == [-5.0, 5.0]
    assert problem == "forbidden\nfor ever"
    # What an earlier session saw is not of this one.
    journal.begin()
    assert CountersJournal(tmp_path).during("c", 115.0, 9e10)[0] == ()


def storage_class(provisioner: str, **parameters: str) -> StorageClassFacts:
    return StorageClassFacts(
        name="c", provisioner=provisioner, binding_mode="Immediate", parameters=parameters
    )


RBD, FS = "openshift-storage.rbd.csi.ceph.com", "openshift-storage.cephfs.csi.ceph.com"
NS = {"namespace": "openshift-storage"}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (storage_class(RBD, pool="a"), (("a",), ())),
        (storage_class(RBD, pool="meta", dataPool="ec"), (("ec",), ("meta",))),
        (storage_class(RBD), ((), ())),
        (storage_class(FS, fsName="fs"), (("fs-replicated",), ("fs-metadata",))),
        (storage_class(FS, fsName="unread"), (("unread-data0",), ("unread-metadata",))),
        (storage_class(FS, fsName="fs", pool="fs-other"), (("fs-other",), ("fs-metadata",))),
        (storage_class("ebs.csi.aws.com", pool="a"), ((), ())),
    ],
)
def test_a_classes_pools_by_cephs_names(found: StorageClassFacts, expected: Any) -> None:
    filesystem = {"metadata": {"name": "fs", **NS}, "spec": {"dataPools": [{"name": "replicated"}, {}]}}
    assert ceph_pools(found, CephObjects({}, named([filesystem]))) == expected


def test_only_pools_that_are_known_to_be_on_other_devices_are_elsewhere() -> None:
    pools = [
        {"metadata": {"name": name, **NS}, "spec": spec}
        for name, spec in (
            ("a", {"deviceClass": "ssd"}),
            ("b", {"deviceClass": "hdd"}),
            ("c", {}),
            ("d", {"deviceClass": "ssd", "crushRoot": "other"}),
        )
    ]
    ceph = CephObjects(named(pools), {})
    assert pools_elsewhere(storage_class(RBD, pool="a"), ceph) == ("b", "d")
    assert pools_elsewhere(storage_class(RBD, pool="c"), ceph) == ("d",)
    assert pools_elsewhere(storage_class(RBD, pool="unread"), ceph) == ()


def test_the_time_line_has_recovery_others_and_osds_that_were_away() -> None:
    def line(at: float, others: int, recovered: int, up: int) -> dict[str, Any]:
        found = StorageCounters(
            pools={
                "own": IoCount(reads=10**9 + others),
                "other": IoCount(reads=others, read_bytes=others * 4096),
            },
            osds={"osd.0": OsdState(up=bool(up))},
            recovered_bytes=recovered,
        )
        return {"at": at, "since": at - 2, "name": "c", **packed(found)}

    entries = [
        line(10, 0, 0, 1),
        line(20, 10_000, 0, 1),
        line(30, 20_000, 50 << 20, 0),
        line(40, 20_000, 50 << 20, 1),
    ]
    bars = [
        (bar.activity, bar.began_s, bar.ended_s, bar.what)
        for bar in storage_bars(entries, frozenset({"own"}))
    ]
    assert sorted(bars) == sorted(
        [
            (OTHERS, 10, 30, "other: 1000 I/Os and 3.91 MiB a second"),
            (RECOVERY, 20, 30, "5 MiB/s"),
            (OSDS, 20, 30, "osd.0 down"),
        ]
    )

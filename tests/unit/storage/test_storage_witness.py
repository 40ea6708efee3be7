"""What the storage counts against what guests say: honest ones are believed, whatever the counters' lag."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odfperf.measure.guests_io import guests_beside
from pytest_odfperf.measure.storage_work import storage_work
from pytest_odfperf.measure.verdicts.evidence import Evidence
from pytest_odfperf.measure.verdicts.rules import osd_rules, storage_rules
from pytest_odfperf.sandbox.ceph.client_io import Done

from .counted import PHASES, READS, SMALL, WRITES, Storage, counted

LOOKS = (storage_rules.own_io, storage_rules.others, storage_rules.recovery, osd_rules.lost, osd_rules.hung)


def said(of: Evidence) -> set[tuple[str, str]]:
    return {(doubt.code, doubt.level) for look in LOOKS for doubt in look(of)}


storages = st.builds(
    Storage,
    collects_every_s=st.sampled_from([1.0, 5.0, 10.0, 15.0]),
    collects_first_s=st.floats(-75, -60),
    polled_every_s=st.sampled_from([2.0, 3.7, 9.0, 15.0]),
    late_s=st.floats(0, 6.5),
)


@settings(deadline=None, max_examples=60)
@given(storage=storages, sections=st.sampled_from([READS, WRITES, PHASES]), seed=st.integers(1, 5))
def test_a_storage_that_did_what_the_guests_say_is_no_reason_to_doubt(
    storage: Storage, sections: str, seed: int
) -> None:
    assert said(counted(sections, storage, seed=seed)) == set()


@settings(deadline=None, max_examples=40)
@given(storage=storages, sections=st.sampled_from([READS, WRITES]), factor=st.sampled_from([0.0, 0.2, 0.4]))
def test_what_the_storage_never_saw_is_found(storage: Storage, sections: str, factor: float) -> None:
    of = counted(sections, replace(storage, factor=factor, polled_every_s=2.0))
    assert {code for code, _ in said(of)} == {"storage_saw_less"}


BUSY = Done(2000, 2000 * 65536, 0, 0)


@pytest.mark.parametrize(
    ("storage", "expected"),
    [
        (Storage(factor=0.75, collects_every_s=5), {("storage_saw_less", "suspect")}),
        (Storage(factor=0.3), {("storage_saw_less", "invalid")}),
        (Storage(own_extra=BUSY.times(0.5)), {("storage_saw_more", "suspect")}),
        (Storage(own_extra=BUSY.times(8)), {("storage_saw_more", "invalid")}),
        # What is less than a twentieth, and what little others always do.
        (Storage(own_extra=Done(100, 100 * 4096, 0, 0)), set()),
        (Storage(others=Done(20, 20 * 4096, 20, 20 * 4096)), set()),
        (Storage(others=BUSY), {("others_io", "suspect")}),
        (Storage(others=BUSY.times(50)), {("others_io", "invalid")}),
        (Storage(recovery_bytes_per_s=1 << 20), {("recovery_ran", "suspect")}),
        (Storage(recovery_bytes_per_s=1 << 30), {("recovery_ran", "invalid")}),
        (Storage(down=((1, 30, 50),)), {("osd_lost", "suspect")}),
        (Storage(down=((1, -99, 999),)), {("osd_lost", "suspect")}),
        (Storage(down=((1, 30, 50), (2, 30, 50))), {("osd_lost", "invalid")}),
        (Storage(out=((1, 30, 50),)), {("osd_lost", "suspect")}),
        # One that was taken out long ago is nobody's.
        (Storage(down=((1, -99, 999),), out=((1, -99, 999),)), set()),
        (Storage(hung=((0, 20, 33),), collects_every_s=5), {("osd_hung", "suspect")}),
        (Storage(hung=((0, 20, 60),), collects_every_s=5), {("osd_hung", "invalid")}),
        # Idle is not hung: nothing is on it, or its part of the load is over, and the others go on.
        (Storage(hung=((0, -99, 999),)), set()),
        (Storage(hung=((0, 30, 999),), held_up=0.0), set()),
        (Storage(hung=((0, 5, 20), (1, 30, 50)), held_up=0.0), set()),
    ],
)
def test_each_trouble_has_its_name(storage: Storage, expected: set[tuple[str, str]]) -> None:
    assert said(counted(WRITES, storage)) == expected


def test_io_below_a_kib_counts_as_one() -> None:
    """As Ceph rounds: 2000 I/Os of 512 bytes are 2,048,000 bytes."""
    assert said(counted(SMALL, Storage(factor=1.0))) == set()
    twice = counted(SMALL, Storage())
    assert twice.counters is not None
    looks = tuple(
        replace(
            look,
            counters=replace(
                look.counters,
                pools={
                    name: replace(one, read_bytes=2 * one.read_bytes)
                    for name, one in look.counters.pools.items()
                },
            ),
        )
        for look in twice.counters.looks
    )
    assert said(replace(twice, counters=replace(twice.counters, looks=looks))) == set()


def test_where_nobody_witnessed_nothing_is_doubted_and_it_is_said() -> None:
    short = counted(READS, Storage(factor=0.0, others=BUSY.times(50)))
    assert short.counters is not None
    for counters in (
        replace(short.counters, looks=()),
        replace(short.counters, looks=short.counters.looks[:1], problem="not allowed"),
    ):
        assert said(replace(short, counters=counters)) == set()
        work = storage_work(counters)
        assert work.unwitnessed is not None
        assert (work.seen_s, work.own, work.others) == (0.0, None, ())
    assert said(replace(short, counters=None)) == set()


def test_the_record_says_what_the_storage_did() -> None:
    of = counted(WRITES, Storage(others=BUSY, recovery_bytes_per_s=5 << 20, down=((2, 30, 50),)))
    assert of.counters is not None
    work = storage_work(of.counters)
    (write,) = [job.write for job in of.guests[0].result.jobs]
    assert write is not None
    assert work.own is not None
    assert work.own.write_iops == pytest.approx(write.iops_per_s, rel=0.1)
    assert work.own.write_bytes_per_s == pytest.approx(write.bw_bytes_per_s, rel=0.1)
    guests = guests_beside(of)
    assert guests is not None
    assert (guests.write_iops, guests.read_iops) == (pytest.approx(work.own.write_iops, rel=0.05), 0)
    assert [one.pool for one in work.others] == ["other"]
    assert work.others[0].read_iops == pytest.approx(2000, rel=0.05)
    assert work.recovered_bytes_per_s == pytest.approx(5 << 20, rel=0.01)
    assert [event.partition(": ")[2] for event in work.events] == ["osd.2 went down", "osd.2 came up"]


def test_pools_on_other_devices_and_those_of_the_run_are_nobodys_load() -> None:
    of = counted(WRITES, Storage(others=BUSY.times(50)))
    assert of.counters is not None
    for known in ({"separate": ("other",)}, {"run": ("other",)}):
        assert said(replace(of, counters=replace(of.counters, **known))) == set()  # type: ignore[arg-type]


def test_a_storage_that_stands_still_with_its_guests_hangs() -> None:
    """All of it: no OSD does less than another."""
    pace = {"pace": [[10, 0.0], [40, 1.0]]}
    still = Storage(osds=0, collects_every_s=5)
    assert said(counted(READS, still, faults=pace)) == {("osd_hung", "invalid")}
    assert said(counted(READS, Storage(osds=0, factor=0.0))) == {("storage_saw_less", "invalid")}


def test_a_pool_that_was_made_meanwhile_counts_from_nothing() -> None:
    of = counted(WRITES, Storage(others=BUSY))
    assert of.counters is not None
    first, *rest = of.counters.looks
    pools = {name: one for name, one in first.counters.pools.items() if name != "other"}
    without = replace(first, counters=replace(first.counters, pools=pools))
    assert {code for code, _ in said(replace(of, counters=replace(of.counters, looks=(without, *rest))))} == {
        "others_io"
    }

"""What ran beside a key: the journal that tells it, laws of the shares, what rules and report make of it."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.neighbours import Disks, Load, LoadWindow, Neighbour, neighbours
from pytest_odfperf.measure.record import Record
from pytest_odfperf.measure.verdicts.evidence import Evidence
from pytest_odfperf.measure.verdicts.rules.neighbour_rules import look_beside
from pytest_odfperf.report.beside import beside_lines
from pytest_odfperf.run.load_journal import LOADS, LoadJournal
from pytest_odfperf.schedule.backends import Relation, Sharing


def known(sharing: Sharing = "shared", root: Sharing = "separate") -> Any:
    return lambda pool, disks: Relation(root if disks == "root" else sharing, "said")


def window(pool: str, began_s: float, ended_s: float, load: Load = "working") -> LoadWindow:
    return LoadWindow(pool, load, began_s, ended_s)


WINDOWS = st.builds(
    LoadWindow,
    pool=st.sampled_from(["own", "a", "b"]),
    load=st.sampled_from(get_args(Load)),
    began_s=st.integers(0, 30).map(float),
    ended_s=st.integers(0, 30).map(float),
)


@given(st.lists(WINDOWS, max_size=12), st.integers(0, 14), st.integers(15, 30))
def test_a_share_is_the_part_of_the_window_in_which_anything_went_on(
    windows: list[LoadWindow], began_s: int, ended_s: int
) -> None:
    found = neighbours("own", began_s, ended_s, windows, known(root="shared"))
    busy = {
        (pool, disks): sum(
            any(
                one.pool == pool and one.began_s <= second < one.ended_s
                for one in windows
                if disks == "data" or one.load == "booting"
            )
            for second in range(began_s, ended_s)
        )
        for pool in "ab"
        for disks in get_args(Disks)
    }
    shares = {(one.pool, one.disks): one.share for one in found}
    assert shares == {
        place: pytest.approx(seconds / (ended_s - began_s), abs=1e-4)
        for place, seconds in busy.items()
        if seconds
    }
    assert all(one.share is not None and 0 < one.share <= 1 for one in found)


def test_root_disks_that_are_known_to_be_elsewhere_are_not_named() -> None:
    booting = [window("a", 0, 10, "booting")]
    assert [one.disks for one in neighbours("own", 0, 10, booting, known())] == ["data"]
    told = neighbours("own", 0, 10, booting, known("separate", root="not_known"))
    assert [(one.disks, one.backend) for one in told] == [("data", "separate"), ("root", "not_known")]


def test_the_journal_tells_what_all_processes_said(tmp_path: Path) -> None:
    one, other = LoadJournal(tmp_path, "gw0"), LoadJournal(tmp_path, "gw1")
    began_s = time.time()
    one.says("a", "booting")
    one.says("a", "working")
    other.says("b", "working")
    other.says("b", None)
    now_s = time.time() + 1
    found = list(one.windows(began_s, now_s))
    assert [(window.pool, window.load) for window in found] == [
        ("a", "working"),
        ("a", "booting"),
        ("b", "working"),
    ]
    assert found[0].ended_s == now_s, "it still goes on"
    assert found[1].ended_s == found[0].began_s
    # A worker that takes over what another left ends what that one wrote.
    LoadJournal(tmp_path, "gw2").says("a", None)
    assert next(one.windows(began_s, now_s)).ended_s < now_s
    assert [window.pool for window in other.windows(began_s, now_s)] == ["a", "a", "b"]


def test_an_earlier_session_of_a_run_is_not_beside_a_later_one(tmp_path: Path) -> None:
    LoadJournal(tmp_path, "gw0").says("a", "working")
    reader = LoadJournal(tmp_path, "gw1")
    assert list(reader.windows(0, time.time() + 1))
    LoadJournal(tmp_path, "controller").begin()
    assert list(reader.windows(0, time.time() + 1)) == []


def test_a_process_that_is_alone_writes_for_the_report_only_and_a_new_run_has_no_journal(
    tmp_path: Path,
) -> None:
    LoadJournal(tmp_path, "controller").begin()
    assert not (tmp_path / LOADS).exists()
    alone = LoadJournal(tmp_path, "main", alone=True)
    alone.says("a", "working")
    assert '"load":"working"' in (tmp_path / LOADS).read_text().replace(" ", "")
    assert list(alone.windows(0, time.time())) == []


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_what_is_no_line_of_ours_is_passed_over(tmp_path_factory: Any, before: bytes, after: bytes) -> None:
    folder = tmp_path_factory.mktemp("loads")
    good = b'\n{"at": 5.0, "process": "gw0", "pool": "a", "load": "working"}\n'
    (folder / LOADS).write_bytes(before + good + after)
    assert [one.pool for one in LoadJournal(folder, "gw1").windows(0, 9)] == ["a"]


def beside(share: float | None, backend: Sharing, disks: Disks = "data", pool: str = "a") -> Neighbour:
    return Neighbour(pool=pool, share=share, backend=backend, why="said so", disks=disks)


@pytest.mark.parametrize(
    ("found", "codes"),
    [
        ([], []),
        ([beside(0.9, "shared")], ["shared_backend"]),
        ([beside(0.011, "shared")], ["shared_backend"]),
        ([beside(0.01, "shared")], []),
        ([beside(0.9, "separate")], []),
        ([beside(0.9, "not_known")], ["backend_unknown"]),
        ([beside(0.005, "not_known")], []),
        ([beside(0.9, "shared"), beside(0.5, "not_known", pool="b")], ["shared_backend", "backend_unknown"]),
        ([beside(0.9, "separate"), beside(0.2, "shared", "root")], ["shared_backend"]),
        ([beside(0.9, "separate"), beside(0.1, "shared", "root")], []),
        ([beside(0.9, "separate"), beside(0.9, "not_known", "root")], []),
        ([beside(None, "not_known", pool="run perf-1")], ["backend_unknown"]),
    ],
)
def test_only_a_neighbour_on_the_same_devices_or_unknown_ones_makes_a_doubt(
    found: list[Neighbour], codes: list[str]
) -> None:
    evidence = Evidence(key=None, job=None, settings=None, guests=(), beside=tuple(found))  # type: ignore[arg-type]
    doubts = list(look_beside(evidence))
    assert [doubt.code for doubt in doubts] == codes
    assert all(doubt.level == "suspect" and "said so" in doubt.text for doubt in doubts)
    assert all(0 < doubt.figures["overlap_share"] <= 1 for doubt in doubts)


def record(pool: str, *found: Neighbour) -> Record:
    key = Key.parse(f"{pool}:tiny:1Gi:1:random-rw:4k")
    return Record(
        key=key, run_id="r", test=str(key), status="passed", started_at_epoch_ms=0, ended_at_epoch_ms=1,
        duration_s=0.0, beside=found,
    )  # fmt: skip


def test_the_report_has_a_line_for_each_two_pools_and_the_doubtful_first() -> None:
    records = [
        record("a", beside(0.5, "shared", pool="b"), beside(1.0, "separate", pool="c")),
        record("b", beside(0.9, "shared", pool="a")),
        record("b", beside(None, "not_known", pool="run perf-1")),
    ]
    assert beside_lines(records) == [
        "a and b: at one time, on the same devices (said so); 1 result of a, 1 result of b, "
        "up to 90% of the window",
        "b and run perf-1: at one time, on devices that may be the same (said so); 1 result of b, "
        "up to 100% of the window",
        "a and c: at one time, on separate devices (said so); 1 result of a, up to 100% of the window",
    ]
    assert beside_lines([record("a")]) == []
    many = [record(f"p{n}", beside(1.0, "shared", pool=f"q{n}")) for n in range(20)]
    assert beside_lines(many)[-1] == "and 12 more; results.jsonl has what ran beside each result"


def test_a_record_keeps_its_neighbours() -> None:
    kept = record("a", beside(0.5, "shared", "root"), beside(None, "not_known"))
    assert Record.from_json(kept.to_json()) == kept
    assert ("beside", "a (root disks) 50% shared; a unknown share not known") in kept.properties()
    assert replace(kept, beside=()).properties() == [one for one in kept.properties() if one[0] != "beside"]

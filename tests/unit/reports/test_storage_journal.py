"""The journal of the storage's health in the report: times and states in words, whatever a file says."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.measure.storage_health import CephState, HealthCheck, PgCount, PgState, PoolState
from pytest_odfperf.plain import to_plain
from pytest_odfperf.report.run_page.sections.storage_journal import storage_journal


def rows(*entries: dict[str, Any]) -> list[list[Any]]:
    return [list(row) for table in storage_journal("h", entries) for row in table.rows]


def test_times_objects_and_states_are_in_words() -> None:
    check = HealthCheck(code="OSD_DOWN", severity="HEALTH_WARN", message="1 osds down")
    ceph = CephState(health="HEALTH_WARN", checks=(check,), used_share=0.25)
    pgs = PgState(total=97, states=(PgCount(state="active", count=97), PgCount(state="laggy", count=3)))
    pool = PoolState(phase="Ready", identity="u")
    assert rows(
        {"at": 1796044837.93, "session": True},
        {"at": 1796044837.93, "name": "CephCluster ns/c", "of": "ceph", "state": to_plain(ceph)},
        {"at": 1796044838.0, "name": "PGs ns/c", "of": "pgs", "state": to_plain(pgs)},
        {"at": 1796044839.0, "name": "CephBlockPool ns/p", "of": "pool", "state": to_plain(pool)},
        {"at": 1796044840.0, "name": "CephBlockPool ns/p", "of": None, "state": None},
    ) == [
        ["2026-11-30 13:20:37", "CephCluster ns/c", "HEALTH_WARN; OSD_DOWN (1 osds down); 25% used"],
        ["2026-11-30 13:20:38", "PGs ns/c", "97 PGs, 97 active, 3 laggy"],
        ["2026-11-30 13:20:39", "CephBlockPool ns/p", "Ready"],
        ["2026-11-30 13:20:40", "CephBlockPool ns/p", "gone, or not known any more"],
    ]
    assert list(storage_journal("h", [])) == []


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(at=anything, kind=st.sampled_from(["ceph", "pgs", "pool", 1]), state=anything, checks=anything)
def test_whatever_stands_in_the_file_is_a_row(at: Any, kind: Any, state: Any, checks: Any) -> None:
    if isinstance(state, dict):
        state = {**state, "checks": checks, "states": checks}
    (row,) = rows({"at": at, "name": "x", "of": kind, "state": state})
    assert all(isinstance(cell, str) for cell in row)

"""How Ceph was while a key was measured: what the objects say, the journal, the rules, the page."""

from __future__ import annotations

import asyncio
import re
import time
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.ceph_health_codes import EFFECTS, effect_of
from pytest_odfperf.cluster.facts.ceph.ceph_health import ceph_state, health_sources, pool_state
from pytest_odfperf.cluster.facts.ceph.mgr_metrics import pg_state
from pytest_odfperf.cluster.facts.pools import CephObjects, StorageClassFacts, named
from pytest_odfperf.matrix.model import Pool
from pytest_odfperf.measure.storage_health import (
    CephMoment,
    CephState,
    HealthCheck,
    HealthEvidence,
    PgCount,
    PgMoment,
    PgState,
    PoolMoment,
    PoolState,
    storage_health,
)
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.measure.verdicts.evidence import Evidence
from pytest_odfperf.measure.verdicts.rules.health_rules import look_at_health, look_at_pgs, look_at_pools
from pytest_odfperf.run.health_journal import HealthJournal, pgs_of
from pytest_odfperf.sandbox.ceph.ceph import PoolWanted
from pytest_odfperf.sandbox.ceph.client_io import ClientIo
from pytest_odfperf.sandbox.ceph.simulated.simulated_ceph import SimulatedCeph
from pytest_odfperf.sandbox.config.parse_config import parse_config

OK = CephState(health="HEALTH_OK")


def warn(*codes: str, message: str = "", health: str = "HEALTH_WARN", used: float | None = None) -> CephState:
    checks = tuple(HealthCheck(code=code, severity=health, message=message) for code in codes)
    return CephState(health=health, checks=checks, used_share=used)


def doubts(*states: CephState, kind: Any = "rbd", pools: tuple[PoolMoment, ...] = ()) -> list[Doubt]:
    ceph = tuple(CephMoment(float(number), state) for number, state in enumerate(states))
    health = HealthEvidence(kind=kind, ceph=ceph, pools=pools)
    evidence = Evidence(key=None, job=None, settings=None, guests=(), health=health)  # type: ignore[arg-type]
    return [*look_at_health(evidence), *look_at_pools(evidence)]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([OK], []),
        ([warn("RECENT_CRASH", "TELEMETRY_CHANGED", "MON_CLOCK_SKEW", "PG_NOT_DEEP_SCRUBBED")], []),
        ([warn("OSDMAP_FLAGS", message="noscrub,nodeep-scrub flag(s) set")], []),
        ([warn("OSDMAP_FLAGS", message="noout, pausewr flag(s) set")], [("storage_unhealthy", "suspect")]),
        ([warn("OSDMAP_FLAGS")], [("storage_unhealthy", "suspect")]),
        ([warn("PG_DEGRADED", "OSD_DOWN", "OSD_HOST_DOWN")], [("storage_recovering", "suspect")]),
        # Also if it came in its window, or went before the end.
        ([OK, warn("PG_DEGRADED")], [("storage_recovering", "suspect")]),
        ([warn("OBJECT_MISPLACED"), OK], [("storage_recovering", "suspect")]),
        ([warn("OSD_FULL", health="HEALTH_ERR")], [("storage_full", "invalid")]),
        ([OK, warn("POOL_FULL"), OK], [("storage_full", "invalid")]),
        ([warn("PG_AVAILABILITY")], [("storage_away", "invalid")]),
        ([warn("OSD_NEARFULL")], [("storage_nearly_full", "suspect")]),
        ([warn("SLOW_OPS")], [("storage_slow", "suspect")]),
        ([warn("OSD_SLOW_PING_TIME_FRONT")], [("storage_slow", "suspect")]),
        ([warn("A_CODE_OF_TOMORROW")], [("storage_unhealthy", "suspect")]),
        ([warn("A_CODE_OF_TOMORROW", "RECENT_CRASH")], [("storage_unhealthy", "suspect")]),
        ([warn()], [("storage_unhealthy", "suspect")]),
        ([warn(health="HEALTH_ERR")], [("storage_unhealthy", "suspect")]),
        ([warn(health="unknown")], [("storage_unhealthy", "suspect")]),
        ([CephState(health="HEALTH_OK", trouble="in state Error")], [("storage_unhealthy", "suspect")]),
        ([CephState(health="HEALTH_OK", used_share=0.849)], []),
        ([CephState(health="HEALTH_OK", used_share=0.85)], [("storage_nearly_full", "suspect")]),
        ([warn("POOL_NEARFULL", used=0.9)], [("storage_nearly_full", "suspect")]),
        (
            [warn("PG_DEGRADED", "SLOW_OPS", "OSD_FULL", "X")],
            [
                ("storage_full", "invalid"),
                ("storage_recovering", "suspect"),
                ("storage_slow", "suspect"),
                ("storage_unhealthy", "suspect"),
            ],
        ),
    ],
)  # fmt: skip
def test_a_check_is_judged_by_what_it_does_to_figures(
    states: list[CephState], expected: list[tuple[str, str]]
) -> None:
    assert [(doubt.code, doubt.level) for doubt in doubts(*states)] == expected


def test_file_systems_trouble_does_not_touch_block_pools() -> None:
    away = warn("MDS_ALL_DOWN", health="HEALTH_ERR")
    assert doubts(away) == []
    assert [doubt.code for doubt in doubts(away, kind="cephfs")] == ["storage_away"]


def test_a_doubt_says_since_when_and_whether_it_lasted() -> None:
    (came,) = doubts(OK, warn("PG_DEGRADED", message="82 pgs degraded"), OK)
    assert came.text == (
        "Ceph said while it was measured: PG_DEGRADED (82 pgs degraded), from 1.0 s of its window on, "
        "and no more at its end"
    )
    (lasted,) = doubts(warn("PG_DEGRADED"))
    assert lasted.text == "Ceph said while it was measured: PG_DEGRADED"


METRICS = b"""# HELP ceph_pg_active PG active per pool
# TYPE ceph_pg_active gauge
ceph_pg_active{pool_id="1"} 32.0
ceph_pg_active{pool_id="2"} 64.0
ceph_pg_clean{pool_id="1"} 32.0
ceph_pg_clean{pool_id="2"} 60.0
ceph_pg_total{pool_id="1"} 32.0
ceph_pg_total{pool_id="2"} 65.0
ceph_pg_scrubbing{pool_id="2"} 1.0
ceph_pg_unknown{pool_id="2"} 1.0
ceph_pg_degraded{pool_id="2"} 0.0
ceph_pg_odd{pool_id="2"} NaN
ceph_pool_stored{pool_id="2"} 5.0
"""


def pgs(total: int = 100, **states: int) -> PgState:
    found = {"active": total, "clean": total, **states}
    return PgState(total=total, states=tuple(PgCount(state=s, count=n) for s, n in found.items() if n))


def test_the_managers_metrics_are_summed_over_pools() -> None:
    found = pg_state(METRICS)
    assert found is not None
    assert found.total == 97
    assert (found.count("active"), found.count("clean"), found.count("unknown")) == (96, 92, 1)
    assert found.text == "1 scrubbing, 1 unknown"
    assert pg_state(b"<html>no metrics</html>") is None
    ceph = {"block_pools": {"a": {}, "b": {}}, "pgs": {"active+clean": 90, "active+clean+scrubbing+deep": 2}}
    config = parse_config({"ceph": ceph})
    assert config.ceph.model is not None
    simulated = SimulatedCeph(config, config.ceph.model, ClientIo())
    for name in config.ceph.block_pools:
        simulated.keep_steady(PoolWanted(name=name))
    assert pg_state(asyncio.run(simulated.metrics()).encode()) == (
        PgState(
            total=92,
            states=tuple(
                PgCount(state=s, count=n)
                for s, n in (("active", 92), ("clean", 92), ("deep", 2), ("scrubbing", 2))
            ),
        )
    )


@given(st.binary(max_size=300))
def test_any_answer_of_a_manager_is_read_or_refused(answer: bytes) -> None:
    pg_state(answer)
    assert pg_state(METRICS + answer) is not None


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([pgs()], []),
        ([pgs(scrubbing=2)], []),
        ([pgs(scrubbing=3)], ["storage_scrubbing"]),
        ([pgs(), pgs(scrubbing=1, deep=1), pgs()], ["storage_scrubbing"]),
        # Health is OK all the while.
        ([pgs(active=68, clean=68, unknown=23, creating=9, peering=9)], ["pgs_inactive", "pgs_not_clean"]),
        ([pgs(), pgs(clean=90, degraded=10, recovering=1)], ["pgs_not_clean"]),
        ([], []),
    ],
)
def test_pgs_are_judged_by_their_states(states: list[PgState], expected: list[str]) -> None:
    moments = tuple(PgMoment(float(number), state) for number, state in enumerate(states))
    health = HealthEvidence(kind="rbd", ceph=(CephMoment(0.0, OK),), pgs=moments)
    evidence = Evidence(key=None, job=None, settings=None, guests=(), health=health)  # type: ignore[arg-type]
    assert [doubt.code for doubt in look_at_pgs(evidence)] == expected
    kept = storage_health(health)
    assert kept is not None
    assert (kept.pgs is None) == (not states)


def test_nothing_known_makes_no_doubt() -> None:
    evidence = Evidence(key=None, job=None, settings=None, guests=())  # type: ignore[arg-type]
    assert [*look_at_health(evidence), *look_at_pools(evidence)] == []


READY, NOT_READY = PoolState(phase="Ready", identity="1"), PoolState(phase="Progressing", identity="1")
ANEW = PoolState(phase="Ready", identity="2")


@pytest.mark.parametrize(
    ("states", "levels", "change"),
    [
        ([READY], [], ""),
        ([READY, NOT_READY, READY], ["suspect"], "Ready -> Progressing"),
        # One that is allowed not to be Ready was so before.
        ([NOT_READY, READY], [], "Progressing -> Ready"),
        ([NOT_READY], [], ""),
        ([READY, None], ["invalid"], "was deleted"),
        ([READY, None, ANEW], ["invalid"], "was made anew, Ready"),
        ([READY, ANEW], ["invalid"], "was made anew, Ready"),
    ],
)
def test_a_pool_that_is_made_anew_voids_what_was_measured(
    states: list[PoolState | None], levels: list[str], change: str
) -> None:
    moments = tuple(
        PoolMoment(float(number), "CephBlockPool p", state) for number, state in enumerate(states)
    )
    found = doubts(OK, pools=moments)
    assert [doubt.level for doubt in found] == levels
    assert all(doubt.code == "pool_rebuilt" and "CephBlockPool p" in doubt.text for doubt in found)
    kept = storage_health(HealthEvidence(kind="rbd", ceph=(CephMoment(0.0, OK),), pools=moments))
    assert kept is not None
    assert change in "; ".join(kept.changed)
    assert bool(change) == bool(kept.changed)


def test_a_record_names_what_changed_also_if_it_is_harmless() -> None:
    moments = (CephMoment(0.0, OK), CephMoment(3.5, warn("RECENT_CRASH")), CephMoment(5.0, warn("SLOW_OPS")))
    kept = storage_health(HealthEvidence(kind="rbd", ceph=moments))
    assert kept is not None
    assert (kept.before, kept.after) == ("HEALTH_OK", "HEALTH_WARN SLOW_OPS")
    assert kept.changed == (
        "after 3.5 s: HEALTH_OK -> HEALTH_WARN, RECENT_CRASH came",
        "after 5.0 s: SLOW_OPS came, RECENT_CRASH went",
    )


def test_no_code_is_in_two_rows_and_the_page_has_the_rows() -> None:
    codes = list(chain(*EFFECTS.values()))
    assert len(set(codes)) == len(codes)
    for effect, row in EFFECTS.items():
        for code in row:
            if "*" not in code:
                assert effect_of(code) == effect, f"{code} is hidden by an earlier row"
    page = (Path(__file__).parents[3] / "docs" / "verdicts.md").read_text()
    rows = [
        tuple(re.findall(r"`([A-Z0-9_*]+)`", line.split("|")[1]))
        for line in page.splitlines()
        if re.match(r"\| `[A-Z][A-Z0-9_*]+`", line)
    ]
    assert rows == list(EFFECTS.values())
    assert not any(fnmatchcase("HEALTH_OK", code) for code in codes)


def cluster(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "c", "namespace": "openshift-storage"}, "status": status}


def test_a_ceph_cluster_is_what_its_operator_wrote() -> None:
    found = ceph_state(
        cluster(
            state="Created",
            ceph={
                "health": "HEALTH_WARN",
                "details": {"SLOW_OPS": {"severity": "HEALTH_WARN", "message": "3 slow ops"}},
                "lastChecked": "2026-11-30T05:00:00Z",
                "capacity": {"bytesTotal": 200, "bytesUsed": 50, "bytesAvailable": 150},
            },
        )
    )
    assert found == CephState(
        health="HEALTH_WARN",
        checks=(HealthCheck(code="SLOW_OPS", severity="HEALTH_WARN", message="3 slow ops"),),
        used_share=0.25,
        checked_at="2026-11-30T05:00:00Z",
    )
    assert ceph_state(cluster(state="Error", message="no\nquorum")).trouble == (
        "CephCluster c is in state Error: no quorum"
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["ceph", "health", "details", "capacity", "bytesUsed", "bytesTotal", "state", "X"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_a_status_of_any_shape_is_read_or_not_known(status: Any) -> None:
    found = ceph_state({"metadata": {"name": "c"}, "status": status})
    assert found.used_share is None or found.used_share >= 0
    assert "\n" not in found.text
    pool_state({"metadata": {"name": "p", "uid": "u"}, "status": status})


def test_a_pools_health_is_read_where_its_ceph_is() -> None:
    rbd = {"provisioner": "rook-west.rbd.csi.ceph.com", "parameters": {"pool": "rep3"}}
    other = {"provisioner": "x/y", "parameters": {}}
    classes = {
        name: StorageClassFacts.of({"metadata": {"name": name}, **found})
        for name, found in (("rbd", rbd), ("other", other))
    }
    pools = [Pool(name="p", storage_class="rbd"), Pool(name="q", storage_class="other")]
    block = {"metadata": {"name": "rep3", "namespace": "rook-west", "uid": "u"}, "status": {"phase": "Ready"}}
    west, east = cluster(), cluster()
    west["metadata"]["namespace"] = "rook-west"
    objects = CephObjects(named([block]), {})
    found = health_sources(pools, classes, objects, [east, west])
    assert list(found.storage) == ["p"], "other storage is not asked for"
    assert found.storage["p"].cluster == "CephCluster rook-west/c"
    assert found.storage["p"].objects == ("CephBlockPool rook-west/rep3",)
    assert set(found.states) == {"CephCluster rook-west/c", "CephBlockPool rook-west/rep3"}
    assert health_sources(pools, classes, objects, []).unknown == ("p",)


def test_the_journal_gives_what_was_before_and_in_a_window(tmp_path: Path) -> None:
    writer, reader = HealthJournal(tmp_path), HealthJournal(tmp_path)
    name, pool = "CephCluster n/c", "CephBlockPool n/p"
    assert reader.during(name, (pool,), "rbd", 0, 1) is None
    writer.begin()
    writer.says(name, OK)
    writer.says(pool, READY)
    writer.says(pgs_of(name), pgs(scrubbing=1))
    began_s = time.time()
    writer.says(name, warn("SLOW_OPS"))
    writer.says(pool, None)
    ended_s = time.time()
    time.sleep(0.01)
    writer.says(name, OK)
    found = reader.during(name, (pool,), "rbd", began_s, ended_s)
    assert found is not None
    assert [moment.state for moment in found.ceph] == [OK, warn("SLOW_OPS")]
    assert [moment.state for moment in found.pools] == [READY, None]
    assert found.ceph[0].at_s == 0.0
    assert [moment.state for moment in found.pgs] == [pgs(scrubbing=1)]
    later = reader.during(name, (), "rbd", time.time(), time.time())
    assert later is not None
    assert [moment.state for moment in later.ceph] == [OK]
    # Nobody knows any more.
    writer.says(name, None)
    assert reader.during(name, (), "rbd", time.time(), time.time()) is None
    writer.begin()
    assert reader.during(name, (), "rbd", 0, time.time()) is None

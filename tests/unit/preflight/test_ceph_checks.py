"""What the manager's metrics and the CephCluster say before a run: each state, and what it is worth."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.ceph_health_codes import EFFECTS
from pytest_odfperf.preflight.check import Check, Unread
from pytest_odfperf.preflight.storage.ceph_checks import PoolNeed, ceph, overview, used_share
from pytest_odfperf.preflight.storage.ceph_overview import CephOverview, ceph_overview
from pytest_odfperf.preflight.storage.health_steps import STEPS, level_of, next_step

GIB = 1 << 30
NEED = PoolNeed(pool="rep3", name="data", written_bytes=4 * GIB, disks_bytes=100 * GIB)


def metrics(
    pgs: dict[str, int] | None = None,
    osds: dict[str, tuple[int, int]] | None = None,
    more: str = "",
    max_avail: int = 1 << 40,
) -> CephOverview:
    """As mgr's module counts: a PG of ``active+clean`` in each of its states."""
    pgs = {"active+clean": 32} if pgs is None else pgs
    osds = {"osd.0": (1, 1), "osd.1": (1, 1), "osd.2": (1, 1)} if osds is None else osds
    counts: dict[str, int] = {}
    for states, count in pgs.items():
        for state in states.split("+"):
            counts[state] = counts.get(state, 0) + count
    lines = [f'ceph_pg_{state}{{pool_id="1"}} {count}.0' for state, count in counts.items()]
    lines += [f'ceph_pg_total{{pool_id="1"}} {sum(pgs.values())}.0', 'ceph_pg_down{pool_id="1"} 0.0']
    for osd, (up, is_in) in osds.items():
        lines += [
            f'ceph_osd_up{{ceph_daemon="{osd}"}} {up}.0',
            f'ceph_osd_in{{ceph_daemon="{osd}"}} {is_in}.0',
        ]
    lines += ['ceph_pool_metadata{pool_id="1",name="data",type="replicated"} 1.0', more]
    lines += [f'ceph_pool_max_avail{{pool_id="1"}} {float(max_avail)!r}']
    found = ceph_overview("\n".join(lines).encode())
    assert found is not None
    return found


#: As Rook counts what it runs.
RUNNING = {"metadata": {"name": "c"}, "status": {"storage": {"osd": {"storeType": {"bluestore": 2}}}}}


def checks(found: CephOverview | Unread, *needs: PoolNeed) -> dict[str, Check]:
    return {check.what.partition(" of ")[0]: check for check in overview(RUNNING, found, needs)}


def test_a_cluster_that_is_well_has_only_lines_that_are_ok() -> None:
    found = checks(metrics(), NEED)
    assert {what: check.level for what, check in found.items()} == {"OSDs": "ok", "PGs": "ok"}
    assert found["OSDs"].detail == "3 of 3 are up and in"
    assert found["PGs"].detail == "all 32 are active and clean"


@pytest.mark.parametrize(
    ("osds", "said"),
    [
        ({"osd.0": (1, 1), "osd.1": (0, 1)}, "1 of 2 are up, 2 in (osd.1 is down)"),
        ({"osd.0": (1, 0), "osd.1": (1, 1)}, "2 of 2 are up, 1 in (osd.0 is out)"),
        ({"osd.2": (0, 0), "osd.10": (1, 1)}, "1 of 2 are up, 1 in (osd.2 is down and out)"),
        ({f"osd.{n}": (0, 1) for n in range(8)}, "and 3 more)"),
        # As 16.2's manager counts after one was taken out that is down.
        ({"osd.0": (1, 1)}, "1 of 2 are up, 1 in (1 more that Rook has are down and out, or never came up)"),
    ],
)
def test_osds_that_are_not_up_or_not_in_are_a_failure(osds: Any, said: str) -> None:
    check = checks(metrics(osds=osds))["OSDs"]
    assert check.level == "FAIL"
    assert said in check.detail
    assert check.next_step


@pytest.mark.parametrize(
    ("pgs", "level", "said"),
    [
        ({"active+clean": 30, "active+clean+scrubbing+deep": 2}, "ok", "(2 scrubbing, 2 deep)"),
        ({"active+clean": 30, "active+clean+snaptrim": 2}, "ok", "(2 snaptrim)"),
        ({"active+clean": 30, "active+clean+laggy": 2}, "ok", "all 32"),
        ({"unknown": 23, "creating+peering": 9}, "FAIL", "0 of 32 are active and clean (23 unknown, 9"),
        ({"active+clean": 31, "peering": 1}, "FAIL", "HEALTH_OK does not count these"),
        ({"active+clean": 31, "stale+down": 1}, "FAIL", "some data can not be reached"),
        ({"active+clean": 31, "undersized+degraded+peered": 1}, "FAIL", "some data can not be reached"),
        ({"active+clean": 14, "active+undersized+degraded": 82}, "FAIL", "82 undersized, 82 degraded"),
        ({"active+clean": 30, "active+remapped+backfilling": 2}, "FAIL", "30 of 32"),
        ({"active+clean": 30, "active+recovery_wait+degraded": 2}, "FAIL", "copies are missing"),
        ({}, "warn", "not known"),
    ],
)  # fmt: skip
def test_pgs_are_told_from_each_other(pgs: dict[str, int], level: str, said: str) -> None:
    check = checks(metrics(pgs))["PGs"]
    assert check.level == level, check
    assert said in check.detail


STATES = ("active", "clean", "unknown", "creating", "peering", "degraded", "down", "scrubbing", "deep")


@given(
    st.dictionaries(
        st.sets(st.sampled_from(STATES), min_size=1).map("+".join), st.integers(1, 50), min_size=1
    )
)
def test_pgs_are_well_exactly_if_each_is_active_and_clean(pgs: dict[str, int]) -> None:
    well = all({"active", "clean"} <= set(states.split("+")) for states in pgs)
    assert (checks(metrics(pgs))["PGs"].level == "ok") == well


def test_recovery_is_told_with_its_rate() -> None:
    more = "ceph_num_objects_degraded 1326.0\n" + "\n".join(
        f'ceph_pool_recovering_{name}_per_sec{{pool_id="1"}} {value}'
        for name, value in (("bytes", 4e7), ("objects", 10))
    )
    check = checks(metrics(more=more))["recovery"]
    assert check.level == "warn"
    assert check.detail == "1326 objects are degraded; 10 objects and 40.0 MB a second are recovered"
    assert "recovery" not in checks(metrics())


def test_slow_requests_that_health_has_not_yet_are_told() -> None:
    assert checks(metrics(more="ceph_healthcheck_slow_ops 3.0"))["slow requests"].level == "warn"


@pytest.mark.parametrize(
    ("pgs", "max_avail", "level", "said"),
    [
        (1, 1 << 40, "warn", "has 1 PG on 3 OSDs, so one of them does all its work first"),
        (2, 1 << 40, "warn", "has 2 PGs on 3 OSDs"),
        (32, 3 * GIB, "FAIL", "3.0 GiB can be written (MAX AVAIL), and the largest group writes 4.0 GiB"),
        (32, 0, "FAIL", "0.0 GiB"),
        (32, 50 * GIB, "warn", "the data disks of the largest group are 100.0 GiB, were they full"),
    ],
)
def test_a_pool_has_room_and_pgs(pgs: int, max_avail: int, level: str, said: str) -> None:
    check = checks(metrics({"active+clean": pgs}, max_avail=max_avail), NEED)["Ceph pool data"]
    assert check.level == level
    assert said in check.detail


def test_what_can_not_be_read_and_what_is_of_other_pools_makes_no_failure() -> None:
    (check,) = checks(Unread(403, "cannot get services/proxy")).values()
    assert check.level == "warn"
    assert "services/proxy" in check.detail
    other = PoolNeed(pool="x", name="elsewhere", written_bytes=1 << 60, disks_bytes=1 << 60)
    assert {check.level for check in checks(metrics(), other).values()} == {"ok"}
    assert ceph_overview(b"# nothing\n") is None


def test_a_cluster_without_pools_has_no_pgs() -> None:
    found = ceph_overview(b'ceph_osd_up{ceph_daemon="osd.0"} 1.0\nceph_osd_in{ceph_daemon="osd.0"} 1.0\n')
    assert found is not None
    assert str(checks(found)["PGs"]) == "ok   PGs of Ceph c: there are none, since there is no pool"


def test_releases_that_do_not_count_by_pools_are_read() -> None:
    text = b"ceph_pg_total 97.0\nceph_pg_active 97.0\nceph_pg_clean 96.0\nceph_pg_degraded 1.0\n"
    found = ceph_overview(text)
    assert found is not None
    assert checks(found)["PGs"].detail.startswith("96 of 97")
    assert checks(found)["OSDs"].level == "warn"


# -- the CephCluster


def cluster(health: str, details: Any = None, **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "c"}, "status": {"ceph": {"health": health, "details": details}, **status}}


def one(health: str, severity: str = "HEALTH_WARN", **codes: str) -> Check:
    (check,) = ceph([cluster(health, {c: {"severity": severity, "message": m} for c, m in codes.items()})])
    return check


@pytest.mark.parametrize(
    ("health", "codes", "level", "said"),
    [
        ("HEALTH_WARN", {"OSD_SLOW_PING_TIME_BACK": "Slow OSD heartbeats on back"}, "FAIL", "disks can hang"),
        ("HEALTH_WARN", {"OSD_SLOW_PING_TIME_FRONT": ""}, "FAIL", "disks can hang"),
        ("HEALTH_WARN", {"SOME_NEW_CODE": "Slow OSD heartbeats on front"}, "FAIL", "disks can hang"),
        ("HEALTH_WARN", {"OSD_DOWN": "1 osds down"}, "warn", "see why the OSD is down"),
        ("HEALTH_WARN", {"PG_AVAILABILITY": "65 pgs inactive"}, "FAIL", "can not be read or written"),
        ("HEALTH_WARN", {"POOL_FULL": "1 pool full"}, "FAIL", "delete data"),
        ("HEALTH_ERR", {"OSD_FULL": "1 full osd"}, "FAIL", "writes are refused"),
        ("HEALTH_WARN", {"OSD_NEARFULL": ""}, "warn", "before it is full"),
        ("HEALTH_WARN", {"RECENT_CRASH": ""}, "warn", "ceph crash ls"),
        ("HEALTH_WARN", {"NEVER_HEARD_OF": ""}, "warn", "ceph health detail"),
        ("HEALTH_ERR", {}, "FAIL", "ceph health detail"),
        ("unknown", {}, "FAIL", "oc describe cephcluster"),
    ],
)
def test_health_by_code(health: str, codes: dict[str, str], level: str, said: str) -> None:
    check = one(health, **codes)
    assert check.level == level
    assert said in check.next_step


def test_the_worst_code_comes_first_in_what_is_to_be_done() -> None:
    check = one("HEALTH_WARN", RECENT_CRASH="", OSD_SLOW_PING_TIME_BACK="")
    assert check.level == "FAIL"
    assert check.next_step.startswith("disks can hang")


def test_a_muted_check_is_told_and_counts_only_if_a_run_would_hang() -> None:
    check = one("HEALTH_OK", RECENT_CRASH="1 crashed")
    assert (check.level, check.detail) == ("ok", "HEALTH_OK (RECENT_CRASH: 1 crashed (muted))")
    assert one("HEALTH_OK", OSD_SLOW_PING_TIME_BACK="").level == "FAIL"
    assert "(muted)" in one("HEALTH_WARN", "HEALTH_ERR", OSD_FULL="").detail


def test_an_operator_that_asks_no_more() -> None:
    found = cluster("HEALTH_OK")
    found["status"]["ceph"]["lastChecked"] = "2026-11-30T11:00:00Z"
    (check,) = ceph([found], datetime(2026, 11, 30, 12, tzinfo=UTC))
    assert check.level == "warn"
    assert "said 60 min ago" in check.detail
    assert [check.level for check in ceph([found], datetime(2026, 11, 30, 11, 5, tzinfo=UTC))] == ["ok"]


@pytest.mark.parametrize(("state", "level"), [("Connected", "ok"), ("Creating", "warn"), ("Error", "FAIL")])
def test_an_operator_that_does_not_reach_its_ceph(state: str, level: str) -> None:
    (check,) = ceph([cluster("HEALTH_OK", state=state, message="no mon quorum")])
    assert check.level == level
    assert ("no mon quorum" in check.detail) == (level != "ok")


@pytest.mark.parametrize(
    ("used", "level"), [(10, "ok"), (84, "ok"), (85, "warn"), (94, "warn"), (95, "FAIL"), (None, None)]
)
def test_how_full_it_is(used: int | None, level: str | None) -> None:
    found = {
        "metadata": {"name": "c"},
        "status": {"ceph": {"capacity": {"bytesUsed": used, "bytesTotal": 100}}},
    }
    check = used_share(found)
    assert (check.level if check else None) == level


def test_each_code_that_is_known_has_a_next_step_and_rows_are_codes() -> None:
    codes = [code.replace("*", "X") for codes in EFFECTS.values() for code in codes]
    assert all(next_step(code) for code in codes)
    assert all(level_of(code) in ("warn", "FAIL") for code in codes)
    for row in STEPS:
        assert any(next_step(code) == STEPS[row] for code in (*codes, row.replace("*", ""))), row

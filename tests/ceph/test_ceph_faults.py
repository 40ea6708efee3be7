"""Faults by command: Ceph notices each, and is well again."""

from __future__ import annotations

import json

import pytest

from pytest_odfperf.preflight.storage.ceph_checks import overview
from pytest_odfperf.preflight.storage.ceph_overview import ceph_overview

CLUSTERS = "/apis/ceph.rook.io/v1/namespaces/openshift-storage/cephclusters"

pytestmark = pytest.mark.ceph


@pytest.fixture(scope="module")
def pool(ceph_sandbox):
    ceph_sandbox.ceph("osd", "pool", "create", "disturbed", "8", "8")
    # From 17 on a pool is told of that has none, also while it is empty.
    ceph_sandbox.ceph("osd", "pool", "application", "enable", "disturbed", "rados")
    yield "disturbed"
    ceph_sandbox.ceph("osd", "pool", "delete", "disturbed", "disturbed", "--yes-i-really-really-mean-it")


def _well(ceph_sandbox) -> bool:
    return ceph_sandbox.health()["status"] == "HEALTH_OK"


def _preflight(ceph_sandbox) -> dict[str, str]:
    """What the preflight says of OSDs and PGs: the beginning of each line."""
    (cluster,) = json.loads(ceph_sandbox.call("GET", CLUSTERS))["items"]
    found = ceph_overview(ceph_sandbox.metrics().encode())
    assert found is not None
    return {
        check.what.partition(" of ")[0]: f"{check.level} {check.detail}"
        for check in overview(cluster, found, ())
    }


def test_an_osd_that_is_killed_is_down_until_it_is_started(ceph_sandbox, pool) -> None:
    assert ceph_sandbox.fault("kill", "osd.1").stdout == "osd.1: not running\n"
    ceph_sandbox.until("OSD_DOWN", lambda: "OSD_DOWN" in ceph_sandbox.health()["checks"])
    down = "FAIL 2 of 3 are up, 3 in (osd.1 is down)"
    ceph_sandbox.until("an OSD that is down", lambda: _preflight(ceph_sandbox)["OSDs"] == down)
    ceph_sandbox.until("PGs that are not clean", lambda: _preflight(ceph_sandbox)["PGs"].startswith("FAIL "))
    # One that is out as well is in no metric of the manager (16.2): Rook's number tells.
    assert ceph_sandbox.fault("out", "osd.1").returncode == 0
    ceph_sandbox.until("an OSD that is out", lambda: _preflight(ceph_sandbox)["OSDs"] != down)
    assert _preflight(ceph_sandbox)["OSDs"].startswith("FAIL 2 of 3 are up, 2 in (")
    assert ceph_sandbox.fault("in", "osd.1").returncode == 0
    assert ceph_sandbox.fault("start", "osd.1").stdout == "osd.1: runs\n"
    ceph_sandbox.until("health", lambda: _well(ceph_sandbox))


def test_an_osd_that_hangs_is_up_for_a_while_and_goes_on(ceph_sandbox, pool) -> None:
    assert ceph_sandbox.fault("hang", "osd.2").stdout == "osd.2: hangs\n"
    # Nobody has noticed yet: that is what makes it worse than a dead one.
    assert ceph_sandbox.ceph("osd", "stat")["num_up_osds"] == 3
    assert ceph_sandbox.fault("continue", "osd.2").stdout == "osd.2: runs\n"
    ceph_sandbox.until("health", lambda: _well(ceph_sandbox))


def test_an_osd_goes_out_and_in(ceph_sandbox, pool) -> None:
    assert ceph_sandbox.fault("out", "osd.0").returncode == 0
    assert ceph_sandbox.ceph("osd", "stat")["num_in_osds"] == 2
    assert ceph_sandbox.fault("in", "osd.0").returncode == 0
    assert ceph_sandbox.ceph("osd", "stat")["num_in_osds"] == 3
    ceph_sandbox.until("health", lambda: _well(ceph_sandbox))


def test_noise_is_io_of_the_pool_and_leaves_nothing(ceph_sandbox, pool) -> None:
    def writes() -> int:
        return int(ceph_sandbox.ceph("status")["pgmap"].get("write_op_per_sec", 0))

    assert (
        ceph_sandbox.fault("noise", pool, "--seconds", "60", "--writers", "2").stdout
        == f"{pool}: noise for 60 s\n"
    )
    ceph_sandbox.until("writes", lambda: writes() > 5)
    # A pool that is full takes nothing more, also of a neighbour.
    assert ceph_sandbox.fault("full", pool).returncode == 0
    ceph_sandbox.until("POOL_FULL", lambda: "POOL_FULL" in ceph_sandbox.health()["checks"])
    assert ceph_sandbox.fault("not-full", pool).returncode == 0
    ceph_sandbox.until("no POOL_FULL", lambda: "POOL_FULL" not in ceph_sandbox.health()["checks"])
    assert ceph_sandbox.fault("quiet").returncode == 0
    assert ceph_sandbox.program("rados", "-p", pool, "ls").split() == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["kill", "osd.7"], 4, "'osd.7' is not one of mgr.a, mon.a, osd.0, osd.1, osd.2"),
        (["kill", "osd.0; reboot"], 4, "is not a daemon (osd.0, mgr.a, mon.a)"),
        (["out", "mgr.a"], 4, "'mgr.a' is not an OSD (osd.0)"),
        (["full", "nowhere"], 1, "unrecognized pool 'nowhere'"),
        (["noise", "nowhere"], 1, "unrecognized pool 'nowhere'"),
        (["full-ratio", "2"], 4, "2.0 is more than 1"),
        (["quiet", "all"], 4, "ceph-fault quiet: takes nothing"),
        (["kill"], 4, "ceph-fault kill: takes a daemon"),
    ],
)
def test_what_can_not_be_done_is_one_line(ceph_sandbox, arguments, code, said) -> None:
    done = ceph_sandbox.fault(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1

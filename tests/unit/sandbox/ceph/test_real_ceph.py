"""A real Ceph, as far as it needs no processes: settings, commands, words, faults, its metrics."""

from __future__ import annotations

import asyncio
import base64
import configparser
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from pytest_odfperf.errors import InputError
from pytest_odfperf.sandbox.api.objects.paths import place_of
from pytest_odfperf.sandbox.api.objects.status import StatusError
from pytest_odfperf.sandbox.api.requests.passed_on.service_proxy import service_proxy
from pytest_odfperf.sandbox.ceph.ceph import PoolWanted
from pytest_odfperf.sandbox.ceph.osd_tree import dealt_out
from pytest_odfperf.sandbox.ceph.real.ceph_conf import ClusterFiles, conf_text, new_key
from pytest_odfperf.sandbox.ceph.real.ceph_programs import CephPrograms, check_room, find_programs
from pytest_odfperf.sandbox.ceph.real.daemon import last_words
from pytest_odfperf.sandbox.ceph.real.image_commands import said
from pytest_odfperf.sandbox.ceph.real.manager_python import manager_environment
from pytest_odfperf.sandbox.ceph.real.pool_commands import change_commands, create_commands, usual_pg_num
from pytest_odfperf.sandbox.config.ceph_faults import FAULTS, read_fault
from pytest_odfperf.sandbox.config.config_values import NodeConfig, RealCephConfig
from pytest_odfperf.sandbox.image.tools import system_packages

PROGRAMS = CephPrograms(
    version="18.2.7-0",
    mon="mon",
    monmaptool="monmaptool",
    mgr="mgr",
    osd="osd",
    mds="mds",
    rbd="rbd",
    rados="rados",
    class_dir=Path("/usr/lib/x86_64-linux-gnu/rados-classes"),
    erasure_code_dir=None,
)


def conf(config: RealCephConfig) -> configparser.ConfigParser:
    nodes = [NodeConfig(name="a", labels={"topology.kubernetes.io/zone": "z"}), NodeConfig(name="b")]
    osds = dealt_out(config.osds, config.osd_size_bytes, ["ssd"], nodes)
    text = conf_text(
        ClusterFiles(directory=Path("/s/ceph")), PROGRAMS, config, fsid="f", mon_port=3301, osds=osds
    )
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    return parser


def test_the_settings_that_one_machine_needs_are_there_and_a_users_win() -> None:
    found = conf(RealCephConfig(osds=3, osd_size_bytes=5 << 30, settings={"mgr_stats_period": "5"}))
    common = found["global"]
    # Debian's 18.2 and 20.2 have a relative default: no image could be made.
    assert common["osd_class_dir"].startswith("/")
    # Else a hung OSD is never told: reporters are counted by host, and there is one.
    assert common["mon_osd_reporter_subtree_level"] == "osd"
    assert common["osd_pool_default_pg_autoscale_mode"] == "off"
    assert common["bluestore_block_size"] == str(5 << 30)
    assert common["auth_client_required"] == "cephx"
    assert common["admin_socket"] == ""
    assert common["mgr_stats_period"] == "5"
    assert all(
        value.startswith(("/s/ceph", "v2:127.0.0.1"))
        for name, value in common.items()
        if "/" in value and "usr" not in value
    )
    assert found["osd.0"]["crush_location"] == "host=a root=default zone=z"
    assert found["osd.1"]["crush_location"] == "host=b root=default"
    assert found["osd.2"]["crush_location"] == "host=a root=default zone=z"


def test_one_osd_is_no_warning_of_itself() -> None:
    # From 17 on the manager has a pool of its own: of one copy, where there is one OSD.
    unwarned = "mon_warn_on_pool_no_redundancy"
    assert conf(RealCephConfig(osds=1))["global"][unwarned] == "false"
    assert unwarned not in conf(RealCephConfig(osds=2))["global"]


@pytest.mark.parametrize("others", [None, "/a:/b"])
def test_the_manager_finds_stand_ins_before_what_it_can_not_load(
    others: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As Debian 13's mgr_util does, at its head: without it there are no metrics, and no witness.
    if others is None:
        monkeypatch.delenv("PYTHONPATH", raising=False)
    else:
        monkeypatch.setenv("PYTHONPATH", others)
    made = manager_environment(tmp_path / "python")
    folder = tmp_path / "python"
    assert made["PYTHONPATH"].split(":") == [str(folder), *(others or "").split(":")][: 3 if others else 1]
    # Nor does it leave anything in the system's folders.
    assert made["PYTHONDONTWRITEBYTECODE"] == "1"
    said = subprocess.run(
        [sys.executable, "-S", "-c", "import bcrypt; print(bcrypt.__file__)"],
        env=made,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert said.stdout.strip() == str(folder / "bcrypt.py")


@pytest.mark.parametrize(
    ("lacking", "asked", "said"),
    [
        *(
            (name, {}, package)
            for name, package in system_packages("ceph_packages.txt").items()
            if name != "ceph-mds"
        ),
        ("ceph-mds", {"filesystems": True}, "ceph-mds"),
        ("ceph-mds", {}, None),
    ],
)
def test_each_program_that_is_not_there_is_told_with_its_package(
    lacking: str, asked: dict[str, bool], said: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in system_packages("ceph_packages.txt"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\necho ceph version 19.2.3 squid\n")
        program.chmod(0o700)
    (tmp_path / lacking).unlink()
    monkeypatch.setattr("pytest_odfperf.sandbox.image.tools._SEARCH", str(tmp_path))
    if said is None:
        found = asyncio.run(find_programs("sandbox.ceph", qemu=False, **asked))
        assert (found.version, found.mds) == ("19.2.3-0", None)
        return
    with pytest.raises(InputError) as caught:
        asyncio.run(find_programs("sandbox.ceph", qemu=False, **asked))
    assert str(caught.value) == (
        f"sandbox.ceph.real: a real Ceph needs the Debian packages {said}: "
        "tools/install-system-packages --ceph"
    )


def test_a_key_is_one_of_cephx() -> None:
    raw = base64.b64decode(new_key())
    assert (raw[:2], raw[10:12], len(raw)) == (b"\1\0", b"\x10\0", 28)
    assert new_key() != new_key()


def test_a_pool_is_made_with_its_number_of_placement_groups() -> None:
    three = list(create_commands(PoolWanted(name="p", failure_domain="zone", device_class="ssd"), osds=3))
    assert three[0] == (
        "osd crush rule create-replicated",
        {"name": "p", "root": "default", "type": "zone", "class": "ssd"},
    )
    made = dict(three)["osd pool create"]
    assert (made["pg_num"], made["pgp_num"], made["rule"]) == (32, 32, "p")
    coded = PoolWanted(name="e", replicas=None, coding=(2, 1), pg_num=16)
    commands = list(create_commands(coded, osds=3))
    assert commands[0][1]["profile"] == ["k=2", "m=1", "crush-failure-domain=host"]
    assert commands[1][1]["pg_num"] == 16
    assert ("osd pool set", {"pool": "e", "var": "allow_ec_overwrites", "val": "true"}) in commands
    for osds in range(1, 13):
        for copies in (1, 2, 3):
            count = usual_pg_num(PoolWanted(name="p", replicas=copies), osds)
            assert 8 <= count <= 128
            assert count & (count - 1) == 0


def test_one_copy_is_asked_for_twice_only_if_it_is_meant() -> None:
    sizes = {
        safe: [
            a
            for p, a in create_commands(PoolWanted(name="p", replicas=1, require_safe_size=safe), 3)
            if a.get("var") == "size"
        ]
        for safe in (True, False)
    }
    assert "yes_i_really_mean_it" not in sizes[True][0]
    assert sizes[False][0]["yes_i_really_mean_it"] is True


def test_a_pool_is_changed_where_it_differs_and_not_otherwise() -> None:
    before = PoolWanted(name="p", quota_bytes=1 << 30, compression="aggressive")
    assert list(change_commands(before, before)) == []
    after = PoolWanted(name="p", replicas=2)
    changed = list(change_commands(after, before))
    assert ("osd pool set", {"pool": "p", "var": "size", "val": "2"}) in changed
    assert ("osd pool set-quota", {"pool": "p", "field": "max_bytes", "val": "0"}) in changed


def test_words_of_rbd_are_without_the_heads_of_log_lines() -> None:
    text = (
        "2026-11-30T12:30:00.123+0000 7f0a -1 librbd: data pool missing required overwrite support\n"
        "rbd: create error: (22) Invalid argument\n"
    )
    assert (
        said(text)
        == "librbd: data pool missing required overwrite support; create error: (22) Invalid argument"
    )
    assert said("\n") == "no word"


def test_last_words_of_a_daemon_are_why_it_ended() -> None:
    assert last_words("one\ntwo\n\nthree\nfour\n") == "two; three; four"
    crash = (
        "noise\nterminate called\n  what():  Permission denied\n*** Caught signal (Aborted) **\n 1: main()\n"
    )
    assert last_words(crash) == "noise; terminate called; what():  Permission denied"
    assert last_words("*** Caught signal (Aborted) **\n 1: main()\n").endswith("1: main()")
    assert last_words("") == ""


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"kind": "explode"}, "ceph-fault.kind: 'explode' is not one of kill, hang, "),
        ({"kind": "kill"}, "ceph-fault.daemon: '' is not a text"),
        ({"kind": "kill", "daemon": "osd.1\n"}, "is not a daemon (osd.0, mgr.a, mon.a)"),
        ({"kind": "out", "daemon": "mon.a"}, "'mon.a' is not an OSD (osd.0)"),
        ({"kind": "full-ratio", "ratio": 1.5}, "1.5 is more than 1"),
        ({"kind": "full-ratio", "ratio": float("nan")}, "ceph-fault.ratio: nan is not a number"),
        ({"kind": "noise", "pool": "p", "block": "1Ti"}, "is not from 512 to 64Mi"),
        ({"kind": "noise", "pool": "p", "seconds": 0}, "ceph-fault.seconds: 0 is not a whole number"),
        ({"kind": "quiet", "pool": "p"}, "unknown name 'pool'"),
        ([], "ceph-fault: [] is not a mapping"),
    ],
)
def test_a_fault_that_can_not_be_is_one_line(raw: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_fault(raw)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_each_fault_is_read_with_what_it_is_done_to() -> None:
    values = {"daemon": "osd.3", "pool": "p", "ratio": 0.5}
    for kind, (of, _) in FAULTS.items():
        fault = read_fault({"kind": kind, **({of: values[of]} if of else {})})
        assert (fault.kind, getattr(fault, of, None)) == (kind, values.get(of))


@pytest.mark.parametrize(
    ("osds", "osd_gib", "free_gib", "remedies"),
    [
        (3, 10, 31, None),
        (3, 10, 30, "an osd_size of at most 9Gi, at most 2 osds, another folder (--state, or TMPDIR)"),
        # Less than an OSD needs is no remedy.
        (3, 10, 9, "another folder (--state, or TMPDIR)"),
        (3, 5, 9, "at most 1 osds, another folder (--state, or TMPDIR)"),
        (1, 3, 4, None),
        (1, 3, 3, "another folder (--state, or TMPDIR)"),
        (1, 3, 0, "another folder (--state, or TMPDIR)"),
        (1, 10, 8, "an osd_size of at most 7Gi, another folder (--state, or TMPDIR)"),
    ],
)
def test_too_little_room_names_what_would_do(
    osds: int, osd_gib: int, free_gib: int, remedies: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free_gib << 30))
    look = check_room(Path("/s"), osds, osd_gib << 30, "sandbox.ceph")
    if remedies is None:
        asyncio.run(look)
        return
    with pytest.raises(InputError) as caught:
        asyncio.run(look)
    assert str(caught.value).startswith("sandbox.ceph.osd_size: ")
    assert str(caught.value).endswith(f" free: {remedies}")


def test_a_service_answers_with_what_is_said_at_that_moment(tmp_path: Path) -> None:
    place = place_of("/api/v1/namespaces/n/services/http:mgr:http-metrics/proxy/metrics")
    assert place is not None
    count = iter(range(9))

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=f"now {next(count)}\n")

    async def ask() -> list[str]:
        app = web.Application()
        app.router.add_get("/metrics", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        (tmp_path / "n.mgr.metrics.address").write_text(f"http://127.0.0.1:{runner.addresses[0][1]}/metrics")
        texts = [str((await service_proxy(place, tmp_path)).text) for _ in range(2)]
        await runner.cleanup()
        with pytest.raises(StatusError, match="error trying to reach service"):
            await service_proxy(place, tmp_path)
        return texts

    assert asyncio.run(ask()) == ["now 0\n", "now 1\n"]

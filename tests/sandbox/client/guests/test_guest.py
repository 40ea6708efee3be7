"""Guests over SSH through the API server: jobs, results, lost connections, wrong keys."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from typing import Any

import pytest

from pytest_odfperf.errors import GuestError, InterruptedRunError
from pytest_odfperf.guest.all_guests import connect_all, run_on_all
from pytest_odfperf.guest.guest import Guest
from pytest_odfperf.guest.ssh_keys import new_key_pair
from pytest_odfperf.measure.witness import read_witness

LIMITS: Any = {"deadline_s": 60, "prepare_s": 60}


def test_all_guests_run_the_baked_job_and_then_others_over_one_connection_each(bench: Any, job: Any) -> None:
    guests = bench.connected(vms=3)
    first = run_on_all(guests, b"", "t-1", stop=bench.stop, **LIMITS)
    second = run_on_all(guests, job(block_size="64k").text.encode(), "t-2", stop=bench.stop, **LIMITS)
    assert list(first) == list(second) == [guest.name for guest in guests]
    for runs, block_size in ((first, "4k"), (second, "64k")):
        for run in runs.values():
            assert run.exit_code == 0
            assert not run.timed_out
            assert run.started_clock_ns < run.ended_clock_ns
            assert json.loads(run.fio_json)["global options"]["bs"] == block_size
    assert [guest.handshakes for guest in guests] == [1, 1, 1]


def test_a_guest_says_what_it_is(bench: Any) -> None:
    (guest,) = bench.connected()
    assert guest.facts["marking"] == "SIMULATED"
    assert guest.facts["hostname"] == guest.name
    assert guest.facts["boot_id"]


def test_guests_start_together(bench: Any) -> None:
    guests = bench.connected(vms=4)
    runs = run_on_all(guests, b"", "t-1", stop=bench.stop, **LIMITS)
    times = [run.common for run in runs.values()]
    started = [one.started_epoch_ns for one in times]
    assert max(started) - min(started) < 1e9
    # One machine's clocks: what is measured of them is true within what is said of it.
    assert all(abs(one.clock_offset_ms) <= one.clock_uncertainty_ms + 1 for one in times)
    assert all(0 <= one.late_ms < 1000 for one in times)


def test_a_guest_that_begins_late_is_known_to(bench: Any) -> None:
    guests = bench.connected("late", vms=2)
    runs = run_on_all(guests, b"", "t-1", stop=bench.stop, **LIMITS)
    late = {run.name[-1]: run.common.late_ms for run in runs.values()}
    assert late["1"] < 1000
    assert 30_000 <= late["2"] < 31_000
    started = sorted(run.common.started_epoch_ns for run in runs.values())
    assert (started[1] - started[0]) / 1e9 == pytest.approx(30, abs=1)


def test_what_a_guest_says_of_its_clock_and_its_disk_comes_along(bench: Any) -> None:
    (guest,) = bench.connected("liar")
    (run,) = run_on_all([guest], b"", "t-1", stop=bench.stop, **LIMITS).values()
    assert run.common.clock_offset_ms == pytest.approx(-40_000, abs=run.common.clock_uncertainty_ms + 100)
    seen = read_witness(run.witness)
    assert seen.work is not None
    assert (seen.work.read_bytes, seen.swapped_pages) == (0, 7)
    # Over one connection and one command, however many jobs.
    (again,) = run_on_all([guest], b"", "t-2", stop=bench.stop, **LIMITS).values()
    assert again.common.late_ms < 1000


def test_a_connection_that_is_lost_while_fio_runs_loses_nothing(bench: Any) -> None:
    (guest,) = bench.connected("cut")
    (run,) = run_on_all([guest], b"", "t-1", stop=bench.stop, **LIMITS).values()
    assert run.exit_code == 0
    assert run.reconnects == 1
    assert json.loads(run.fio_json)["jobs"]
    assert guest.handshakes == 2


def test_a_guest_that_dies_while_fio_runs_is_named(bench: Any) -> None:
    (guest,) = bench.connected("crash")
    (error,) = run_on_all([guest], b"", "t-1", stop=bench.stop, **LIMITS).values()
    assert isinstance(error, GuestError)
    assert guest.name in str(error)


def test_one_guests_failure_does_not_hide_the_others_results(bench: Any) -> None:
    guests = bench.connected("one-bad", vms=3)
    runs = run_on_all(guests, b"", "t-1", stop=bench.stop, **LIMITS)
    good, bad, other = (runs[guest.name] for guest in guests)
    assert isinstance(bad, GuestError)
    assert "not_mounted" in str(bad)
    assert good.exit_code == other.exit_code == 0


@pytest.mark.parametrize(("pool", "words"), [("no-disk", "not_mounted"), ("no-fio", "fio_missing")])
def test_what_a_guest_lacks_is_said_before_the_start(bench: Any, pool: str, words: str) -> None:
    (guest,) = bench.connected(pool)
    (error,) = run_on_all([guest], b"", "t-1", stop=bench.stop, **LIMITS).values()
    assert isinstance(error, GuestError)
    assert words in str(error)


def test_fio_that_fails_is_a_result_with_its_exit_code(bench: Any) -> None:
    (guest,) = bench.connected("fails")
    (run,) = run_on_all([guest], b"", "t-1", stop=bench.stop, **LIMITS).values()
    assert run.exit_code == 1


def test_fio_that_does_not_end_is_killed_by_the_guest_at_its_deadline(bench: Any) -> None:
    (guest,) = bench.connected("slow")
    runs = run_on_all([guest], b"", "t-1", 100, bench.stop, prepare_s=60)
    (run,) = runs.values()
    assert run.timed_out
    assert run.exit_code == 124


def test_an_interrupt_ends_the_wait_for_fio_at_once(bench: Any, job: Any) -> None:
    guests = bench.connected("slow", vms=2)
    threading.Timer(0.5, bench.stop.set).start()
    began = time.monotonic()
    with pytest.raises(InterruptedRunError):
        run_on_all(guests, job(runtime_s=3600).text.encode(), "t-1", 7200, bench.stop, prepare_s=60)
    assert time.monotonic() - began < 30


def test_a_guest_without_the_script_is_refused_when_it_is_connected(bench: Any) -> None:
    with pytest.raises(GuestError, match="not JSON"):
        bench.connected("no-guest")


def test_a_guest_whose_ssh_never_answers_ends_the_wait_with_its_last_state(bench: Any) -> None:
    with pytest.raises(GuestError, match=r"SSH did not answer within 2 s; last state: .*tunnel to port 22"):
        bench.connected("no-ssh", ssh_s=2)


def test_another_host_key_is_refused_at_once(bench: Any) -> None:
    (vm,) = bench.group().vms
    impostor = dataclasses.replace(vm, host_key_public=new_key_pair().public)
    began = time.monotonic()
    with pytest.raises(GuestError, match="the host key is not the one that was injected"):
        Guest.connect(bench.cluster, impostor, bench.keys.private, ssh_s=120, stop=bench.stop)
    assert time.monotonic() - began < 60


def test_another_client_key_is_refused_until_the_deadline(bench: Any) -> None:
    (vm,) = bench.group().vms
    with pytest.raises(GuestError, match="refuses user 'cloud-user'"):
        Guest.connect(bench.cluster, vm, new_key_pair().private, ssh_s=1.5, stop=bench.stop)


def test_all_guests_or_none_are_connected(bench: Any) -> None:
    vms = bench.group(vms=2).vms
    impostor = dataclasses.replace(vms[1], host_key_public=new_key_pair().public)
    before = set(threading.enumerate())
    with pytest.raises(GuestError, match=vms[1].name):
        connect_all(bench.cluster, [vms[0], impostor], bench.keys.private, ssh_s=20, stop=bench.stop)
    deadline = time.monotonic() + 60
    while new := set(threading.enumerate()) - before:
        assert time.monotonic() < deadline, new
        time.sleep(0.05)


def test_a_token_that_the_guest_does_not_know_is_an_error(bench: Any) -> None:
    (guest,) = bench.connected()
    guest.prepare(b"", "t-1", deadline_s=60, prepare_s=60)
    guest._token = "never-started"
    guest._exchange = None
    with pytest.raises(GuestError, match="unknown_job"):
        guest.finish(deadline_s=60)


@pytest.mark.parametrize("token", ["", "a b", "x;reboot", "ü", "a" * 200])
def test_a_token_that_a_shell_could_take_for_more_is_refused(bench: Any, token: str) -> None:
    (guest,) = bench.connected()
    with pytest.raises(ValueError, match="letters, digits"):
        guest.prepare(b"", token, deadline_s=60, prepare_s=60)

"""What guests and their connections do in the middle of a job: each has its treatment and its reason."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import Any

import pytest

from pytest_odfperf.errors import GuestError
from pytest_odfperf.guest import connection
from pytest_odfperf.guest.all_guests import run_on_all

LIMITS: Any = {"deadline_s": 60, "prepare_s": 60}


def run(bench: Any, guest: Any, token: str = "t-1") -> Any:
    (outcome,) = run_on_all([guest], b"", token, stop=bench.stop, **LIMITS).values()
    return outcome


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_BOOT_BANNER_S", 0.2)
    monkeypatch.setattr(connection, "_STEP_S", 0.2)


def test_ssh_that_is_refused_after_the_boot_is_awaited(bench: Any) -> None:
    (guest,) = bench.connected("refused")
    assert guest.handshakes == 1


@pytest.mark.usefixtures("impatient")
def test_a_guest_that_is_slow_is_let_in_by_attempts_that_get_longer(bench: Any) -> None:
    # Its banner takes a second, and the first attempts get 0.2 s: all of them would fail for ever.
    (guest,) = bench.connected("silent", ssh_s=60)
    assert run(bench, guest).exit_code == 0


@pytest.mark.usefixtures("impatient")
def test_a_port_that_takes_connections_and_never_answers_is_told_from_one_that_refuses(bench: Any) -> None:
    with pytest.raises(GuestError, match=r"SSH did not answer within 2 s; last state: .*banner") as raised:
        bench.connected("half-open", ssh_s=2)
    assert raised.value.reason == "ssh"


def test_a_tunnel_that_ends_without_a_word_while_fio_runs_loses_nothing(bench: Any) -> None:
    # What clients of KubeVirt see as "close 1006 (abnormal closure): unexpected EOF".
    (guest,) = bench.connected()
    websocket = guest._connection._tunnel._websocket
    guest.prepare(b"", "t-1", **LIMITS)
    guest.go()
    deadline = time.monotonic() + 20
    while not guest._exchange._channel.recv_ready():  # that fio was started
        assert time.monotonic() < deadline
        time.sleep(0.01)
    websocket.sock.shutdown(socket.SHUT_RDWR)
    outcome = guest.finish(deadline_s=60)
    assert outcome.exit_code == 0
    assert outcome.reconnects == 1
    assert json.loads(outcome.fio_json)["jobs"]


def test_a_connection_that_is_lost_before_the_start_costs_nobody_the_job(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = bench.connected(vms=2)
    prepare = first.prepare

    def prepare_and_lose(*arguments: Any, **options: Any) -> None:
        prepare(*arguments, **options)
        first._connection._tunnel.cut()
        deadline = time.monotonic() + 20
        while first.ready:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    monkeypatch.setattr(first, "prepare", prepare_and_lose)
    runs = run_on_all([first, second], b"", "t-1", stop=bench.stop, **LIMITS)
    assert [outcome.exit_code for outcome in runs.values()] == [0, 0]
    assert (first.handshakes, second.handshakes) == (2, 1)


def test_a_reboot_while_fio_runs_voids_the_job(bench: Any) -> None:
    (guest,) = bench.connected("reboot")
    error = run(bench, guest)
    assert isinstance(error, GuestError)
    assert error.reason == "rebooted"
    assert error.lost
    assert f"boot id {guest.boot_id} became" in str(error)
    # Nor is the guest taken for the one that was met, later.
    again = run(bench, guest, "t-2")
    assert isinstance(again, GuestError)
    assert again.reason == "rebooted"
    assert "before its job" in str(again)


def test_a_guest_that_does_not_come_back_is_given_up_with_both_causes(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (guest,) = bench.connected("away", ssh_s=3)
    # As long as the API server may be away, too.
    monkeypatch.setattr(bench.cluster, "outage_s", 3.0)
    error = run(bench, guest)
    assert isinstance(error, GuestError)
    assert error.reason == "connection"
    assert "the connection was lost" in str(error)
    assert "connection refused" in str(error)


def test_a_guest_that_died_is_given_up_as_soon_as_the_api_says_so(bench: Any) -> None:
    (guest,) = bench.connected("crash", ssh_s=120)
    began = time.monotonic()
    error = run(bench, guest)
    assert time.monotonic() - began < 60
    assert isinstance(error, GuestError)
    assert error.reason == "gone"
    # Or seen between two instances.
    assert any(one in str(error) for one in ("simulated crash", "it was restarted", "its instance is gone"))


@pytest.mark.parametrize(("pool", "jump_s"), [("clock", 3600), ("clock-back", -86400)])
def test_a_clock_that_is_set_while_fio_runs_is_noticed(bench: Any, pool: str, jump_s: float) -> None:
    (guest,) = bench.connected(pool)
    outcome = run(bench, guest)
    assert outcome.exit_code == 0
    assert outcome.clock_jump_s == pytest.approx(jump_s, abs=1)
    assert 0 <= outcome.ran_s < 60


def test_a_clock_that_is_not_set_has_no_jump(bench: Any) -> None:
    (guest,) = bench.connected()
    assert run(bench, guest).clock_jump_s == 0


@pytest.mark.parametrize("what", ["text", "line", "endless", "token", "size"])
def test_a_guest_that_talks_nonsense_is_given_up(bench: Any, what: str) -> None:
    (guest,) = bench.connected(f"says-{what}")
    before = set(threading.enumerate())
    error = run(bench, guest)
    assert isinstance(error, GuestError)
    assert error.reason == "protocol"
    assert len(str(error)) < 600
    deadline = time.monotonic() + 60
    while new := set(threading.enumerate()) - before:
        assert time.monotonic() < deadline, new
        time.sleep(0.01)


def test_a_migration_is_a_note_and_no_loss(bench: Any) -> None:
    (guest,) = bench.connected("migrate")
    (group,) = bench.groups
    source = group.vms[0].node
    assert run(bench, guest).exit_code == 0
    deadline = time.monotonic() + 20
    while not (changes := group.changes()).moved:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert changes.lost == {}
    ((name, (left, reached)),) = changes.moved.items()
    assert name == guest.name
    assert left == source
    assert reached == group.vms[0].node != source
    assert group.changes().moved == {}

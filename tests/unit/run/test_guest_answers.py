"""The exchange with a guest, whatever the guest says and however the network cuts it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paramiko import SSHException

from pytest_odfperf.errors import GuestError
from pytest_odfperf.guest import exchange as exchange_module
from pytest_odfperf.guest.answers import (
    GuestRun,
    Ready,
    join_logs,
    read_clock,
    read_ready,
    read_result,
    split_logs,
)
from pytest_odfperf.guest.exchange import ConnectionLostError, Exchange
from pytest_odfperf.waiting import Deadline, Stop

BOOT = "0b8f1c2e-5a8d-4c55-9d3f-1c2b3a4d5e6f"


class Channel:
    """As paramiko's, as far as `Exchange` reads it: hands out chunks, then the end of the command."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks: Iterator[bytes] = iter(chunks)
        self._left = b""
        self.taken = 0
        self.exit_status = 0
        self.status_event = threading.Event()
        self.status_event.set()

    def settimeout(self, seconds: float) -> None:
        pass

    def recv(self, size: int) -> bytes:
        while not self._left:
            try:
                self._left = next(self._chunks)
            except StopIteration:
                return b""
        piece, self._left = self._left[:size], self._left[size:]
        self.taken += len(piece)
        return piece

    def recv_stderr_ready(self) -> bool:
        return False


def exchange(*chunks: bytes) -> Exchange:
    return Exchange("g", Channel(chunks), Stop())  # type: ignore[arg-type]


def result(source: Exchange, token: str = "t") -> GuestRun:
    return read_result("g", source, token, Deadline("results", 30))


def ended(
    epoch_ns: int = 10**18,
    last_epoch_ns: int = 10**18 + 2 * 10**9,
    clock: str = "10 10 2000000010",
    last: int = 2 * 10**9 + 10,
) -> bytes:
    return f"ended t 0 0 {epoch_ns} {clock} {last_epoch_ns} {last} {BOOT}\n".encode()


def files(fio_json: bytes = b"{}\n", fio_log: bytes = b"", logs: bytes = b"", witness: bytes = b"") -> bytes:
    parts = ((b"fio.json", fio_json), (b"fio.log", fio_log), (b"fio-logs", logs), (b"witness", witness))
    return b"".join(b"file %s %d\n%s" % (name, len(text), text) for name, text in parts) + b"end t\n"


LOGS = {"a_bw.1.log": b"1, 2, 0\n", "empty.log": b"", "z.log": b"no line end"}
WHOLE = (
    b"started t 5\n" + ended() + files(b"x" * 300, b"end t\nfile fio.log 3\n", join_logs(LOGS), b"before\n")
)


@given(st.lists(st.integers(0, len(WHOLE)), max_size=30))
def test_where_the_network_cuts_it_makes_no_difference(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(WHOLE)]
    run = result(exchange(*(WHOLE[a:b] for a, b in pairwise(edges))))
    assert run == result(exchange(WHOLE))
    assert (run.fio_json, run.fio_log) == (b"x" * 300, b"end t\nfile fio.log 3\n")
    assert run.fio_logs == LOGS
    assert (run.told_clock_ns, run.ran_s, run.boot_id) == (5, 2.0, BOOT)
    assert run.witness == b"before\n"


@given(st.integers(0, len(WHOLE) - 1))
def test_an_answer_that_ends_early_is_a_lost_connection_and_no_result(cut: int) -> None:
    with pytest.raises(ConnectionLostError):
        result(exchange(WHOLE[:cut]))


PIECES = st.sampled_from(
    [
        b"ended t ",
        b"started t ",
        b"file fio.json ",
        b"file fio.log ",
        b"end t\n",
        b"error ",
        b"\n",
        b" ",
        b"-1",
    ]
)


@given(
    st.lists(PIECES | st.binary(max_size=20) | st.integers(-5, 2**70).map(lambda n: b"%d" % n), max_size=40)
)
def test_garbage_is_a_guest_error_or_a_lost_connection(pieces: list[bytes]) -> None:
    with pytest.raises((GuestError, ConnectionLostError)) as raised:
        result(exchange(*pieces))
    assert len(str(raised.value)) < 1200
    assert "\n" not in str(raised.value)


@given(at=st.integers(0, len(WHOLE) - 1), by=st.integers(1, 255))
def test_a_flipped_byte_is_an_error_or_a_result_of_this_job(at: int, by: int) -> None:
    flipped = bytearray(WHOLE)
    flipped[at] ^= by
    try:
        run = result(exchange(bytes(flipped)))
    except (GuestError, ConnectionLostError):
        return
    assert run.ran_s >= 0
    assert run.started_clock_ns >= 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"ended other 0 0 1 2 3 4 5 6 " + BOOT.encode() + b"\n", "where 'ended t' was due"),
        (b"ended t 0 0 -1 2 3 4 5 6 " + BOOT.encode() + b"\n", "answered '-1' where a number was due"),
        (b"ended t 0 0 1 2 3 4 5 6\n", "where 'ended t' was due"),
        (b"ended t 0 0 1 2 3 4 5 6 ../../etc\n", "where its boot id was due"),
        (ended() + b"file fio.json -5\n", "answered '-5' where a number was due"),
        (ended() + b"file fio.json 99999999999\n", "announces a file of 99999999999 bytes"),
        (ended() + b"file ../../x 1\n", "where 'file fio.json' was due"),
        (ended() + b"file fio.log 0\n", "where 'file fio.json' was due"),
        (ended(clock="10 300 100") + files(), "ended before it began"),
        (ended(clock="400 300 500") + files(), "ended before it began"),
        (ended(clock="10 10 20", last=19) + files(), "ended before it began"),
        (b"\x1b[31m\xff\xfe Segmentation fault\n", "where 'ended t' was due"),
        (b"error not_mounted it is gone\n", "not_mounted: it is gone"),
        (b"error\n", "answered 'error' where"),
    ],
)
def test_an_answer_out_of_order_is_quoted(text: bytes, said: str) -> None:
    with pytest.raises(GuestError) as raised:
        result(exchange(text, files()))
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("code", "reason", "lost"),
    [
        ("not_mounted", "wrong_device", False),
        ("fio_missing", "missing_dependency", False),
        ("unknown_job", "not_started", False),
        ("brand_new", "protocol", True),
    ],
)
def test_what_a_guest_says_of_itself_has_a_reason(code: str, reason: str, lost: bool) -> None:
    with pytest.raises(GuestError) as raised:
        result(exchange(f"error {code} words\n".encode()))
    assert (raised.value.reason, raised.value.lost) == (reason, lost)


def test_a_line_without_end_is_given_up_early() -> None:
    channel = Channel(b"x" * 65536 for _ in range(10_000))
    with pytest.raises(GuestError, match="not an answer of the guest script"):
        result(Exchange("g", channel, Stop()))  # type: ignore[arg-type]
    assert channel.taken <= 2 * 65536


def test_lines_without_end_are_given_up_early() -> None:
    channel = Channel(b"spam\n" * 1000 for _ in range(10_000))
    with pytest.raises(GuestError):
        result(Exchange("g", channel, Stop()))  # type: ignore[arg-type]
    assert channel.taken <= 2 * 65536


def test_facts_without_end_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange_module, "_LARGEST_TEXT", 1 << 17)
    channel = Channel(b"x" * 65536 for _ in range(10_000))
    source = Exchange("g", channel, Stop())  # type: ignore[arg-type]
    with pytest.raises(GuestError, match="says more than"):
        source.rest(Deadline("facts", 30), "")
    assert channel.taken <= 1 << 18


@given(jump_s=st.floats(-1e6, 1e6), steady_ns=st.integers(0, 10**14))
def test_a_clock_that_was_set_is_told_from_one_that_was_not(jump_s: float, steady_ns: int) -> None:
    last_ns = 10**18 + steady_ns + int(jump_s * 1e9)
    text = ended(10**18, last_ns, f"100 100 {100 + steady_ns // 2}", last=100 + steady_ns)
    run = result(exchange(text, files()))
    assert run.ran_s == (steady_ns // 2) / 1e9
    limit_s = 1 + steady_ns / 1e12
    if abs(jump_s) > limit_s + 0.01:
        assert run.clock_jump_s == pytest.approx(jump_s, abs=0.01)
    elif abs(jump_s) < limit_s - 0.01:
        assert run.clock_jump_s == 0


def test_ready_tells_the_boot_and_the_clock() -> None:
    deadline = Deadline("ready", 5)
    ready = read_ready("g", exchange(f"ready t {BOOT} 7 9\n".encode()), "t", deadline)
    assert ready == Ready(BOOT, 7, 9)
    assert read_clock("g", exchange(b"clock 12\n"), deadline) == 12


@pytest.mark.parametrize(
    "text", ["ready t", f"ready t {BOOT}", f"ready t {BOOT} 7 x", f"ready t {BOOT} 7 -9"]
)
def test_a_guest_that_does_not_tell_its_clock_is_not_ready(text: str) -> None:
    with pytest.raises(GuestError):
        read_ready("g", exchange(f"{text}\n".encode()), "t", Deadline("ready", 5))
    with pytest.raises(GuestError):
        read_clock("g", exchange(f"{text}\n".encode()), Deadline("clock", 5))


def test_a_silent_guest_ends_at_the_deadline_with_what_was_awaited() -> None:
    class Silent(Channel):
        def recv(self, size: int) -> bytes:
            raise TimeoutError

    source: Any = Exchange("g", Silent(()), Stop())  # type: ignore[arg-type]
    with pytest.raises(Exception, match=r"waited 0 s for the results; last state: fio runs"):
        read_result("g", source, "t", Deadline("the results", 0.01))


@given(st.dictionaries(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,30}", fullmatch=True), st.binary()))
def test_log_files_come_out_of_their_bundle_as_they_went_in(logs: dict[str, bytes]) -> None:
    whole = {name: content for name, content in logs.items() if b"==>" not in content}
    assert split_logs(join_logs(whole)) == whole


@pytest.mark.parametrize(
    "name", ["../../root/.ssh/config", "/etc/passwd", ".hidden", "-rf", "a\\b", "x" * 200]
)
def test_a_guest_does_not_choose_where_its_files_are_written(name: str) -> None:
    bundle = join_logs({name: b"content\n", "fine.log": b"1\n"})
    assert split_logs(bundle) == {"fine.log": b"1\n"}


def test_a_guest_without_log_files_may_leave_them_out() -> None:
    run = result(exchange(ended() + b"file fio.json 0\nfile fio.log 0\nend t\n"))
    assert (run.fio_logs, run.logs_cut) == ({}, False)


@pytest.mark.parametrize("broken", [OSError("reset"), EOFError(), SSHException("no session")])
def test_whatever_a_lost_connection_raises_it_is_a_lost_connection(broken: Exception) -> None:
    class Broken(Channel):
        def send(self, data: bytes) -> int:
            raise broken

        def recv(self, size: int) -> bytes:
            raise broken

    source = Exchange("g", Broken(()), Stop())  # type: ignore[arg-type]
    with pytest.raises(ConnectionLostError):
        source.send(b"job")
    with pytest.raises(ConnectionLostError):
        source.line(Deadline("a line", 5), "nothing")

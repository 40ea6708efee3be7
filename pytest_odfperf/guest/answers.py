"""What the guest script answers, word by word. Whatever else comes is a `GuestError`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pytest_odfperf.errors import GuestError
from pytest_odfperf.waiting import Deadline

#: The files of a result.
FILES = ("fio.json", "fio.log")
#: fio's own log files as one, if it wrote any.
LOGS = "fio-logs"
#: What the guest saw of its disks and memory.
WITNESS = "witness"
#: A clock that was set while fio ran, told from one that was corrected gently (NTP slews by 0.05 %).
_JUMP_S, _JUMP_SHARE = 1.0, 0.001
#: Codes of the script's ``error`` lines, and the reason of each.
_REASONS = {
    "not_mounted": "wrong_device",
    "not_raw": "wrong_device",
    "fio_missing": "missing_dependency",
    "setup_failed": "setup_failed",
    "service_failed": "service_failed",
    "unknown_job": "not_started",
    "bad_request": "refused",
}
#: The guest's script sends no more of what fio says to one job.
_MOST_SAID = 4000
_ASKED = "fio is asked whether it takes the jobs"
#: What the guest's script sends of all log files together.
LARGEST_LOGS = 32 << 20
_ON_THEIR_WAY = "the results are on their way"
_LOG_HEAD = re.compile(rb"\n==> ([^\n]{1,200}) <==\n")
_LOG_NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_BOOT_ID = re.compile(r"[0-9a-f-]{8,64}", re.ASCII)


class Source(Protocol):
    """Where the answer comes from: an `Exchange`, whose reads end at the deadline."""

    def line(self, deadline: Deadline, state: str) -> str: ...

    def file(self, size: int, deadline: Deadline, state: str) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonTimes:
    """A run on the clock of this machine: epoch times as it showed them when the group was started."""

    started_epoch_ns: int
    ended_epoch_ns: int
    #: When its results were here; not before it ended, whatever clocks say.
    answered_epoch_ns: int
    #: How far the guest's epoch clock is ahead of ours, and the greatest error of that.
    clock_offset_ms: float
    clock_uncertainty_ms: float
    #: How long after the instant that all were told it began; None if it was told none.
    late_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestRun:
    """One run of fio in one guest. Clock times are of the guest's steady clock, which nobody can set."""

    name: str
    exit_code: int
    timed_out: bool
    started_clock_ns: int
    ended_clock_ns: int
    #: What the guest's epoch clock showed, and the steady one at that moment, before the start.
    epoch_ns: int
    epoch_clock_ns: int
    #: How far the guest's epoch clock was set from then on to the end; 0.0 if it was not.
    clock_jump_s: float
    #: What fio wrote to ``--output``; empty if it wrote nothing.
    fio_json: bytes
    #: fio's stdout and stderr.
    fio_log: bytes
    #: The log files that fio wrote, by name: ``write_bw_log`` and the like.
    fio_logs: Mapping[str, bytes] = field(default_factory=dict)
    #: Whether these were too large to be taken whole.
    logs_cut: bool = False
    #: When the guest had the word to start; None if that was lost with the connection.
    told_clock_ns: int | None
    #: Of the boot that the results are of.
    boot_id: str
    #: The text of its witness; empty if it sent none.
    witness: bytes = b""
    #: Connections that were lost and opened again meanwhile.
    reconnects: int = 0
    #: Where it lies on the clock that all guests of its group have in common; None: not known.
    common: CommonTimes | None = None

    @property
    def ran_s(self) -> float:
        """How long it ran."""
        return (self.ended_clock_ns - self.started_clock_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Ready:
    """A guest that waits for the word; by its steady clock when it had the job, and when it was ready."""

    boot_id: str
    received_clock_ns: int
    answered_clock_ns: int


def read_ready(guest: str, source: Source, token: str, deadline: Deadline) -> Ready:
    """Wait for ``ready TOKEN BOOT_ID RECEIVED_NS ANSWERED_NS``."""
    line = source.line(deadline, "waiting for the layout of the test file")
    boot_id, *clock = _fields(guest, line, "ready", token, 3)
    received_ns, answered_ns = (_integer(guest, text) for text in clock)
    return Ready(_boot_id(guest, boot_id), received_ns, answered_ns)


def read_clock(guest: str, source: Source, deadline: Deadline) -> int:
    """Wait for ``clock NS``."""
    return _integer(guest, _fields(guest, source.line(deadline, "asked for its clock"), "clock", None, 1)[0])


def read_result(guest: str, source: Source, token: str, deadline: Deadline) -> GuestRun:
    """Wait for the end of a job, and take its files."""
    told_ns = None
    line = source.line(deadline, "fio runs")
    if line.startswith("started "):
        told_ns = _integer(guest, _fields(guest, line, "started", token, 1)[0])
        line = source.line(deadline, "fio runs")
    *numbers, boot_id = _fields(guest, line, "ended", token, 9)
    code, timed_out, epoch_ns, epoch_clock_ns, from_ns, to_ns, last_epoch_ns, last_ns = (
        _integer(guest, text) for text in numbers
    )
    files = {name: _file(guest, source, name, deadline) for name in FILES}
    more = {}
    line = source.line(deadline, _ON_THEIR_WAY)
    for name in (LOGS, WITNESS):
        if line.startswith(f"file {name} "):
            more[name] = _content(guest, source, line, name, deadline)
            line = source.line(deadline, _ON_THEIR_WAY)
    _fields(guest, line, "end", token, 0)
    if not epoch_clock_ns <= from_ns <= to_ns <= last_ns:
        raise GuestError(guest, f"says that it ended before it began ({from_ns} to {to_ns} ns of its clock)")
    logs = more.get(LOGS, b"")
    steady_s = (last_ns - epoch_clock_ns) / 1e9
    jump_s = (last_epoch_ns - epoch_ns) / 1e9 - steady_s
    return GuestRun(
        name=guest,
        exit_code=code,
        timed_out=bool(timed_out),
        started_clock_ns=from_ns,
        ended_clock_ns=to_ns,
        epoch_ns=epoch_ns,
        epoch_clock_ns=epoch_clock_ns,
        clock_jump_s=jump_s if abs(jump_s) > _JUMP_S + _JUMP_SHARE * steady_s else 0.0,
        fio_json=files["fio.json"],
        fio_log=files["fio.log"],
        fio_logs=split_logs(logs),
        logs_cut=len(logs) >= LARGEST_LOGS,
        told_clock_ns=told_ns,
        boot_id=_boot_id(guest, boot_id),
        witness=more.get(WITNESS, b""),
    )


def read_checked(guest: str, source: Source, count: int, deadline: Deadline) -> list[tuple[int, str]]:
    """What fio said to each of ``count`` jobs: its exit code and its words."""
    found = []
    for _ in range(count):
        code, size = _fields(guest, source.line(deadline, _ASKED), "checked", None, 2)
        said = source.file(min(_integer(guest, size), _MOST_SAID), deadline, _ASKED)
        found.append((_integer(guest, code), said.decode("utf-8", "replace")))
    _fields(guest, source.line(deadline, _ASKED), "end", "check", 0)
    return found


def _file(guest: str, source: Source, name: str, deadline: Deadline) -> bytes:
    return _content(guest, source, source.line(deadline, _ON_THEIR_WAY), name, deadline)


def _content(guest: str, source: Source, line: str, name: str, deadline: Deadline) -> bytes:
    """The file that ``line`` announces."""
    (size,) = _fields(guest, line, "file", name, 1)
    return source.file(_integer(guest, size), deadline, f"{name} is on its way")


def split_logs(bundle: bytes) -> dict[str, bytes]:
    """The files of a bundle, by name: as ``tail --verbose --lines=+1`` shows several.

    What names a guest can give files is not decided here: those that are no plain names are left out.
    """
    parts = _LOG_HEAD.split(b"\n" + bundle)
    named = zip(parts[1::2], parts[2::2], strict=True)
    return {name.decode(): content for name, content in named if _LOG_NAME.fullmatch(name)}


def join_logs(logs: Mapping[str, bytes]) -> bytes:
    """What `split_logs` takes apart."""
    return b"\n".join(b"==> %s <==\n%s" % (name.encode(), content) for name, content in logs.items())


def _fields(guest: str, line: str, word: str, first: str | None, count: int) -> list[str]:
    """The fields of an answer after ``word`` and ``first``, if it has one; else `GuestError`."""
    fields = line.split(" ")
    head = [word] if first is None else [word, first]
    if fields[: len(head)] == head and len(fields) == len(head) + count:
        return fields[len(head) :]
    if fields[0] == "error" and len(fields) > 1:
        code = fields[1][:60]
        raise GuestError(guest, f"{code}: {' '.join(fields[2:])[:600]}", _REASONS.get(code, "protocol"))
    raise GuestError(guest, f"answered {line[:200]!r} where '{' '.join(head)}' was due")


def _integer(guest: str, text: str) -> int:
    """Nothing that the script counts is below zero."""
    if not re.fullmatch(r"[0-9]{1,19}", text, re.ASCII):
        raise GuestError(guest, f"answered {text[:60]!r} where a number was due")
    return int(text)


def _boot_id(guest: str, text: str) -> str:
    if not _BOOT_ID.fullmatch(text):
        raise GuestError(guest, f"answered {text[:80]!r} where its boot id was due")
    return text

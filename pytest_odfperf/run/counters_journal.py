"""``counters.jsonl``: what the storage counted, whenever that changed, from the controller to the workers.

Lines are short, since there are many: pools and OSDs are lists of numbers, in the order of `IoCount` and
`OsdState`.
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pytest_odfperf.measure.storage_counters import CountersLook, IoCount, OsdState, StorageCounters
from pytest_odfperf.measure.storage_health import HealthCheck
from pytest_odfperf.run.growing_file import GrowingFile

COUNTERS = "counters.jsonl"
#: Of what was not seen to change it is not known since when it is so: no manager collects more seldom.
UNKNOWN_S = 120.0
#: So long ago nothing in a key's window began.
_KEPT_S = 7 * 24 * 3600.0


class _Entry(NamedTuple):
    at_s: float
    since_s: float
    #: None: they could not be read from now on, and why.
    counters: StorageCounters | None
    problem: str | None


class CountersJournal:
    """The looks at each Ceph cluster's counters, by its name; each process has its own reader."""

    def __init__(self, run_path: Path) -> None:
        self._file = GrowingFile(run_path / COUNTERS)
        self._entries: dict[str, list[_Entry]] = {}

    def begin(self) -> None:
        """What was written before, if anything was, is of an earlier session of the run."""
        if self._file.path.exists():
            self._file.append({"at": time.time(), "session": True})

    def says(self, name: str, at_s: float, since_s: float, counters: StorageCounters) -> None:
        """``counters`` were read at ``at_s``, and were collected after ``since_s``."""
        self._file.append({"at": at_s, "since": round(since_s, 3), "name": name, **packed(counters)})

    def fails(self, name: str, problem: str) -> None:
        """They can not be read from now on."""
        self._file.append({"at": time.time(), "name": name, "problem": problem[:300]})

    def during(
        self, name: str, began_s: float, ended_s: float
    ) -> tuple[tuple[CountersLook, ...], str | None]:
        """The looks of a window with the last ones before it; and why there are none at its end, if so."""
        for at_s, entry in self._file.new():
            self._take(at_s, entry)
        entries = self._entries.get(name, [])
        times = [entry.at_s for entry in entries]
        first = max(0, bisect_right(times, began_s) - 1)
        found = entries[first : bisect_left(times, ended_s)]
        looks = tuple(
            CountersLook(at_s=entry.at_s - began_s, since_s=entry.since_s - began_s, counters=entry.counters)
            for entry in found
            if entry.counters is not None
        )
        if not entries:
            return looks, "the storage's counters are not read"
        return looks, found[-1].problem if found else None

    def _take(self, at_s: float, entry: Mapping[str, Any]) -> None:
        if entry.get("session"):
            self._entries.clear()
        name = entry.get("name")
        if not isinstance(name, str):
            return
        entries = self._entries.setdefault(name, [])
        if entries and at_s < entries[-1].at_s:
            # The clock was set back: what is known of earlier moments is of no use.
            entries.clear()
        problem = entry.get("problem")
        if problem is not None:
            entries.append(_Entry(at_s, at_s, None, str(problem)))
        elif (counters := unpacked(entry)) is not None:
            since = entry.get("since")
            since_s = float(since) if isinstance(since, int | float) else at_s - UNKNOWN_S
            entries.append(_Entry(at_s, min(since_s, at_s), counters, None))
        if entries and entries[0].at_s < at_s - _KEPT_S:
            del entries[0]


def packed(counters: StorageCounters) -> dict[str, Any]:
    """For a line."""
    return {
        "pools": {
            name: [one.reads, one.read_bytes, one.writes, one.written_bytes]
            for name, one in counters.pools.items()
        },
        "osds": {
            name: [int(one.up), int(one.taken_in), one.ops, one.used_share, one.commit_ms]
            for name, one in counters.osds.items()
        },
        "checks": {check.code: check.severity for check in counters.checks},
        "recovering": [counters.recovering_bytes_per_s, counters.recovering_objects_per_s],
        "recovered": counters.recovered_bytes,
        "slow_ops": counters.slow_ops,
        "collected": counters.collected,
    }


def unpacked(entry: Mapping[str, Any]) -> StorageCounters | None:
    """What `packed` made; None if it is something else."""
    try:
        return StorageCounters(
            pools={
                str(name): IoCount(reads=one[0], read_bytes=one[1], writes=one[2], written_bytes=one[3])
                for name, one in entry["pools"].items()
                if all(type(value) is int for value in one)
            },
            osds={
                str(name): OsdState(
                    up=bool(one[0]), taken_in=bool(one[1]), ops=one[2], used_share=one[3], commit_ms=one[4]
                )
                for name, one in entry["osds"].items()
                if all(value is None or isinstance(value, int | float) for value in one)
            },
            checks=tuple(
                HealthCheck(code=str(code), severity=str(severity))
                for code, severity in entry["checks"].items()
            ),
            recovering_bytes_per_s=float(entry["recovering"][0]),
            recovering_objects_per_s=float(entry["recovering"][1]),
            recovered_bytes=_whole(entry["recovered"]),
            slow_ops=_whole(entry["slow_ops"]) or 0,
            collected=_whole(entry["collected"]),
        )
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None


def _whole(value: Any) -> int | None:
    return value if type(value) is int else None

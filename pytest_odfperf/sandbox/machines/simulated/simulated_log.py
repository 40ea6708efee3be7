"""The log files that a simulated fio writes, as fio 3.33 forms them: ``write_hist_log`` above all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_odfperf.fio.completion_log import COARSENESS, log_name
from pytest_odfperf.fio.histogram import BUCKETS, Histogram
from pytest_odfperf.sandbox.machines.simulated.simulated_job import SimulatedSection
from pytest_odfperf.sandbox.machines.simulated.volume.course import Course
from pytest_odfperf.sandbox.machines.simulated.volume.course_log import course_lines

_COLUMNS = BUCKETS >> COARSENESS
_DIRECTIONS = ("read", "write")


def log_files(
    section: SimulatedSection,
    entry: Mapping[str, Any],
    first_worker: int,
    courses: Sequence[Course | None] = (None, None),
) -> dict[str, str]:
    """All log files of the workers of ``section`` by name; ``entry`` is what the JSON says of it.

    ``courses``: of reads and writes, where the volume's speed changes.
    """
    logs: dict[str, str] = {}
    columns = [_Columns(entry[direction]["lat_ns"].get("bins", {})) for direction in _DIRECTIONS]
    for worker in range(section.numjobs):
        number = first_worker + worker
        if section.hist_log is not None:
            prefix, every_ms = section.hist_log
            lines = sorted(_lines(section, entry, worker, every_ms, columns, courses))
            logs[log_name(prefix, number)] = "".join(line for _, line in lines)
        for kind, prefix in section.averaged_logs.items():
            # fio logs three latencies under one name.
            for one in ("slat", "clat", "lat") if kind == "lat" else (kind,):
                logs[f"{prefix}_{one}.{number}.log"] = "".join(_averages(section, entry, one))
    return logs


def _averages(section: SimulatedSection, entry: Mapping[str, Any], kind: str) -> Iterator[str]:
    """A worker's means over each ``log_avg_msec``; without that one for the whole run, not for each I/O."""
    runtime_ms = int(1000 * section.runtime_s)
    every_ms = section.log_avg_ms or runtime_ms
    for end_ms in range(every_ms, runtime_ms + 1, every_ms):
        for number, direction in enumerate(_DIRECTIONS):
            part = entry[direction]
            if part["total_ios"]:
                values = {"bw": part["bw"] / section.numjobs, "iops": part["iops"] / section.numjobs}
                value = values[kind] if kind in values else part[f"{kind}_ns"]["mean"]
                yield f"{end_ms}, {value:.0f}, {number}, 0, 0\n"


def _lines(
    section: SimulatedSection,
    entry: Mapping[str, Any],
    worker: int,
    every_ms: int,
    columns: Sequence[_Columns],
    courses: Sequence[Course | None],
) -> Iterator[tuple[int, str]]:
    for number, direction in enumerate(_DIRECTIONS):
        part = entry[direction]
        course = courses[number]
        if course is not None:
            for end_ms, counts in course_lines(course, section.numjobs, worker, every_ms):
                yield (
                    end_ms,
                    f"{end_ms}, {number}, {section.load.block_bytes}, {', '.join(map(str, counts))}\n",
                )
            continue
        total, runtime_ms = part["total_ios"], int(part["runtime"])
        # I/Os come evenly, and the workers take turns.
        own = total // section.numjobs + (worker < total % section.numjobs)
        between = f", {number}, {section.load.block_bytes}, "
        done = 0
        for end_ms in range(every_ms, runtime_ms + 1, every_ms):
            now = own * end_ms // runtime_ms
            if now > done:
                yield end_ms, f"{end_ms}{between}{columns[number].of(now - done)}\n"
            done = now


class _Columns:
    """A log's columns of latencies, in the proportions of all I/Os of a direction."""

    def __init__(self, bins: Mapping[str, int]) -> None:
        self._counts = [0] * _COLUMNS
        for index, count in Histogram.from_bins(bins).counts:
            self._counts[index >> COARSENESS] += count
        self._total = sum(self._counts)
        #: Lines have one more or less than others, so that most have been made before.
        self._made: dict[int, str] = {}

    def of(self, ios: int) -> str:
        """``ios`` of them; what their parts leave goes to the largest."""
        if ios not in self._made:
            counts = [ios * count // self._total for count in self._counts]
            counts[self._counts.index(max(self._counts))] += ios - sum(counts)
            self._made[ios] = ", ".join(map(str, counts))
        return self._made[ios]

"""How many I/Os completed a second, from fio's own log of its completions.

fio's totals can not tell it. With ``ramp_time``, the I/Os that were in flight at the ramp's end are left out
of ``total_ios`` and ``iops``, but are in ``io_bytes`` and in the latency counts (fio 3.33 to 3.41), so that
two figures of one run differ by a queue's depth; and which of them is nearer to the truth depends on whether
the device completes evenly or in batches.

fio's ``write_hist_log`` has what is needed: at the first completion after each ``log_hist_msec``, each worker
writes a line for the direction: milliseconds since the ramp's end, and how many I/Os completed since its last
line, by latency (``stat.c``, ``add_clat_sample``). A line is written by a completion, so from one line to
another there is a whole number of I/Os in the time that they took, whether they come evenly or in batches:

    I/Os of a worker = those from its first line to its last one
                       + the time before and after these x the rate next to it
    rate = I/Os of all workers / runtime

A guest that was busy writes a line late, and a line may fall into the middle of a batch. So of the first and
of the last lines, up to five, the one is taken that is as late as the median of them, against the mean rate.
A device that stood still at the beginning or the end did nothing in that time, and nothing is filled in.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from pytest_odfperf.fio.completion_lines import Line, read_lines
from pytest_odfperf.fio.job_file.section import Section

#: The names of the logs that the plugin asks for begin with it.
PREFIX = "odfperf"
#: Latencies in 29 columns, each twice as long as the last.
COARSENESS = 6
#: fio keeps a whole histogram (15 KiB) in the guest's memory for each line until its worker ends.
_MOST_LINES = 4000
_SHORTEST_MS, _LONGEST_MS = 100, 1000
#: Below so many lines they are no series.
_LEAST_LINES = 3
#: Nor if they are of less than this share of the runtime: what is filled in would decide.
_LEAST_SHARE = 0.25
#: Of so many lines at each end the median one counts.
_MOST_AT_EDGE = 5
#: A pause of more than so many usual ones and an interval, at the beginning or the end, is a device that
#: stood still: fio's first line comes an interval after its first or second completion.
_PAUSES = 3.0
_DIRECTIONS = ("read", "write")


@dataclass(frozen=True, slots=True)
class SectionLog:
    """The completions of one section, by direction and worker; or why there are none."""

    lines: Mapping[str, Sequence[Sequence[Line]]] = field(default_factory=dict)
    interval_ms: int = _LONGEST_MS
    #: ``log_hist_coarseness``: a column of the lines is 2**coarseness buckets of fio's histogram.
    coarseness: int = COARSENESS
    problem: str | None = None

    def ios(self, direction: str) -> int:
        return sum(line.ios for worker in self.lines.get(direction, ()) for line in worker)

    def rate_per_s(self, direction: str, runtime_ms: int) -> float | None:
        """See `rate_per_s`; None also where there is no log."""
        return rate_per_s(self.lines.get(direction, ()), runtime_ms, self.interval_ms)


def read_log(section: Section, first_worker: int, logs: Mapping[str, str]) -> SectionLog:
    """The log of a section's workers; ``first_worker`` is the first one's number.

    A profile may have asked for a log of its own, under another name and at other times.
    """
    prefix, every = (section.options.get(name, "") for name in ("write_hist_log", "log_hist_msec"))
    interval = int(every) if every.isdecimal() else 0
    # fio names it after the section if no name is given.
    prefix = section.name if prefix in ("", "1") else prefix
    names = [log_name(prefix, first_worker + number) for number in range(section.numjobs)]
    if not interval or not any(name in logs for name in names):
        return SectionLog(problem="there is no log of its completions")
    lines: dict[str, list[Sequence[Line]]] = {direction: [] for direction in _DIRECTIONS}
    for name in names:
        try:
            found = read_lines(logs.get(name, ""))
        except ValueError as error:
            return SectionLog(problem=f"the log of its completions is broken ({name}: {error})")
        for direction in _DIRECTIONS:
            lines[direction].append(found[direction])
    coarseness = section.options.get("log_hist_coarseness", "0")
    return SectionLog(lines, interval, int(coarseness) if coarseness.isdecimal() else 0)


def interval_ms(runtime_s: int, writers: int) -> int:
    """``log_hist_msec`` for a run in which ``writers`` (workers x directions) write lines at once."""
    usual = min(_LONGEST_MS, max(_SHORTEST_MS, 1000 * runtime_s // 50))
    return max(usual, -(-1000 * runtime_s * writers // _MOST_LINES))


def asked(sections: Sequence[Section], runtime_s: int) -> str:
    """Lines to put before a job file, so that fio writes the log. A profile's own come later, and win."""
    writers = max(len(section.directions) * section.numjobs for section in sections)
    options = {
        "write_hist_log": PREFIX,
        "log_hist_msec": interval_ms(runtime_s, writers),
        "log_hist_coarseness": COARSENESS,
        "per_job_logs": 1,
    }
    return "\n".join(["[global]", *(f"{name}={value}" for name, value in options.items()), ""])


def log_name(prefix: str, worker: int) -> str:
    """fio's name for the log of worker number ``worker``, counted from 1 over all sections."""
    return f"{prefix}_clat_hist.{worker}.log"


def rate_per_s(workers: Iterable[Sequence[Line]], runtime_ms: int, interval: int) -> float | None:
    """Completions a second of all workers together, within ``runtime_ms`` of the ramp's end.

    None: a worker has too few lines. ``interval`` is the log's, in ms.
    """
    done = [_ios(_marks(lines, runtime_ms, interval), runtime_ms, interval) for lines in workers]
    if not done or None in done:
        return None
    ios = sum(one for one in done if one is not None)
    return 1000 * ios / runtime_ms if ios > 0 else None


def _ios(marks: Sequence[tuple[int, int]], runtime_ms: int, interval: int) -> float | None:
    """The I/Os of one worker within the runtime."""
    if len(marks) < _LEAST_LINES or marks[-1][0] - marks[0][0] < runtime_ms * _LEAST_SHARE:
        return None
    pause = interval + _PAUSES * statistics.median(b[0] - a[0] for a, b in pairwise(marks))
    edge = min(_MOST_AT_EDGE, max(1, len(marks) // 10))
    near = min(3 * edge, len(marks) - 2)
    slope = _slope(marks[0], marks[-1])

    def usual(some: Sequence[tuple[int, int]]) -> tuple[int, int]:
        return sorted(some, key=lambda mark: mark[1] - slope * mark[0])[len(some) // 2]

    first, last = usual(marks[:edge]), usual(marks[-edge:])
    ios = float(last[1] - first[1])
    ios += first[1] if marks[0][0] > pause else first[0] * _slope(first, marks[near])
    if runtime_ms - marks[-1][0] > pause:
        return ios + marks[-1][1] - last[1]
    return ios + (runtime_ms - last[0]) * _slope(marks[-near - 1], last)


def _slope(first: tuple[int, int], last: tuple[int, int]) -> float:
    """I/Os in a millisecond."""
    return (last[1] - first[1]) / (last[0] - first[0])


def _marks(lines: Sequence[Line], runtime_ms: int, interval: int) -> list[tuple[int, int]]:
    """(time in ms, I/Os until then) of the lines within the runtime.

    After a pause fio makes up for the lines that it did not write by one for each completion: of these only
    the first counts. What completes after the runtime is reaped at once, so that its times say nothing.
    """
    marks: list[tuple[int, int]] = []
    done = 0
    for line in lines:
        done += line.ios
        if line.end_ms > runtime_ms:
            break
        if not marks or line.end_ms - marks[-1][0] >= interval / 2:
            marks.append((line.end_ms, done))
    return marks

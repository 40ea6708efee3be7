"""The log of completions of a volume whose speed changes, as fio 3.33 writes it for one worker.

A line is written at the first completion after each interval. After a stall there is one late line, and for
each line that was not written meanwhile one more at once, with a single completion each.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_odfperf.fio.completion_log import COARSENESS
from pytest_odfperf.fio.histogram import BUCKETS, index_of
from pytest_odfperf.sandbox.machines.simulated.volume.course import Course
from pytest_odfperf.sandbox.machines.simulated.volume.pace import STEP_MS

_COLUMNS = BUCKETS >> COARSENESS


def course_lines(course: Course, workers: int, worker: int, every_ms: int) -> Iterator[tuple[int, list[int]]]:
    """(ms, counts by column) of each line of worker number ``worker`` from 0."""
    waited = _Waited(course, workers, worker)
    due, done, passed = every_ms, 0, 0.0
    counts = [0] * _COLUMNS
    for number, ios in enumerate(course.ios):
        now_ms = (number + 1) * STEP_MS
        passed += ios
        # The workers take turns.
        until = (int(passed + 1e-6) + workers - 1 - worker) // workers
        new = until - done
        done = until
        if new < 1:
            continue
        column = index_of(int(course.lat_ns[number])) >> COARSENESS
        while now_ms >= due and new > 0:
            counts[waited.column(now_ms - STEP_MS, column)] += 1
            new -= 1
            # It comes as soon as something completes, which after a stall is at the beginning of this step.
            late = due <= now_ms - STEP_MS
            yield now_ms - STEP_MS + 1 if late else due, counts
            counts = [0] * _COLUMNS
            due += every_ms
        for _ in range(min(new, waited.left(now_ms))):
            counts[waited.column(now_ms, column)] += 1
            new -= 1
        counts[column] += new


class _Waited:
    """The I/Os of one worker that waited in stalls that are over."""

    def __init__(self, course: Course, workers: int, worker: int) -> None:
        self._stalls = [
            (
                last,
                index_of(1_000_000 * (last - first)) >> COARSENESS,
                (ios + workers - 1 - worker) // workers,
            )
            for first, last, ios in course.stalls
        ]

    def left(self, now_ms: int) -> int:
        return sum(ios for last, _, ios in self._stalls if last <= now_ms)

    def column(self, now_ms: int, usual: int) -> int:
        """Of the next I/O that completes: one that waited, as long as there are some."""
        for number, (last, column, ios) in enumerate(self._stalls):
            if last <= now_ms and ios > 0:
                self._stalls[number] = (last, column, ios - 1)
                return column
        return usual

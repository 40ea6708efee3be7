"""What is known of many runs of one matrix: the runs in their order, and the course of each figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_odfperf.matrix.pattern import Pattern
from pytest_odfperf.report.content.result_state import ResultState

if TYPE_CHECKING:
    # They need numpy and scipy, which are there only where runs are compared.
    from pytest_odfperf.measure.trend.courses import Change, Course, CourseState, PoolCourse


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendRun:
    """One run. ``marks``: what is other than in the run before it, a line each; nothing is escaped."""

    run_id: str
    href: str
    started_at: str
    matrix: str
    marking: str | None
    #: None: it is running, or was killed.
    ended_by: str | None
    counts: Mapping[ResultState, int]
    #: Of the cluster, the guests' fio and kernel, the plugin.
    versions: Mapping[str, str]
    marks: tuple[str, ...] = ()

    @property
    def day(self) -> str:
        """``2026-11-30 08:54``."""
        return self.started_at[:16].replace("T", " ") or "not known"


@dataclass(frozen=True, kw_only=True)
class TrendContent:
    """``runs`` by their start; courses have their indices."""

    runs: tuple[TrendRun, ...]
    courses: tuple[Course, ...]
    pools: tuple[PoolCourse, ...]
    #: Of keys that the reader wants to see first.
    sentinels: tuple[Pattern, ...] = ()
    #: Runs that are not shown, and why, a line each.
    left_out: tuple[str, ...] = ()

    @cached_property
    def counts(self) -> Counter[CourseState]:
        return Counter(course.state for course in self.courses)

    @cached_property
    def changes(self) -> dict[int, list[tuple[Course, Change]]]:
        """By run, what changes with it; the newest run first."""
        found: dict[int, list[tuple[Course, Change]]] = {}
        for course in self.courses:
            for change in course.changes:
                found.setdefault(change.run, []).append((course, change))
        return dict(sorted(found.items(), reverse=True))

    @cached_property
    def marking(self) -> str | None:
        found = dict.fromkeys(run.marking for run in self.runs if run.marking)
        return ", ".join(found) or None

    @cached_property
    def matrix(self) -> str:
        return ", ".join(dict.fromkeys(run.matrix for run in self.runs))

    def is_sentinel(self, course: Course) -> bool:
        return any(pattern.matches(course.cell.key) for pattern in self.sentinels)

"""The courses of many runs, for the terminal and as trend.json."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pytest_odfperf.plain import to_plain
from pytest_odfperf.report.content.trend_content import TrendContent, TrendRun

if TYPE_CHECKING:
    from pytest_odfperf.measure.trend.courses import Change, Course, CourseState, Point

_SHOWN = 5


def counts_text(content: TrendContent) -> str:
    """``640 figures: 12 worse, 3 better, 625 steady``."""
    counts = content.counts
    states: tuple[CourseState, ...] = ("worse", "better", "steady", "too short")
    said = [f"{counts[state]} {state}" for state in states if counts[state]]
    every = len(content.courses)
    return f"{every} {'figure' if every == 1 else 'figures'}: {', '.join(said)}"


def run_text(run: TrendRun) -> str:
    """A run with its time and what changed with it."""
    marks = f"; {'; '.join(run.marks)}" if run.marks else ""
    return f"{run.run_id} ({run.day}{marks})"


def change_text(course: Course, change: Change) -> str:
    """One change of a figure in one line."""
    return f"{course.cell.key} {course.cell.what}: {ratio_text(change)}"


def ratio_text(change: Change) -> str:
    """``0.752 (0.741 to 0.763)``."""
    return f"{change.ratio:.3f} ({change.low:.3f} to {change.high:.3f})"


def trend_lines(content: TrendContent) -> list[str]:
    """For the terminal."""
    first, last = content.runs[0], content.runs[-1]
    lines = [
        f"Trend of {len(content.runs)} runs of matrix {content.matrix}, {first.run_id} ({first.day}) to "
        f"{last.run_id} ({last.day}); {counts_text(content)}"
    ]
    lines += [f"  left out: {text}" for text in content.left_out]
    for pool in content.pools:
        what = "rate" if pool.metric == "rate" else "p99"
        lines += [
            f"  pool {pool.pool}, {what} of {pool.keys} keys: {change.outcome} since "
            f"{run_text(content.runs[change.run])}: {ratio_text(change)}"
            for change in pool.changes
        ]
    for run, changes in list(content.changes.items())[:_SHOWN]:
        counts = Counter(change.outcome for _, change in changes)
        said = ", ".join(f"{counts[word]} {word}" for word in ("worse", "better") if counts[word])
        lines.append(f"  since {run_text(content.runs[run])}: {said}")
        strongest = sorted(changes, key=lambda one: one[1].p_value)[:_SHOWN]
        lines += [f"    {change.outcome}: {change_text(course, change)}" for course, change in strongest]
        if len(changes) > _SHOWN:
            lines.append(f"    and {len(changes) - _SHOWN} more, in trend.json")
    return lines


def trend_json(content: TrendContent) -> dict[str, Any]:
    """Everything, in plain JSON types. Runs are named by their index in ``runs``."""
    return {
        "schema": 1,
        "runs": [
            to_plain(run) | {"counts": dict(run.counts), "versions": dict(run.versions)}
            for run in content.runs
        ],
        "left_out": list(content.left_out),
        "sentinels": [str(pattern) for pattern in content.sentinels],
        "pools": [
            {
                "pool": pool.pool,
                "metric": pool.metric,
                "keys": pool.keys,
                "points": [_point(point) for point in pool.points],
                "changes": [to_plain(change) for change in pool.changes],
            }
            for pool in content.pools
        ],
        "courses": [
            {
                "key": str(course.cell.key),
                "section": course.cell.section,
                "direction": course.cell.direction,
                "metric": course.cell.metric,
                "unit": "IOPS" if course.cell.metric == "rate" else "ns",
                "state": course.state,
                "sentinel": content.is_sentinel(course),
                "pieces": [
                    {
                        "points": [_point(point) for point in piece.points],
                        "changes": [to_plain(change) for change in piece.changes],
                    }
                    for piece in course.pieces
                ],
                "gaps": {str(run): why for run, why in course.gaps.items()},
            }
            for course in content.courses
        ],
    }


def _point(point: Point) -> dict[str, Any]:
    """Six digits; the value of a run without repeats is not told twice."""
    found: dict[str, Any] = {"run": point.run, "value": _short(point.value)}
    if len(point.repeats) > 1:
        found["repeats"] = [_short(value) for value in point.repeats]
    if point.doubts:
        found["doubts"] = point.doubts
    return found


def _short(value: float) -> float:
    return float(f"{value:.6g}")

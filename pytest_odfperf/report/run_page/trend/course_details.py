"""What the page shows of one course when it is opened: its picture and data, and the way to its runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from markupsafe import Markup

from pytest_odfperf.report.content.trend_content import TrendContent
from pytest_odfperf.report.pictures.trend.course_picture import COLUMNS, course_rows, course_spec, mark_rows
from pytest_odfperf.report.run_page.details.detail_columns import in_columns
from pytest_odfperf.report.run_page.page_json import packed_json
from pytest_odfperf.report.trend_text import ratio_text

if TYPE_CHECKING:
    from pytest_odfperf.measure.trend.courses import Course

#: Details of so many figures are compressed together; the scripts know it.
_CHUNK = 64


class CourseDetails:
    """Made chunk by chunk; what they share is told after all of them."""

    def __init__(self, content: TrendContent) -> None:
        self._content = content
        self._specs: dict[str, int] = {}

    def chunks(self, courses: Sequence[Course]) -> Iterator[Markup]:
        for first in range(0, len(courses), _CHUNK):
            details = [self._details(course) for course in courses[first : first + _CHUNK]]
            yield packed_json(in_columns(details))

    def shared(self) -> dict[str, Any]:
        """Runs, marks of versions and specifications, each once."""
        runs = self._content.runs
        return {
            "runs": [[run.run_id, run.day, run.href] for run in runs],
            "marks": mark_rows(runs),
            "columns": [[column.field, column.heading] for column in COLUMNS],
            "specs": [json.loads(text) for text in self._specs],
        }

    def _details(self, course: Course) -> dict[str, Any]:
        runs = self._content.runs
        spec = json.dumps(course_spec(course, runs))
        parts: list[dict[str, Any]] = [
            {
                "title": "Over runs",
                "key": quote(str(course.cell.key), safe=":"),
                "course": {
                    "name": f"{course.cell.key} {course.cell.what}",
                    "spec": self._specs.setdefault(spec, len(self._specs)),
                    "rows": course_rows(course),
                },
            }
        ]
        if course.changes:
            parts.append(
                {
                    "title": "Changes",
                    "heads": ["Since run", "Outcome", "Level after / before (95 %)", "p-value"],
                    "rows": [
                        [runs[one.run].run_id, one.outcome, ratio_text(one), float(f"{one.p_value:.2g}")]
                        for one in course.changes
                    ],
                }
            )
        return {"head": course.cell.what, "parts": parts}

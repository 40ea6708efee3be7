"""What a test came to, as reports count and filter it: each has exactly one of these states."""

from __future__ import annotations

from typing import Literal, get_args

from pytest_odfperf.measure.limits.limit_outcome import BROKEN
from pytest_odfperf.measure.record import Record

ResultState = Literal["passed", "limit_broken", "invalid", "suspect", "failed", "skipped", "not_run"]

#: In the order in which reports show them.
STATES: tuple[ResultState, ...] = get_args(ResultState)

#: How people read them.
WORDS: dict[ResultState, str] = {
    "passed": "passed",
    "limit_broken": "limit broken",
    "invalid": "invalid",
    "suspect": "suspect",
    "failed": "failed",
    "skipped": "skipped",
    "not_run": "not run",
}


def state_of(record: Record | None) -> ResultState:
    """The state of a test by its record; None: it has none, so it was not run.

    A broken limit comes before a doubt, an invalid measurement before what became of its test
    (``odf_invalid`` may skip it), a doubtful result before a plain one.
    """
    if record is None:
        return "not_run"
    if record.reason_code == BROKEN:
        return "limit_broken"
    if record.verdict == "invalid":
        return "invalid"
    if record.status in ("failed", "error"):
        return "failed"
    if record.status == "skipped":
        return "skipped"
    return "suspect" if record.verdict == "suspect" else "passed"

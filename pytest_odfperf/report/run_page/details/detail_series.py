"""The course of a test in time: IOPS of all VMs together from moment to moment."""

from __future__ import annotations

from typing import Any

from pytest_odfperf.measure.record import Record
from pytest_odfperf.measure.series.series_csv import FILE_NAME, read_rates
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.run_page.details.detail_part import Plain, near

#: So many tests have their series in the page, the doubtful ones first: reading them takes a while.
_TESTS = 100
#: Moments of a series that are shown.
_MOMENTS = 120


def tests_with_series(content: RunContent) -> frozenset[int]:
    """The tests whose series are in the page."""
    usable = [at for at, test in enumerate(content.tests) if test.record is not None and test.record.usable]
    usable.sort(key=lambda at: content.tests[at].state not in ("suspect", "limit_broken"))
    return frozenset(usable[:_TESTS])


def series(content: RunContent, record: Record) -> Plain | None:
    """The part of the details; None where the guests kept no series."""
    sums: dict[tuple[str, str], dict[int, float]] = {}
    for path in record.artefacts:
        if not path.endswith(f"-{FILE_NAME}"):
            continue
        raw = content.read(record, path)
        if raw is None:
            continue
        try:
            found = read_rates(raw.decode("utf-8"))
        except (ValueError, UnicodeDecodeError):
            return {"title": "Course in time", "text": f"{path.rsplit('/', 1)[-1]} can not be read"}
        for name, samples in found.items():
            own = sums.setdefault(name, {})
            for end_ms, iops_per_s in samples:
                own[end_ms] = own.get(end_ms, 0.0) + iops_per_s
    if not sums:
        return None
    return {"title": "Course in time", "series": [_plain(*name, own) for name, own in sums.items()]}


def _plain(job: str, direction: str, moments: dict[int, float]) -> dict[str, Any]:
    ends = sorted(moments)
    width = -(-len(ends) // _MOMENTS)
    parts = [ends[at : at + width] for at in range(0, len(ends), width)]
    found: dict[str, Any] = {
        "name": f"{job} {direction}",
        "end_s": [near(part[-1] / 1000) for part in parts],
        "iops": [near(sum(moments[end] for end in part) / len(part)) for part in parts],
    }
    if width > 1:  # a stall of one moment is not to vanish in a mean
        found["least"] = [near(min(moments[end] for end in part)) for part in parts]
        found["most"] = [near(max(moments[end] for end in part)) for part in parts]
    return found

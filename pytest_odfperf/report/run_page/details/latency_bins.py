"""Histograms for people: fio's 64 columns of each factor of two become a few."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pytest_odfperf.fio.histogram import BUCKETS, lowest_of
from pytest_odfperf.measure.pooled_histograms import DIRECTIONS
from pytest_odfperf.measure.pooled_histograms import FILE_NAME as FILE
from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.run_page.details.detail_part import exact

_NOTE = f"I/Os by latency, to two digits; {FILE} has all of fio's columns."
#: So many of fio's columns become one: a quarter of a factor of two, or half of one where tests are many.
_FINE, _COARSE = 16, 32
_MANY_TESTS = 1500


class LatencyBins:
    """How wide the columns of a page are."""

    def __init__(self, tests: int) -> None:
        width = _FINE if tests <= _MANY_TESTS else _COARSE
        self._place_of = {lowest_of(index): index // width for index in range(BUCKETS)}
        #: The latency in ms at which each begins, and where the last one ends.
        self.edges_ms = tuple(exact(lowest_of(at) / 1e6) for at in range(0, BUCKETS + 1, width))

    def part(self, content: RunContent, record: Record) -> dict[str, Any] | None:
        """The part of a usable record's details; None where it has none, or they can not be read."""
        raw = content.read(record, FILE) if record.usable else None
        if raw is None:
            return None
        try:
            found = list(self._histograms(json.loads(raw)))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return {"title": "Latencies", "text": f"{FILE} can not be read"}
        return {"title": "Latencies", "histograms": found, "note": _NOTE} if found else None

    def _histograms(self, plain: Any) -> Iterator[dict[str, Any]]:
        places = self._place_of
        for job in plain["jobs"]:
            for direction in DIRECTIONS:
                if (one := job.get(direction)) is None:
                    continue
                counts: dict[int, int] = {}
                for lowest_ns, ios in zip(one["at_least_ns"], one["ios"], strict=True):
                    place = places[lowest_ns]
                    counts[place] = counts.get(place, 0) + ios
                if not counts:
                    continue
                first, last = min(counts), max(counts)
                yield {
                    "name": f"{job['job']} {direction}",
                    "first": first,
                    "counts": [_two_digits(counts.get(place, 0)) for place in range(first, last + 1)],
                }


def _two_digits(count: int) -> int:
    return count if count < 100 else int(float(f"{count:.1e}"))

"""Histograms for people: fio's 64 columns of each factor of two become a few."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from pytest_odfperf.fio.histogram import BUCKETS, lowest_of
from pytest_odfperf.json_reading import read_json
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
        self._edges_ns = [lowest_of(at) for at in range(0, BUCKETS + 1, width)]
        #: The latency in ms at which each begins, and where the last one ends.
        self.edges_ms = tuple(exact(edge_ns / 1e6) for edge_ns in self._edges_ns)

    def part(self, content: RunContent, record: Record) -> dict[str, Any] | None:
        """The part of a usable record's details; None where it has none, or they can not be read."""
        raw = content.read(record, FILE) if record.usable else None
        if raw is None:
            return None
        try:
            found = list(self._histograms(read_json(raw)))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return {"title": "Latencies", "text": f"{FILE} can not be read"}
        return {"title": "Latencies", "histograms": found, "note": _NOTE} if found else None

    def _histograms(self, plain: Any) -> Iterator[dict[str, Any]]:
        for job in plain["jobs"]:
            for direction in DIRECTIONS:
                if (one := job.get(direction)) is not None and one["ios"]:
                    first, counts = self._folded(one["at_least_ns"], one["ios"])
                    yield {"name": f"{job['job']} {direction}", "first": first, "counts": counts}

    def _folded(self, at_least_ns: list[int], ios: list[int]) -> tuple[int, list[int]]:
        """The first column that is not empty, and the counts up to the last one. Edges are ascending."""
        if len(at_least_ns) != len(ios):
            raise ValueError("edges and counts are not as many")
        edges = self._edges_ns
        first = bisect_right(edges, at_least_ns[0]) - 1
        counts, begin, below = [], 0, 0
        # How many I/Os there are up to each edge.
        sums = [0, *accumulate(ios)]
        for edge in edges[first + 1 : bisect_right(edges, at_least_ns[-1])]:
            begin = bisect_left(at_least_ns, edge, begin)
            counts.append(_two_digits(sums[begin] - below))
            below = sums[begin]
        counts.append(_two_digits(sums[-1] - below))
        return first, counts


def _two_digits(count: int) -> int:
    return count if count < 100 else round(count, 2 - len(str(count)))

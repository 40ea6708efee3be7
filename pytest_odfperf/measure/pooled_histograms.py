"""``histograms.json`` of a key: the latencies of all guests in one histogram for each job and direction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from pytest_odfperf.fio.answers.fio_result import FioResult, LatencyResult
from pytest_odfperf.fio.histogram import BUCKETS, Histogram, index_of, lowest_of
from pytest_odfperf.json_reading import read_json

FILE_NAME = "histograms.json"
SCHEMA = 1
DIRECTIONS = ("read", "write", "sync")

#: By job and direction.
Histograms = Mapping[tuple[str, str], Histogram]

_LOWEST_NS = tuple(map(lowest_of, range(BUCKETS)))


def write_histograms(results: Iterable[FioResult]) -> str:
    """The file's text, of what the guests answered.

    Of each job and direction the buckets that are not empty: the least latency of each in ns, ascending, and
    how many I/Os it counts. A bucket ends where the next one of fio's (docs/fio.md) begins.
    """
    pooled: dict[str, dict[str, list[Histogram]]] = {}
    for result in results:
        for job in result.jobs:
            own = pooled.setdefault(job.name, {})
            for direction in DIRECTIONS:
                part: LatencyResult | None = getattr(job, direction)
                if part is not None:
                    own.setdefault(direction, []).append(part.histogram)
    jobs = [
        {"job": name, **{direction: _plain(parts) for direction, parts in own.items()}}
        for name, own in pooled.items()
    ]
    return json.dumps({"schema": SCHEMA, "jobs": jobs}, separators=(",", ":")) + "\n"


def _plain(parts: list[Histogram]) -> dict[str, list[int]]:
    counts = parts[0].merge(*parts[1:]).counts
    return {"at_least_ns": [_LOWEST_NS[index] for index, _ in counts], "ios": [ios for _, ios in counts]}


def read_histograms(content: bytes) -> dict[tuple[str, str], Histogram]:
    """What `write_histograms` wrote. Raises `ValueError` for what it does not write."""
    try:
        plain = read_json(content)
        if plain["schema"] != SCHEMA:
            raise ValueError(f"schema {plain['schema']!r:.40} is not {SCHEMA}")
        return {
            (str(job["job"]), direction): _histogram(job[direction])
            for job in plain["jobs"]
            for direction in DIRECTIONS
            if direction in job
        }
    except (KeyError, TypeError, RecursionError, OverflowError) as error:
        raise ValueError(f"is not the histograms of a key: {error!r:.80}") from error


def _histogram(plain: Mapping[str, list[int]]) -> Histogram:
    edges, ios = plain["at_least_ns"], plain["ios"]
    if not set(map(type, [*edges, *ios])) <= {int}:
        raise ValueError("edges or counts are not whole numbers")
    indices = list(map(index_of, edges))
    if [_LOWEST_NS[index] for index in indices] != edges or len(set(edges)) < len(edges):
        raise ValueError("edges are not those of fio's buckets")
    return Histogram.of(dict(zip(indices, ios, strict=True)))

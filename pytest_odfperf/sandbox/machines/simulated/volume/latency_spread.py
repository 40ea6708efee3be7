"""Latencies of a simulated volume as fio's histogram has them."""

from __future__ import annotations

import math
from itertools import pairwise
from operator import sub

from pytest_odfperf.fio.histogram import VALUES_NS, Histogram, index_of
from pytest_odfperf.sandbox.machines.simulated.volume.course import Course

#: Logarithms of the borders between each bucket and the next.
_LOG_EDGES = [math.log(max((low + high) / 2, 1.0)) for low, high in pairwise(VALUES_NS)]


def lognormal_histogram(mean_ns: float, sigma: float, total: int) -> Histogram:
    """``total`` latencies as a lognormal distribution spreads them; its mean is ``mean_ns``."""
    mean, stddev = math.log(mean_ns) - sigma * sigma / 2, max(sigma, 1e-3)
    low = index_of(max(0, int(math.exp(mean - 5 * stddev))))
    high = index_of(int(math.exp(mean + 5 * stddev)))
    half, unit = total / 2, stddev * math.sqrt(2)
    done = [round(half * (1 + math.erf((edge - mean) / unit))) for edge in _LOG_EDGES[low:high]]
    counts = map(sub, [*done, total], [0, *done])
    return Histogram(tuple([item for item in enumerate(counts, low) if item[1]]))


def changing_histogram(course: Course, sigma: float, less_ns: int) -> Histogram:
    """Latencies of a volume whose speed changes; those that waited in its stalls among them."""
    waited = [Histogram.of({index_of(1_000_000 * (b - a)): ios}) for a, b, ios in course.stalls]
    left = course.total - sum(histogram.total for histogram in waited)
    spread = sorted(course.spread().items())
    parts, passed, done = [], 0.0, 0
    for lat_ns, ios in spread:
        passed += ios
        until = min(left, round(passed))
        if until > done:
            mean_ns = max(lat_ns - less_ns, lat_ns / 2)
            parts.append(lognormal_histogram(mean_ns, sigma, until - done))
            done = until
    if done < left and spread:
        parts.append(lognormal_histogram(spread[-1][0], sigma, left - done))
    return Histogram(()).merge(*parts, *waited)


def beyond_histogram(histogram: Histogram | None, course: Course | None) -> dict[str, float]:
    """The longest and the mean latency where stalls are longer than the histogram reaches."""
    long = [(1e6 * (last - first), ios) for first, last, ios in course.stalls] if course else []
    if histogram is None or max(long, default=(0.0, 0))[0] <= VALUES_NS[-1]:
        return {}
    values = [(VALUES_NS[index], count) for index, count in histogram.counts]
    total = float(sum(value * count for value, count in values))
    total += sum((length - VALUES_NS[-1]) * ios for length, ios in long if length > VALUES_NS[-1])
    return {"max": int(max(long)[0]), "mean": round(total / histogram.total, 6)}

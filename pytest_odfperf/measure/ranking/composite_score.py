"""The composite score of storage-perf-tests: four shares of the best pool, 40, 30, 20 and 10 %.

Total IOPS of random-rw at 4k (40), total bandwidth of sequential-rw at 1M (30), total IOPS of mixed-70-30 at
4k (20), and the mean of read and write p99 of random-rw at 4k (10), which counts as much as the pool's share
of the best random IOPS. Shares are rounded to 0.1, as there. Two faults are not repeated: a latency is not
halved by the direction that a section does not do, and a pool that lacks one of the four has no score
instead of a high one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import geometric_mean

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.aggregate import DirectionMeasurement
from pytest_odfperf.measure.compare.compared_figures import measured_once
from pytest_odfperf.measure.record import Record

NAME = "composite score of storage-perf-tests"
WEIGHTS = {"random": 0.4, "sequential": 0.3, "mixed": 0.2, "p99": 0.1}
#: Profile and block size of each dimension.
KEYS = {("random-rw", "4k"): "random", ("sequential-rw", "1M"): "sequential", ("mixed-70-30", "4k"): "mixed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimensions:
    """What one pool is scored by; None: it was not measured, or is no measurement."""

    random_iops_per_s: float | None = None
    sequential_bytes_per_s: float | None = None
    mixed_iops_per_s: float | None = None
    random_p99_ns: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite:
    """``shares`` by dimension, from 0 to 100; ``score`` None if one is missing."""

    pool: str
    shares: Mapping[str, float]
    score: float | None


def composites(pools: Mapping[str, Dimensions]) -> list[Composite]:
    """The scores, best first; pools without one after them."""
    random = {pool: one.random_iops_per_s for pool, one in pools.items()}
    shares = {
        "random": _shares(random),
        "sequential": _shares({pool: one.sequential_bytes_per_s for pool, one in pools.items()}),
        "mixed": _shares({pool: one.mixed_iops_per_s for pool, one in pools.items()}),
        "p99": _p99_shares({pool: one.random_p99_ns for pool, one in pools.items()}, random),
    }
    found = []
    for pool in pools:
        own = {name: values[pool] for name, values in shares.items() if pool in values}
        whole = len(own) == len(WEIGHTS)
        score = _tenths(sum(WEIGHTS[name] * share for name, share in own.items())) if whole else None
        found.append(Composite(pool=pool, shares=own, score=score))
    return sorted(found, key=lambda one: (one.score is None, -(one.score or 0.0), one.pool))


def _shares(values: Mapping[str, float | None]) -> dict[str, float]:
    known = {pool: value for pool, value in values.items() if value}
    best = max(known.values(), default=0.0)
    return {pool: _tenths(100 * value / best) for pool, value in known.items()}


def _p99_shares(p99: Mapping[str, float | None], random: Mapping[str, float | None]) -> dict[str, float]:
    known = {pool: value for pool, value in p99.items() if value and random.get(pool)}
    best = min(known.values(), default=0.0)
    most = max((value for value in random.values() if value), default=0.0)
    return {pool: _tenths(100 * best / value * (random[pool] or 0.0) / most) for pool, value in known.items()}


def _tenths(value: float) -> float:
    """Rounded to 0.1, halves upwards."""
    return math.floor(value * 10 + 0.5 + 1e-9) / 10


def dimensions(records: Iterable[Record]) -> dict[str, dict[str, Dimensions]]:
    """What a run measured of the four, by VM size, PVC size and concurrency (as text), then by pool.

    Repeats by their geometric mean. Other VM sizes are other results: they are never added up.
    """
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    for record in measured_once(records):
        name = KEYS.get((record.key.profile, record.key.block_size))
        if name is None or record.verdict == "invalid" or record.apart:
            continue
        pool = found.setdefault(_group(record.key), {}).setdefault(record.key.pool, {})
        parts = [part for part in (record.read, record.write) if part is not None]
        if len(parts) != 2:
            continue
        for field, value in _values(name, parts):
            if value > 0:  # of nothing there is no geometric mean, and no share
                pool.setdefault(field, []).append(value)
    return {
        group: {
            pool: Dimensions(**{field: geometric_mean(values) for field, values in own.items()})
            for pool, own in pools.items()
        }
        for group, pools in found.items()
    }


def _group(key: Key) -> str:
    return f"{key.size}:{key.pvc}:{key.concurrency}"


def _values(name: str, parts: list[DirectionMeasurement]) -> list[tuple[str, float]]:
    if name == "sequential":
        return [("sequential_bytes_per_s", sum(part.bw_bytes_per_s for part in parts))]
    rate = sum(part.iops_per_s for part in parts)
    if name == "mixed":
        return [("mixed_iops_per_s", rate)]
    return [("random_iops_per_s", rate), ("random_p99_ns", sum(part.lat_p99_ns for part in parts) / 2)]

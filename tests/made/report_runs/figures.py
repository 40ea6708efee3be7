"""What fio could have measured: histograms with a tail, rates by Little's law, series that go with them.

Seeded, so that the same call gives the same figures. No figure is drawn by itself: rates, percentiles and
series are of one histogram and one pace.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from pytest_odfperf.fio.answers.fio_result import DirectionResult, FioResult, JobResult, LatencyResult
from pytest_odfperf.fio.histogram import VALUES_NS, Histogram, index_of
from pytest_odfperf.fio.job import Job
from pytest_odfperf.fio.job_file.section import Section
from pytest_odfperf.measure.series.guest_series import Sample, Series

#: The width of a template in buckets: from a fourth to 30 times the middle latency.
_BELOW, _ABOVE = 130, 320
_CENTRE = index_of(1 << 20)


@dataclass(frozen=True, slots=True)
class PoolPace:
    """How fast a pool is: of one I/O alone, of a volume at most, and of all volumes together at most."""

    read_lat_ns: float
    write_lat_ns: float
    most_iops: float
    most_bytes_per_s: float
    all_bytes_per_s: float
    #: Spread of single latencies, as the standard deviation of their logarithm.
    spread: float

    def faster(self, factor: float) -> PoolPace:
        return replace(
            self,
            read_lat_ns=self.read_lat_ns / factor,
            write_lat_ns=self.write_lat_ns / factor,
            most_iops=self.most_iops * factor,
            most_bytes_per_s=self.most_bytes_per_s * factor,
            all_bytes_per_s=self.all_bytes_per_s * factor,
        )


def pool_pace(name: str, seed: int) -> PoolPace:
    """The pace of the pool ``name``: slower with more copies or chunks, as far as its name tells."""
    chance = random.Random(f"{seed}/{name}")
    copies = {"rep1": 0.7, "rep2": 0.9, "rep3": 1.1}
    factor = next((value for word, value in copies.items() if word in name), 1.0)
    if "ec" in name.split("-"):
        factor = 1.6
    if "cephfs" in name or "file" in name:
        factor *= 1.25
    factor *= chance.uniform(0.9, 1.1)
    return PoolPace(
        read_lat_ns=450_000 * factor,
        write_lat_ns=1_400_000 * factor,
        most_iops=48_000 / factor,
        most_bytes_per_s=1.1e9 / factor,
        all_bytes_per_s=5.2e9 / factor,
        spread=chance.uniform(0.3, 0.5),
    )


@lru_cache(64)
def _template(spread: float, tail: float) -> tuple[tuple[int, float], ...]:
    """Shares of I/Os by bucket, around the one of `_CENTRE`: lognormal, with a second hump in the tail."""
    middle = VALUES_NS[_CENTRE]
    shares = []
    for index in range(_CENTRE - _BELOW, _CENTRE + _ABOVE):
        distance = math.log(VALUES_NS[index] / middle)
        main = math.exp(-0.5 * (distance / spread) ** 2)
        slow = tail * math.exp(-0.5 * ((distance - 1.7) / (1.6 * spread)) ** 2)
        shares.append((index, main + slow))
    whole = sum(share for _, share in shares)
    return tuple((index, share / whole) for index, share in shares if share > 3e-6 * whole)


def histogram(mean_ns: float, ios: int, spread: float, tail: float = 0.012) -> Histogram:
    """About ``ios`` I/Os around ``mean_ns``."""
    centre = index_of(max(2000, round(mean_ns / math.exp(spread**2 / 2 + 4 * tail))))
    step = centre - _CENTRE
    counts = {index + step: round(share * ios) for index, share in _template(round(spread, 2), tail)}
    found = {index: count for index, count in counts.items() if count > 0 and index < len(VALUES_NS)}
    return Histogram(tuple(sorted((found or {centre: max(1, ios)}).items())))


def _latencies(counted: Histogram, runtime_ms: int) -> dict[str, float | int | Histogram]:
    total = counted.total
    mean = sum(VALUES_NS[index] * count for index, count in counted.counts) / total
    squares = sum(VALUES_NS[index] ** 2 * count for index, count in counted.counts) / total
    return {
        "iops_per_s": total / (runtime_ms / 1000),
        "total_ios": total,
        "runtime_ms": runtime_ms,
        "lat_mean_ns": round(mean, 6),
        "lat_stddev_ns": round(math.sqrt(max(0.0, squares - mean * mean)), 6),
        "lat_min_ns": VALUES_NS[counted.counts[0][0]],
        "lat_max_ns": VALUES_NS[counted.counts[-1][0]],
        "histogram": counted,
    }


def _section(
    section: Section, phase: int, pace: PoolPace, guests: int, factor: float, runtime_s: int
) -> JobResult:
    queue = section.iodepth * section.numjobs
    found: dict[str, DirectionResult | None] = {"read": None, "write": None}
    share = float(section.options.get("rwmixread", 50)) / 100 if len(section.directions) == 2 else 1.0
    sync = None
    for direction in sorted(section.directions):
        size = section.block_bytes[direction][0]
        alone = pace.read_lat_ns if direction == "read" else pace.write_lat_ns
        most = min(pace.most_iops, pace.most_bytes_per_s / size, pace.all_bytes_per_s / size / guests)
        part = share if direction == "read" else 1.0 - share if len(section.directions) == 2 else 1.0
        # A queue that is short goes at the pace of its latency, a long one at that of the volume.
        lat_ns = max(alone + size * 0.12, 1e9 * queue / most) / factor
        rate = queue / lat_ns * 1e9 * part
        every = int(section.options.get("fsync", 0) or 0)
        if every and direction == "write":
            rate = 1e9 / (lat_ns + 2 * pace.write_lat_ns / every)
            commits = histogram(1.6 * pace.write_lat_ns, max(1, round(rate * runtime_s / every)), pace.spread)
            sync = LatencyResult(**_latencies(commits, 1000 * runtime_s))  # type: ignore[arg-type]
        counted = histogram(lat_ns, max(1, round(rate * runtime_s)), pace.spread)
        values = _latencies(counted, 1000 * runtime_s)
        found[direction] = DirectionResult(
            **values,  # type: ignore[arg-type]
            bw_bytes_per_s=values["iops_per_s"] * size,  # type: ignore[operator]
        )
    options = section.options
    load = " ".join(
        f"{name}={options[name]}" for name in ("rw", "bs", "iodepth", "numjobs", "fsync") if name in options
    )
    kind = " ".join(f"{name}={value}" for name, value in sorted(options.items()) if name != "stonewall")
    return JobResult(
        name=section.name,
        phase=phase,
        load=load,
        kind=kind,
        read=found["read"],
        write=found["write"],
        sync=sync,
    )


def fio_results(
    job: Job,
    pace: PoolPace,
    names: tuple[str, ...],
    runtime_s: int,
    chance: random.Random,
    *,
    starved: bool = False,
) -> dict[str, FioResult]:
    """What fio says in each of the guests ``names``; with ``starved`` the last one gets a tenth."""
    results = {}
    of_key = math.exp(chance.gauss(0, 0.03))
    for number, name in enumerate(names):
        factor = of_key * math.exp(chance.gauss(0, 0.02))
        if starved and number == len(names) - 1:
            factor *= 0.1
        jobs = tuple(
            _section(section, job.phase_of(section.name), pace, len(names), factor, runtime_s)
            for section in job.sections
        )
        results[name] = FioResult(fio_version="fio-3.39", jobs=jobs)
    return results


def series_of(result: FioResult, chance: random.Random, form: str = "level") -> tuple[Series, ...]:
    """A sample each second. ``form``: level, drift, burst, stall."""
    found = []
    for job in result.jobs:
        for direction in ("read", "write"):
            part: DirectionResult | None = getattr(job, direction)
            if part is None:
                continue
            seconds = max(1, part.runtime_ms // 1000)
            shape = [
                _shape(form, second / seconds) * math.exp(chance.gauss(0, 0.02)) for second in range(seconds)
            ]
            scale = part.iops_per_s * seconds / sum(shape)
            p99 = part.histogram.percentile_ns(99)
            samples = tuple(
                Sample(
                    1000 * (second + 1),
                    rate * scale,
                    round(part.lat_mean_ns / max(0.05, rate)),
                    p99,
                    part.lat_max_ns,
                )
                if rate > 1e-3
                else Sample(1000 * (second + 1), 0.0)
                for second, rate in enumerate(shape)
            )
            found.append(Series(job=job.name, direction=direction, sample_ms=1000, samples=samples))
    return tuple(found)


def _shape(form: str, at: float) -> float:
    shapes: Mapping[str, float] = {
        "level": 1.0,
        "drift": 1.3 - 0.6 * at,
        "burst": 2.2 if at < 0.25 else 0.8,
        "stall": 1e-6 if 0.4 <= at < 0.55 else 1.1,
    }
    return shapes[form]

"""The answer of a simulated fio: the json+ structure of fio 3.33, filled from the storage model.

Counts, histograms, percentiles and means agree with each other as fio's own do. Every document carries
``"marking": "SIMULATED"`` beside the fields that fio writes.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate
from operator import mul
from random import Random
from typing import Any

from pytest_odfperf.fio.histogram import BUCKETS, VALUES_NS, Histogram
from pytest_odfperf.sandbox.config.parse_config import ModelConfig
from pytest_odfperf.sandbox.machines.simulated.simulated_job import SimulatedJob, SimulatedSection
from pytest_odfperf.sandbox.machines.simulated.simulated_log import log_files
from pytest_odfperf.sandbox.machines.simulated.volume.course import Course, courses
from pytest_odfperf.sandbox.machines.simulated.volume.latency_spread import (
    beyond_histogram,
    changing_histogram,
    lognormal_histogram,
)
from pytest_odfperf.sandbox.machines.simulated.volume.pace import Pace, speeds
from pytest_odfperf.sandbox.machines.simulated.volume.storage_model import Limits, Rate, rates

_EVEN = Pace()
VERSION = "fio-3.33"
MARKING = "SIMULATED"
_PERCENTILES = (1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 99.5, 99.9, 99.95, 99.99)
_SHOWN = [f"{percent:.6f}" for percent in _PERCENTILES]
#: What a submission takes; the rest of a latency is its completion.
_SUBMIT_NS = 4_000
#: More I/Os than these do not change how they are spread.
_MANY = 100_000
_DEPTHS = ("1", "2", "4", "8", "16", "32", ">=64")
_NS = ("2", "4", "10", "20", "50", "100", "250", "500", "750", "1000")
_MS = (*_NS, "2000", ">=2000")

#: Of reads and of writes; None where the speed does not change.
Courses = tuple[Course | None, Course | None]


@lru_cache(64)
def _submit_latencies(total: int) -> Mapping[str, Any]:
    return _spread(lognormal_histogram(_SUBMIT_NS, 0.3, total) if total else None, bins=False)


def answer(
    job: SimulatedJob,
    model: ModelConfig,
    limits: Sequence[Limits],
    random: Random,
    *,
    directory: str | None,
    ended_epoch_s: float | None = None,
    error: int = 0,
    pace: Pace = _EVEN,
) -> tuple[dict[str, Any], dict[str, str]]:
    """fio's document for the whole job, and its log files by name.

    ``error`` is an errno that every section ends with; ``pace`` how fast the volume goes. It ends
    ``ended_epoch_s``, or now.
    """
    pace = replace(pace, jitter=model.jitter)
    now = time.time() if ended_epoch_s is None else ended_epoch_s
    entries: list[dict[str, Any]] = []
    logs: dict[str, str] = {}
    worker = 1
    elapsed = 0.0
    for group, phase in enumerate(job.phases):
        elapsed += max(s.ramp_s + s.runtime_s for s in phase)
        noise = random.getstate()
        got = rates(model, [s.load for s in phase], limits, random)
        for section, rate in zip(phase, got, strict=True):
            course: Courses = (None, None)
            if not pace.even and not error:
                course = _courses(section, rate, model, limits, noise, pace, random)
            entries.append(_entry(section, rate, model, group, math.ceil(elapsed) + 1, error, course))
            logs |= log_files(section, entries[-1], worker, course)
            worker += section.numjobs
    document = {
        "fio version": VERSION,
        "timestamp": int(now),
        "timestamp_ms": int(now * 1000),
        "time": time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime(now)),
        "marking": MARKING,
        "global options": {**({"directory": directory} if directory else {}), **job.global_options},
        "jobs": entries,
        "disk_util": [],
    }
    return document, logs


def _courses(
    section: SimulatedSection,
    rate: Rate,
    model: ModelConfig,
    limits: Sequence[Limits],
    noise: Any,
    pace: Pace,
    random: Random,
) -> Courses:
    same = Random()  # noqa: S311 - noise, not a secret
    same.setstate(noise)
    load = replace(section.load, read_rate_iops=None, write_rate_iops=None)
    (free,) = rates(model, [load], limits, same)
    return courses(section.load, rate, free, speeds(pace, section.runtime_s, random))


def _entry(
    section: SimulatedSection,
    rate: Rate,
    model: ModelConfig,
    group: int,
    elapsed_s: int,
    error: int,
    course: Courses,
) -> dict[str, Any]:
    seconds = 0.0 if error else section.runtime_s
    size = section.load.block_bytes
    read = _direction(rate.read_iops, rate.read_lat_mean_ns, model.read_sigma, size, seconds, course[0])
    write = _direction(rate.write_iops, rate.write_lat_mean_ns, model.write_sigma, size, seconds, course[1])
    depth = max(d for d in (1, 2, 4, 8, 16, 32, 64) if d <= section.iodepth)
    levels = dict.fromkeys(_DEPTHS, 0.0) | {">=64" if depth == 64 else str(depth): 100.0}
    sizes = {"0": 0.0, "4": 100.0, "8": 0.0, "16": 0.0, "32": 0.0, "64": 0.0, ">=64": 0.0}
    return {
        "jobname": section.name,
        "groupid": group,
        "error": error,
        "eta": 0,
        "elapsed": elapsed_s,
        "job options": dict(section.options),
        "read": read,
        "write": write,
        "trim": _direction(0.0, 0.0, 0.0, size, 0.0),
        "sync": _sync(section, write["total_ios"], rate.sync_lat_mean_ns, model.write_sigma),
        "job_runtime": int(seconds * 1000) * section.numjobs,
        "usr_cpu": 1.0,
        "sys_cpu": 4.0,
        "ctx": read["total_ios"] + write["total_ios"],
        "majf": 0,
        "minf": 0,
        "iodepth_level": levels,
        "iodepth_submit": sizes,
        "iodepth_complete": sizes,
        **_latency_shares(*(Histogram.from_bins(part["lat_ns"].get("bins", {})) for part in (read, write))),
        "latency_depth": section.iodepth,
        "latency_target": 0,
        "latency_percentile": 100.0,
        "latency_window": 0,
    }


def _sync(section: SimulatedSection, writes: int, lat_mean_ns: float, sigma: float) -> dict[str, Any]:
    total = writes // section.load.sync_every if section.load.sync_every else 0
    lat = lognormal_histogram(lat_mean_ns, sigma, total) if total else None
    # fio counts those of fdatasync in the latencies only.
    counted = total if section.options.get("fsync") else 0
    return {"total_ios": counted, "lat_ns": _spread(lat)}


def _direction(
    iops: float, lat_mean_ns: float, sigma: float, size: int, seconds: float, course: Course | None = None
) -> dict[str, Any]:
    total = round(iops * seconds) if course is None else course.total
    runtime_ms = int(seconds * 1000) if total else 0
    if course is None:
        completes_ns = max(lat_mean_ns - _SUBMIT_NS, lat_mean_ns / 2)
        lat = lognormal_histogram(lat_mean_ns, sigma, total) if total else None
        clat = lognormal_histogram(completes_ns, sigma, total) if total else None
    else:
        lat = changing_histogram(course, sigma, 0) if total else None
        clat = changing_histogram(course, sigma, _SUBMIT_NS) if total else None
    per_s = 1000 * total / runtime_ms if runtime_ms else 0.0
    samples = int(seconds * 2) if total else 0
    kib = total * size // 1024
    kib_per_s = kib * 1000 / runtime_ms if runtime_ms else 0.0
    return {
        "io_bytes": total * size,
        "io_kbytes": kib,
        "bw_bytes": int(per_s * size),
        "bw": int(kib_per_s),
        "iops": round(per_s, 6),
        "runtime": runtime_ms,
        "total_ios": total,
        "short_ios": 0,
        "drop_ios": 0,
        "slat_ns": {**_submit_latencies(min(total, _MANY)), "N": total},
        "clat_ns": _spread(clat) | beyond_histogram(clat, course),
        "lat_ns": _spread(lat) | beyond_histogram(lat, course),
        "bw_min": int(kib_per_s * 0.97),
        "bw_max": int(kib_per_s * 1.03),
        "bw_agg": 100.0 if total else 0.0,
        "bw_mean": round(kib_per_s, 6),
        "bw_dev": round(kib_per_s * 0.01, 6),
        "bw_samples": samples,
        "iops_min": int(per_s * 0.97),
        "iops_max": math.ceil(per_s * 1.03),
        "iops_mean": round(per_s, 6),
        "iops_stddev": round(per_s * 0.01, 6),
        "iops_samples": samples,
    }


def _spread(histogram: Histogram | None, *, bins: bool = True) -> dict[str, Any]:
    """fio's min, max, mean, stddev, N, and its percentiles and bins."""
    if histogram is None or not histogram.counts:
        return {"min": 0, "max": 0, "mean": 0.0, "stddev": 0.0, "N": 0}
    total = histogram.total
    values, counts = [VALUES_NS[index] for index, _ in histogram.counts], [n for _, n in histogram.counts]
    mean = sum(map(mul, values, counts)) / total
    off = [value - mean for value in values]
    square = sum(map(mul, map(mul, off, off), counts))
    spread: dict[str, Any] = {
        "min": values[0],
        "max": values[-1],
        "mean": round(mean, 6),
        "stddev": round(math.sqrt(square / max(1, total - 1)), 6),
        "N": total,
    }
    if bins:
        spread["percentile"] = dict(zip(_SHOWN, histogram.percentiles_ns(_PERCENTILES), strict=True))
        spread["bins"] = histogram.bins
    return spread


#: Unit, mark, and the bucket at which what is not below the mark begins.
_MARKS = [
    (unit, mark, BUCKETS if mark.startswith(">") else bisect_left(VALUES_NS, int(mark) * scale))
    for unit, marks, scale in (("ns", _NS, 1), ("us", _NS, 1_000), ("ms", _MS, 1_000_000))
    for mark in marks
]


def _latency_shares(*parts: Histogram) -> dict[str, dict[str, float]]:
    """Percent of the I/Os of both directions up to each mark, by ns, us and ms."""
    buckets, counts = [0], [0]
    for index, count in Histogram(()).merge(*parts).counts:
        buckets.append(index)
        counts.append(count)
    done = list(accumulate(counts))
    total = done[-1] or 1
    shares: dict[str, dict[str, float]] = {"latency_ns": {}, "latency_us": {}, "latency_ms": {}}
    below = 0
    for unit, mark, top in _MARKS:
        upto = done[bisect_left(buckets, top, 1) - 1]
        shares[f"latency_{unit}"][mark] = round(100 * (upto - below) / total, 6)
        below = upto
    return shares

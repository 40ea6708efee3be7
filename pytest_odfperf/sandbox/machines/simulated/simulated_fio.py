"""The answer of a simulated fio: the json+ structure of fio 3.33, filled from the storage model.

Counts, histograms, percentiles and means agree with each other as fio's own do. Every document carries
``"marking": "SIMULATED"`` beside the fields that fio writes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from random import Random
from statistics import NormalDist
from typing import Any

from pytest_odfperf.fio.histogram import Histogram, index_of, value_of
from pytest_odfperf.sandbox.config.parse_config import ModelConfig
from pytest_odfperf.sandbox.machines.simulated.simulated_job import SimulatedJob, SimulatedSection
from pytest_odfperf.sandbox.machines.simulated.simulated_log import log_files
from pytest_odfperf.sandbox.machines.simulated.storage_model import Limits, Rate, rates

VERSION = "fio-3.33"
MARKING = "SIMULATED"
_PERCENTILES = (1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 99.5, 99.9, 99.95, 99.99)
#: What a submission takes; the rest of a latency is its completion.
_SUBMIT_NS = 4_000
_DEPTHS = ("1", "2", "4", "8", "16", "32", ">=64")
_NS = ("2", "4", "10", "20", "50", "100", "250", "500", "750", "1000")
_MS = (*_NS, "2000", ">=2000")


def lognormal_histogram(mean_ns: float, sigma: float, total: int) -> Histogram:
    """``total`` latencies as a lognormal distribution spreads them; its mean is ``mean_ns``."""
    normal = NormalDist(math.log(mean_ns) - sigma * sigma / 2, max(sigma, 1e-3))
    low = index_of(max(0, int(math.exp(normal.mean - 5 * normal.stdev))))
    high = index_of(int(math.exp(normal.mean + 5 * normal.stdev)))
    edges = [(value_of(i) + value_of(i + 1)) / 2 for i in range(low, high)]
    done = [0, *(round(total * normal.cdf(math.log(max(edge, 1.0)))) for edge in edges), total]
    return Histogram.of({low + i: after - before for i, (before, after) in enumerate(pairwise(done))})


def answer(
    job: SimulatedJob,
    model: ModelConfig,
    limits: Sequence[Limits],
    random: Random,
    *,
    directory: str | None,
    error: int = 0,
) -> tuple[dict[str, Any], dict[str, str]]:
    """fio's document for the whole job, and its log files by name.

    ``error`` is an errno that every section ends with.
    """
    now = time.time()
    entries: list[dict[str, Any]] = []
    logs: dict[str, str] = {}
    worker = 1
    elapsed = 0.0
    for group, phase in enumerate(job.phases):
        elapsed += max(s.ramp_s + s.runtime_s for s in phase)
        got = rates(model, [s.load for s in phase], limits, random)
        for section, rate in zip(phase, got, strict=True):
            entries.append(_entry(section, rate, model, group, math.ceil(elapsed) + 1, error))
            logs |= log_files(section, entries[-1], worker)
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


def _entry(
    section: SimulatedSection, rate: Rate, model: ModelConfig, group: int, elapsed_s: int, error: int
) -> dict[str, Any]:
    seconds = 0.0 if error else section.runtime_s
    size = section.load.block_bytes
    read = _direction(rate.read_iops, rate.read_lat_mean_ns, model.read_sigma, size, seconds)
    write = _direction(rate.write_iops, rate.write_lat_mean_ns, model.write_sigma, size, seconds)
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
        **_latency_shares(read, write),
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


def _direction(iops: float, lat_mean_ns: float, sigma: float, size: int, seconds: float) -> dict[str, Any]:
    total = round(iops * seconds)
    runtime_ms = int(seconds * 1000) if total else 0
    lat = lognormal_histogram(lat_mean_ns, sigma, total) if total else None
    clat = (
        lognormal_histogram(max(lat_mean_ns - _SUBMIT_NS, lat_mean_ns / 2), sigma, total) if total else None
    )
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
        "slat_ns": _spread(lognormal_histogram(_SUBMIT_NS, 0.3, total) if total else None, bins=False),
        "clat_ns": _spread(clat),
        "lat_ns": _spread(lat),
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
    values = [(value_of(index), count) for index, count in histogram.counts]
    mean = sum(value * count for value, count in values) / total
    square = sum((value - mean) ** 2 * count for value, count in values) / max(1, total - 1)
    spread: dict[str, Any] = {
        "min": values[0][0],
        "max": values[-1][0],
        "mean": round(mean, 6),
        "stddev": round(math.sqrt(square), 6),
        "N": total,
    }
    if bins:
        spread["percentile"] = {f"{p:.6f}": histogram.percentile_ns(p) for p in _PERCENTILES}
        spread["bins"] = histogram.bins
    return spread


def _latency_shares(read: Mapping[str, Any], write: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Percent of the I/Os of both directions up to each mark, by ns, us and ms."""
    counts: dict[int, int] = {}
    for part in (read, write):
        for value, count in part["lat_ns"].get("bins", {}).items():
            counts[int(value)] = counts.get(int(value), 0) + count
    total = sum(counts.values()) or 1
    shares: dict[str, dict[str, float]] = {}
    below = 0.0
    for unit, marks, scale in (("ns", _NS, 1), ("us", _NS, 1_000), ("ms", _MS, 1_000_000)):
        shares[f"latency_{unit}"] = {}
        for mark in marks:
            top = math.inf if mark.startswith(">") else int(mark) * scale
            share = sum(count for value, count in counts.items() if below <= value < top)
            shares[f"latency_{unit}"][mark] = round(100 * share / total, 6)
            below = top
    return shares

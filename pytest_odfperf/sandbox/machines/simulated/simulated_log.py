"""The log files that a simulated fio writes, as fio 3.33 forms them: ``write_hist_log`` above all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_odfperf.fio.completion_log import COARSENESS, log_name
from pytest_odfperf.fio.histogram import BUCKETS, index_of
from pytest_odfperf.sandbox.machines.simulated.simulated_job import SimulatedSection

_COLUMNS = BUCKETS >> COARSENESS


def log_files(section: SimulatedSection, entry: Mapping[str, Any], first_worker: int) -> dict[str, str]:
    """All log files of the workers of ``section`` by name; ``entry`` is what the JSON says of it."""
    logs: dict[str, str] = {}
    for worker in range(section.numjobs):
        number = first_worker + worker
        if section.hist_log is not None:
            prefix, every_ms = section.hist_log
            lines = sorted(_lines(section, entry, worker, every_ms))
            logs[log_name(prefix, number)] = "".join(line for _, line in lines)
        for kind, prefix in section.averaged_logs.items():
            # fio logs three latencies under one name.
            for one in ("slat", "clat", "lat") if kind == "lat" else (kind,):
                logs[f"{prefix}_{one}.{number}.log"] = "".join(_averages(section, entry, one))
    return logs


def _averages(section: SimulatedSection, entry: Mapping[str, Any], kind: str) -> Iterator[str]:
    """A worker's means over each ``log_avg_msec``; without that one for the whole run, not for each I/O."""
    runtime_ms = int(1000 * section.runtime_s)
    every_ms = section.log_avg_ms or runtime_ms
    for end_ms in range(every_ms, runtime_ms + 1, every_ms):
        for number, direction in enumerate(("read", "write")):
            part = entry[direction]
            if part["total_ios"]:
                values = {"bw": part["bw"] / section.numjobs, "iops": part["iops"] / section.numjobs}
                value = values[kind] if kind in values else part[f"{kind}_ns"]["mean"]
                yield f"{end_ms}, {value:.0f}, {number}, 0, 0\n"


def _lines(
    section: SimulatedSection, entry: Mapping[str, Any], worker: int, every_ms: int
) -> Iterator[tuple[int, str]]:
    for number, direction in enumerate(("read", "write")):
        part = entry[direction]
        total, runtime_ms = part["total_ios"], part["runtime"]
        # I/Os come evenly, and the workers take turns.
        own = total // section.numjobs + (worker < total % section.numjobs)
        columns = _columns(part["lat_ns"].get("bins", {}))
        done = 0
        for end_ms in range(every_ms, int(runtime_ms) + 1, every_ms):
            new, done = own * end_ms // runtime_ms - done, own * end_ms // runtime_ms
            if new:
                counts = ", ".join(map(str, _spread(new, columns)))
                yield end_ms, f"{end_ms}, {number}, {section.load.block_bytes}, {counts}\n"


def _spread(ios: int, columns: list[int]) -> list[int]:
    """``ios`` in the proportions of ``columns``; what is left of them goes to the largest."""
    counts = [ios * count // sum(columns) for count in columns]
    counts[columns.index(max(columns))] += ios - sum(counts)
    return counts


def _columns(bins: Mapping[str, int]) -> list[int]:
    counts = [0] * _COLUMNS
    for value_ns, count in bins.items():
        counts[index_of(int(value_ns)) >> COARSENESS] += count
    return counts

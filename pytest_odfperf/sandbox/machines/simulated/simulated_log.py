"""The logs of completions that a simulated fio writes: ``write_hist_log``, as fio 3.33 forms them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_odfperf.fio.completion_log import COARSENESS, log_name
from pytest_odfperf.fio.histogram import BUCKETS, index_of
from pytest_odfperf.sandbox.machines.simulated.simulated_job import SimulatedSection

_COLUMNS = BUCKETS >> COARSENESS


def completion_logs(section: SimulatedSection, entry: Mapping[str, Any], first_worker: int) -> dict[str, str]:
    """The log of each worker of ``section`` by name; ``entry`` is what the JSON says of it."""
    if section.hist_log is None:
        return {}
    prefix, every_ms = section.hist_log
    return {
        log_name(prefix, first_worker + worker): "".join(
            line for _, line in sorted(_lines(section, entry, worker, every_ms))
        )
        for worker in range(section.numjobs)
    }


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

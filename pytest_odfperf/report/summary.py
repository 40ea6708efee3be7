"""Counts per pool, for the terminal and for ``.pool-summary``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pytest_odfperf.measure.record import Record


def latest(records: Iterable[Record]) -> list[Record]:
    """Of each test its last record: a resumed run appends a second one for what it measured anew."""
    found: dict[str, Record] = {}
    for record in records:
        found[record.test] = record
    return list(found.values())


@dataclass(frozen=True, slots=True)
class PoolCounts:
    """``failed`` includes errors; skipped tests were not run."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def run(self) -> int:
        return self.passed + self.failed

    @property
    def line(self) -> str:
        """The content of ``.pool-summary``: run, passed, failed, skipped."""
        return f"{self.run} {self.passed} {self.failed} {self.skipped}\n"


def count(records: Iterable[Record]) -> dict[str, PoolCounts]:
    """By pool, in the order of their first records."""
    found: dict[str, PoolCounts] = {}
    for record in records:
        old = found.get(record.key.pool, PoolCounts())
        found[record.key.pool] = PoolCounts(
            old.passed + (record.status == "passed"),
            old.failed + (record.status in ("failed", "error")),
            old.skipped + (record.status == "skipped"),
        )
    return found


def per_pool_results(counts: Mapping[str, PoolCounts], log: Callable[[str], str]) -> list[str]:
    """The block at the end of the terminal's output; ``log`` gives the path of a pool's log."""
    width = max((len(pool) for pool in counts), default=0) + 1
    lines = ["Per-pool results:"]
    for pool, one in counts.items():
        lines.append(
            f"  {pool + ':':<{width}} {one.passed}/{one.run} passed, {one.failed} failed, "
            f"{one.skipped} skipped (log: {log(pool)})"
        )
    return lines

"""Counts per pool, for the terminal and for ``.pool-summary``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_odfperf.measure.record import Record
from pytest_odfperf.measure.verdicts.doubt import Doubt


def latest(records: Iterable[Record]) -> list[Record]:
    """Of each test its last record: a resumed run appends a second one for what it measured anew."""
    found: dict[str, Record] = {}
    for record in records:
        found[record.test] = record
    return list(found.values())


@dataclass(frozen=True, slots=True)
class PoolCounts:
    """``failed`` includes errors; skipped tests were not run. The verdicts are of all that were measured."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    valid: int = 0
    suspect: int = 0
    invalid: int = 0

    @property
    def run(self) -> int:
        return self.passed + self.failed

    @property
    def line(self) -> str:
        """The content of ``.pool-summary``: run, passed, failed, skipped. Scripts read these four numbers."""
        return f"{self.run} {self.passed} {self.failed} {self.skipped}\n"

    @property
    def verdicts(self) -> str:
        return f"{self.valid} valid, {self.suspect} suspect, {self.invalid} invalid"


def count(records: Iterable[Record], pools: Iterable[str] = ()) -> dict[str, PoolCounts]:
    """By pool: first ``pools``, though they may have no record, then others as their records come."""
    found: dict[str, PoolCounts] = {pool: PoolCounts() for pool in pools}
    for record in records:
        old = found.get(record.key.pool, PoolCounts())
        found[record.key.pool] = PoolCounts(
            old.passed + (record.status == "passed"),
            old.failed + (record.status in ("failed", "error")),
            old.skipped + (record.status == "skipped"),
            old.valid + (record.verdict == "valid"),
            old.suspect + (record.verdict == "suspect"),
            old.invalid + (record.verdict == "invalid"),
        )
    return found


def per_pool_results(
    counts: Mapping[str, PoolCounts], log: Callable[[str], str], not_run: Mapping[str, int] | None = None
) -> list[str]:
    """The block at the end of the terminal's output; ``log`` gives the path of a pool's log.

    ``not_run`` are the tests by pool that never ended, in a run that was cut short.
    """
    width = max((len(pool) for pool in counts), default=0) + 1
    lines = ["Per-pool results:"]
    for pool, one in counts.items():
        missing = (not_run or {}).get(pool, 0)
        lines.append(
            f"  {pool + ':':<{width}} {one.passed}/{one.run} passed, {one.failed} failed, "
            f"{one.skipped} skipped{f', {missing} not run' if missing else ''}"
            f"{f'; {one.verdicts}' if one.suspect or one.invalid else ''} (log: {log(pool)})"
        )
    return lines


def verdict_lines(records: Sequence[Record]) -> list[str]:
    """How many results are valid, suspect and invalid, and what the rules object to, the most often first."""
    counts = Counter(record.verdict for record in records if record.verdict)
    if not counts:
        return []
    total = PoolCounts(valid=counts["valid"], suspect=counts["suspect"], invalid=counts["invalid"])
    codes = Counter(f"{doubt.level} {doubt.code}" for record in records for doubt in _one_of_each(record))
    said = ", ".join(f"{code} ({number})" for code, number in codes.most_common())
    return [f"Verdicts: {total.verdicts}" + (f": {said}" if said else "")]


def _one_of_each(record: Record) -> Iterable[Doubt]:
    return {(doubt.level, doubt.code): doubt for doubt in record.doubts}.values()


def buffered_line(records: Iterable[Record]) -> str | None:
    """What is said of results that went through the guests' page cache; None if there are none."""
    found = [record for record in records if record.buffered]
    if not found:
        return None
    profiles = ", ".join(sorted({record.key.profile for record in found}))
    results = "1 result" if len(found) == 1 else f"{len(found)} results"
    return f"{results} of {profiles} went through the guests' page cache (direct=0), not only to the pool"

"""From records to the figures that runs are compared by: rates and p99, by key and direction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.aggregate import LatencyMeasurement
from pytest_odfperf.measure.record import DIRECTIONS, Record

Metric = Literal["rate", "lat_p99"]

#: The run, and the round of it, that a repeat was in: runs that are merged have rounds of their own.
Round = tuple[str, int]

#: Bandwidth at a fixed block size is the rate once more.
METRICS: tuple[Metric, ...] = ("rate", "lat_p99")


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Cell:
    """One figure of a key. ``section``: of the profile; empty for the key as a whole."""

    key: Key
    section: str
    direction: str
    metric: Metric

    @property
    def pattern(self) -> str:
        """What keys of a family have in common, beside the pool: ``random-rw read``."""
        return " ".join(filter(None, (self.key.profile, self.section, self.direction)))

    @property
    def what(self) -> str:
        """The figure's name: ``read rate``, ``wal write p99``."""
        name = "rate" if self.metric == "rate" else "p99"
        return " ".join(filter(None, (self.section, self.direction, name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """A run's figures: one for each repeat, in IOPS or ns."""

    values: dict[Cell, tuple[float, ...]] = field(default_factory=dict)
    #: The round of each of the ``values``; nothing of a cell: all were in one.
    rounds: dict[Cell, tuple[Round, ...]] = field(default_factory=dict)
    #: Keys with a result that is doubted, and by what; they are compared all the same, and marked.
    suspect: dict[Key, str] = field(default_factory=dict)
    #: Keys with a result that is no measurement, and by what; it is not among ``values``.
    invalid: dict[Key, str] = field(default_factory=dict)

    @property
    def keys(self) -> set[Key]:
        """Those with a figure."""
        return {cell.key for cell in self.values}


def measured_once(records: Iterable[Record]) -> Iterator[Record]:
    """The records with figures, one for each measurement: several tests of a key share one."""
    seen: set[tuple[Key, tuple[str, ...], int]] = set()
    for record in records:
        mark = (record.key, record.artefacts, record.started_at_epoch_ms)
        if record.jobs and mark not in seen:
            seen.add(mark)
            yield record


def figures_of(records: Iterable[Record]) -> RunFigures:
    """The figures of ``records``, those of invalid ones left out."""
    found: dict[Cell, list[float]] = {}
    rounds: dict[Cell, list[Round]] = {}
    figures = RunFigures()
    for record in measured_once(records):
        doubts = "; ".join(dict.fromkeys(doubt.code for doubt in record.doubts))
        if record.verdict == "invalid":
            figures.invalid[record.key] = doubts
            continue
        if record.verdict == "suspect":
            figures.suspect[record.key] = doubts
        for cell, value in cells(record):
            found.setdefault(cell, []).append(value)
            rounds.setdefault(cell, []).append((record.run_id, record.round or 1))
    figures.values.update((cell, tuple(values)) for cell, values in found.items())
    figures.rounds.update((cell, tuple(own)) for cell, own in rounds.items())
    return figures


def cells(record: Record) -> Iterator[tuple[Cell, float]]:
    """The figures of one record. A p99 with too few I/Os above it, or beyond the histogram, is none."""
    parts = [(job.name, job) for job in record.jobs] if record.apart else [("", record)]
    for section, part in parts:
        for direction in DIRECTIONS:
            one: LatencyMeasurement | None = getattr(part, direction)
            if one is None or one.iops_per_s <= 0:
                continue
            yield _cell(record.key, section, direction, "rate"), one.iops_per_s
            if one.lat_p99_trusted and not one.lat_saturated and one.lat_p99_ns > 0:
                yield _cell(record.key, section, direction, "lat_p99"), float(one.lat_p99_ns)


def _cell(key: Key, section: str, direction: str, metric: Metric) -> Cell:
    return Cell(key=key, section=section, direction=direction, metric=metric)

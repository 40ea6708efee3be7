"""What of a record has figures of its own: the key as a whole, or each section where they are unlike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_odfperf.measure.aggregate import DirectionMeasurement, LatencyMeasurement
from pytest_odfperf.measure.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Figures that are shown together. ``name``: the section's; empty for the key as a whole."""

    name: str
    read: DirectionMeasurement | None
    write: DirectionMeasurement | None
    sync: LatencyMeasurement | None


def shown_parts(record: Record) -> list[Part]:
    """One part for the key, or one for each section; none without figures, or if they are invalid."""
    if not record.usable:
        return []
    if record.apart:
        return [Part(name=job.name, read=job.read, write=job.write, sync=job.sync) for job in record.jobs]
    if record.read or record.write or record.sync:
        return [Part(name="", read=record.read, write=record.write, sync=record.sync)]
    return []


def middle_repeat(repeats: Sequence[Record]) -> Record:
    """Of the repeats with figures the one whose IOPS are in the middle (of two the lower), else the last."""
    if len(repeats) == 1:
        return repeats[0]
    ranked = sorted((_iops(record), number) for number, record in enumerate(repeats) if shown_parts(record))
    return repeats[ranked[(len(ranked) - 1) // 2][1]] if ranked else repeats[-1]


def _iops(record: Record) -> float:
    parts = [part for one in shown_parts(record) for part in (one.read, one.write) if part is not None]
    return sum(part.iops_per_s for part in parts)

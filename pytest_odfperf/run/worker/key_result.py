"""What a user's test gets to see of a measurement."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.aggregate import DirectionMeasurement, JobMeasurement, Measurement
from pytest_odfperf.measure.record import GuestRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the record of a key takes over from its measurement."""

    measurement: Measurement
    guests: tuple[GuestRecord, ...]
    #: None if a guest's clock was set while fio ran.
    start_skew_ms: float | None
    marking: str | None
    artefacts: tuple[str, ...]
    #: What happened that does not void the figures.
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One key's measurement, over all guests of its group."""

    key: Key
    measured: Measured

    @property
    def read(self) -> DirectionMeasurement | None:
        """Reads over all phases of the profile; None if it does not read."""
        return self.measured.measurement.read

    @property
    def write(self) -> DirectionMeasurement | None:
        """Writes over all phases of the profile; None if it does not write."""
        return self.measured.measurement.write

    @property
    def jobs(self) -> tuple[JobMeasurement, ...]:
        """Each job of the profile by itself."""
        return self.measured.measurement.jobs

    @property
    def directions(self) -> tuple[DirectionMeasurement, ...]:
        """Those of read and write that were measured."""
        return tuple(part for part in (self.read, self.write) if part is not None)

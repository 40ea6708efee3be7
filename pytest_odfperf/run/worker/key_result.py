"""What a user's test gets to see of a measurement."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_odfperf.errors import UnlikeSectionsError
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.aggregate import (
    DirectionMeasurement,
    JobMeasurement,
    LatencyMeasurement,
    Measurement,
)
from pytest_odfperf.measure.fairness import Fairness
from pytest_odfperf.measure.neighbours import Neighbour
from pytest_odfperf.measure.record import GuestRecord
from pytest_odfperf.measure.storage_health import StorageHealth
from pytest_odfperf.measure.storage_work import StorageWork
from pytest_odfperf.measure.verdicts.doubt import Doubt, verdict_of
from pytest_odfperf.measure.verdicts.invalid import InvalidMeasurementError


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the record of a key takes over from its measurement."""

    measurement: Measurement
    guests: tuple[GuestRecord, ...]
    #: Of the section that served its guests the most unevenly; None for a single guest.
    fairness: Fairness | None = None
    #: By measured offsets of the guests' clocks, which nobody can set.
    start_skew_ms: float | None
    shared_window_ms: float | None = None
    marking: str | None
    artefacts: tuple[str, ...]
    #: What happened that does not void the figures.
    notes: tuple[str, ...] = ()
    #: The guests' fio and kernel, each version once.
    software: tuple[str, ...] = ()
    #: What the rules object to in it.
    doubts: tuple[Doubt, ...] = ()
    #: What ran beside it.
    beside: tuple[Neighbour, ...] = ()
    #: How Ceph's storage was; None: not known, or not Ceph's.
    health: StorageHealth | None = None
    #: What the storage did meanwhile, by its own counters.
    storage: StorageWork | None = None

    def check_valid(self) -> None:
        """Raise `InvalidMeasurementError` if nobody may see its figures."""
        if verdict_of(self.doubts) == "invalid":
            raise InvalidMeasurementError(self.doubts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One key's measurement, over all guests of its group."""

    key: Key
    measured: Measured

    @property
    def read(self) -> DirectionMeasurement | None:
        """Reads of the profile; None if it does not read.

        Raises `UnlikeSectionsError` if several sections read that are unlike: there is no one figure.
        """
        self._check_alike("read")
        return self.measured.measurement.read

    @property
    def write(self) -> DirectionMeasurement | None:
        """Writes of the profile, as `read`."""
        self._check_alike("write")
        return self.measured.measurement.write

    @property
    def sync(self) -> LatencyMeasurement | None:
        """fsync and fdatasync of the profile, as `read`: how long a commit takes."""
        self._check_alike("sync")
        return self.measured.measurement.sync

    @property
    def jobs(self) -> tuple[JobMeasurement, ...]:
        """Each section of the profile by itself, in its order."""
        return self.measured.measurement.jobs

    def job(self, name: str) -> JobMeasurement:
        """The section ``name``. Raises `LookupError` if the profile has none of that name."""
        for job in self.jobs:
            if job.name == name:
                return job
        known = ", ".join(job.name for job in self.jobs)
        raise LookupError(f"profile {self.key.profile} has no section {name!r}, but: {known}")

    @property
    def directions(self) -> tuple[LatencyMeasurement, ...]:
        """Reads, writes and syncs that were measured, of each section by itself."""
        return tuple(
            part for job in self.jobs for part in (job.read, job.write, job.sync) if part is not None
        )

    def _check_alike(self, direction: str) -> None:
        names = [job.name for job in self.jobs if getattr(job, direction) is not None]
        if names and getattr(self.measured.measurement, direction) is None:
            raise UnlikeSectionsError(self.key.profile, direction, names)

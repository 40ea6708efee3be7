"""What the rules look at: all that is known of how one key was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pytest_odfperf.fio.answers.fio_result import DirectionResult, FioResult, JobResult, LatencyResult
from pytest_odfperf.fio.answers.reported import ReportedSection
from pytest_odfperf.fio.job import Direction, Job, Section
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import FioSettings
from pytest_odfperf.measure.neighbours import Neighbour
from pytest_odfperf.measure.series.guest_series import Series
from pytest_odfperf.measure.storage_counters import CountersEvidence
from pytest_odfperf.measure.storage_health import HealthEvidence
from pytest_odfperf.measure.witness import Witness


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestEvidence:
    """One guest. None: not known."""

    name: str
    result: FioResult
    #: What it said of itself when it was connected.
    facts: Mapping[str, Any] = field(default_factory=dict)
    #: On the clock that all guests of the group have in common: this machine's, by measured offsets.
    started_at_epoch_ns: int
    ended_at_epoch_ns: int
    #: How long fio ran, by a clock that nobody can set.
    ran_s: float
    #: Its IOPS and latencies from moment to moment; None: to be made of ``result``.
    series: tuple[Series, ...] | None = None
    #: How far its epoch clock is ahead of this machine's, and the greatest error of that.
    clock_offset_ms: float | None = None
    clock_uncertainty_ms: float | None = None
    #: How far its epoch clock was set while fio ran.
    clock_jump_s: float = 0.0
    #: How long after the instant that all were told it began.
    late_ms: float | None = None
    #: What it saw of its disks and memory; else why that can not be read.
    witness: Witness | None = None
    witness_problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One key, over the guests of its group."""

    key: Key
    job: Job
    settings: FioSettings
    guests: tuple[GuestEvidence, ...]
    #: What the pool's volumes can not exceed, in IOPS and bytes a second: see `matrix.caps.CAPS`.
    caps: Mapping[str, float] = field(default_factory=dict)
    #: The pools, and other runs, that ran beside it.
    beside: tuple[Neighbour, ...] = ()
    #: What the storage said of itself meanwhile; None: not known, or not Ceph's.
    health: HealthEvidence | None = None
    #: What it counted of its own work; None: it is not Ceph's.
    counters: CountersEvidence | None = None

    def sections(self) -> Iterator[SectionEvidence]:
        """Each section of each guest."""
        for guest in self.guests:
            for section, result in zip(self.job.sections, guest.result.jobs, strict=True):
                yield SectionEvidence(guest, section, result)


class SectionEvidence(NamedTuple):
    """One section in one guest: what was asked, and what it came to."""

    guest: GuestEvidence
    section: Section
    result: JobResult

    @property
    def where(self) -> str:
        """For the beginning of a doubt's text."""
        return f"guest {self.guest.name}, job {self.section.name}"

    @property
    def reported(self) -> ReportedSection:
        return self.result.reported

    @property
    def directions(self) -> dict[Direction, DirectionResult]:
        """Reads and writes, as far as it does them."""
        parts: dict[Direction, DirectionResult | None] = {
            "read": self.result.read,
            "write": self.result.write,
        }
        return {name: part for name, part in parts.items() if part is not None}

    @property
    def sorts(self) -> dict[str, LatencyResult]:
        """Reads, writes and syncs."""
        found: dict[str, LatencyResult] = {str(name): part for name, part in self.directions.items()}
        if self.result.sync is not None:
            found["sync"] = self.result.sync
        return found

"""What the rules look at: all that is known of how one key was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_odfperf.fio.answers.fio_result import FioResult
from pytest_odfperf.fio.job import Job
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import FioSettings
from pytest_odfperf.measure.neighbours import Neighbour
from pytest_odfperf.measure.series.guest_series import Series
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
    #: The pools, and other runs, that ran beside it.
    beside: tuple[Neighbour, ...] = ()
    #: What the storage said of itself meanwhile; None: not known, or not Ceph's.
    health: HealthEvidence | None = None

"""What the rules look at: all that is known of how one key was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_odfperf.fio.answers.fio_result import FioResult
from pytest_odfperf.fio.job import Job
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import FioSettings
from pytest_odfperf.measure.series.guest_series import Series


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestEvidence:
    """One guest. None: not known."""

    name: str
    result: FioResult
    #: What it said of itself when it was connected.
    facts: Mapping[str, Any] = field(default_factory=dict)
    #: By its own clock, which nobody else's need be like.
    started_at_epoch_ns: int
    ended_at_epoch_ns: int
    #: How long fio ran, by a clock that nobody can set.
    ran_s: float
    #: Its IOPS and latencies from moment to moment; None: to be made of ``result``.
    series: tuple[Series, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One key, over the guests of its group."""

    key: Key
    job: Job
    settings: FioSettings
    guests: tuple[GuestEvidence, ...]

"""What fio measured in one guest: each section by itself, each direction by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_odfperf.fio.answers.reported import ReportedSection
from pytest_odfperf.fio.completion_log import SectionLog
from pytest_odfperf.fio.histogram import Histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyResult:
    """The I/Os of one sort that completed in the measured time, in one section.

    Latency is fio's ``lat``, from submission to completion; of a sync how long it took.
    """

    iops_per_s: float
    #: The I/Os of the histogram. fio's own ``total_ios`` leaves out some, see `completion_log`.
    total_ios: int
    runtime_ms: int
    lat_mean_ns: float
    lat_stddev_ns: float
    lat_min_ns: int
    lat_max_ns: int
    histogram: Histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionResult(LatencyResult):
    """Reads or writes. The bandwidth is of the same I/Os as the IOPS: IOPS x the mean block size."""

    bw_bytes_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    name: str
    #: Number of the phase it ran in; sections of one phase ran at one time.
    phase: int
    #: What it does, for people: ``rw=randread bs=8k iodepth=16 numjobs=4``.
    load: str = ""
    #: All that decides its figures: sections whose figures may be added or averaged have the same.
    kind: str = ""
    read: DirectionResult | None
    write: DirectionResult | None
    #: fsync, fdatasync and the like: the commits of a database.
    sync: LatencyResult | None = None
    #: What fio says of it itself; the rules of docs/verdicts.md hold the figures against it.
    reported: ReportedSection = field(default_factory=ReportedSection)
    #: When its I/Os completed.
    log: SectionLog = field(default=SectionLog(problem="there is no log of its completions"), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FioResult:
    """One guest's answer to one job."""

    fio_version: str
    jobs: tuple[JobResult, ...]
    #: What is doubtful, and does not void the figures.
    notes: tuple[str, ...] = ()
    #: Lines of fio that say that it did not run the job as written, or not to its end.
    said: tuple[str, ...] = ()
    #: I/Os of each disk that fio lists, by name; None: it does not say how many.
    disk_ios: Mapping[str, float | None] = field(default_factory=dict)

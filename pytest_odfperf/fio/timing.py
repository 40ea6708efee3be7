"""How long a job runs, and how long it may take."""

from __future__ import annotations

from pytest_odfperf.fio.job import Job
from pytest_odfperf.matrix.model import FioSettings, Timeouts

#: The slowest pool that fio's own files are awaited for; one IBM Cloud File share of 500 IOPS writes
#: 32 MiB/s. A pool below it needs a larger ``layout_s``.
LAYOUT_BYTES_PER_S = 20 << 20


def measured_s(job: Job, settings: FioSettings) -> float:
    """Seconds from fio's first I/O to its end, layout not counted: phases x (ramp + runtime)."""
    return float(len(job.phases) * (settings.ramp_s + settings.runtime_s))


def prepare_s(layout_bytes: int, timeouts: Timeouts) -> float:
    """Seconds that a guest may take until it can start a job, its first writing of the disk included."""
    return max(float(timeouts.layout_s), layout_bytes / LAYOUT_BYTES_PER_S)


def deadline_s(job: Job, settings: FioSettings, timeouts: Timeouts) -> float:
    """Seconds after which fio is taken for hung: its layout, its run, what it does at its end, and the slack.

    A job on the shared test file has nothing to lay out; the guest did that before. What is written back at
    a section's end, and the pause that a worker is in at that moment, are outside of its runtime.
    """
    layout_s = 0.0
    if job.own_files_bytes:
        layout_s = max(float(timeouts.layout_s), job.own_files_bytes / LAYOUT_BYTES_PER_S)
    return measured_s(job, settings) + layout_s + end_s(job, LAYOUT_BYTES_PER_S) + timeouts.fio_slack_s


def end_s(job: Job, bytes_per_s: float) -> float:
    """Seconds that the ends of a job's sections take beyond their runtimes, on a pool that writes so fast."""
    return sum(section.flush_bytes / bytes_per_s + section.thinktime_s for section in job.sections)

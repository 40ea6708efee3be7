"""Whether a section keeps its queue full: a closed loop, for which Little's law tells the I/Os in flight."""

from __future__ import annotations

from pytest_odfperf.fio.job_file.section import Section

#: Options that keep the queue from being full, so that the I/Os in flight have an upper bound only.
HELD_BACK = (
    "rate", "rate_iops", "rate_process", "rate_min", "rate_iops_min", "thinktime", "fsync", "fdatasync",
    "sync_file_range", "flow", "latency_target", "iodepth_batch", "iodepth_batch_complete_min",
    "iodepth_batch_complete_max", "iodepth_low", "serialize_overlap", "write_barrier",
)  # fmt: skip


def held_back(section: Section) -> bool:
    """Whether something but the depth decides how many I/Os are in flight."""
    return any(section.options.get(option, "0") != "0" for option in HELD_BACK)

"""Whether fio's answer is one to the job: what it ran, for how long, with how many I/Os, on which disk.

fio ends with 0, and with ``error: 0``, after a worker was killed (only the summed ``job_runtime`` is short),
and with I/Os that failed under ``continue_on_error``. So each figure is held against the others and against
the job. Facts: fio 3.33 and 3.41 (``stat.c``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_odfperf.errors import FioError
from pytest_odfperf.fio.answers.failures import DEFAULT_ENGINE, ERRNO_REASONS, SYNCHRONOUS, errno_text
from pytest_odfperf.fio.job import Direction, Job, Section

#: fio stops a few milliseconds early or late; a run below this share of its time was cut short.
RUNTIME_SHARE = 0.98
#: What a run may take beyond its runtime, and the I/O that it waits for at its end.
_OVERRUN_S, _OVERRUN_SHARE = 2.0, 0.05
#: Another disk that did so many times the I/Os of the data disk did the work.
_OTHER_DISK = 10
#: Options whose value in the answer must be the job's.
_COMPARED = (
    "rw", "rwmixread", "rwmixwrite", "bs", "bsrange", "bssplit", "iodepth", "numjobs", "ioengine", "direct",
    "fsync", "fdatasync", "sync", "rate", "rate_iops", "thinktime", "ramp_time",
    "size", "filename",
)  # fmt: skip
#: Options that take fio's time or histograms away; in the answer, but not in the job, they void it.
_FORBIDDEN = (
    "gtod_reduce", "disable_lat", "disable_clat", "continue_on_error", "steadystate", "unified_rw_reporting",
    "buffered", "verify", "number_ios", "io_size", "loops", "startdelay", "kb_base",
)  # fmt: skip
_OFF = ("", "0", "none")


def check_options(section: Section, entry: Mapping[str, Any], common: Mapping[str, Any]) -> None:
    """Raise `FioError` if fio says that it ran with other options than the job's.

    It does not say those that are written without a value (3.33), so flags that may be so are not asked for.
    """
    own = entry.get("job options")
    if not isinstance(own, Mapping):
        return
    ran = {**common, **own}
    for option in _COMPARED:
        wanted, found = section.options.get(option), ran.get(option)
        if wanted is None or "$" in wanted:
            continue
        if found is None:
            raise FioError("config", f"job {section.name}: fio ran without {option}={wanted:.60}")
        if _value(found) != _value(wanted):
            raise FioError(
                "config", f"job {section.name}: fio ran with {option}={found!s:.60}, not {wanted:.60}"
            )
    for option in _FORBIDDEN:
        found = ran.get(option)
        if option not in section.options and found is not None and str(found) not in _OFF:
            raise FioError("config", f"job {section.name}: fio ran with {option}={found!s:.60}")


def _value(text: Any) -> str:
    """A flag without a value is 1."""
    return str(text).strip() or "1"


def check_errors(entry: Mapping[str, Any]) -> None:
    """Raise `FioError` for a job that failed, or went on after I/Os that failed."""
    name = str(entry.get("jobname"))[:60]
    code, failed = entry.get("error"), entry.get("total_err", 0)
    if not _is_count(code):
        raise FioError("truncated", f"job {name}: the answer does not say whether it failed")
    if code:
        raise FioError(ERRNO_REASONS.get(int(code), "io_error"), f"job {name}: {errno_text(int(code))}")
    if not _is_count(failed) or failed:
        first = entry.get("first_error")
        what = errno_text(int(first)) if _is_count(first) and first else "no error is named"
        raise FioError("io_error", f"job {name}: {failed!r:.30} I/Os failed, and fio went on ({what})")


def _is_count(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == int(value)


def check_runtimes(section: Section, entry: Mapping[str, Any], runtime_s: int, slowest_ns: int) -> None:
    """Raise `FioError` unless each worker ran its time.

    ``job_runtime`` is the sum over a section's workers (3.33 and 3.41). ``slowest_ns`` is the longest I/O,
    which fio awaits at its end, as it does a pause between I/Os.
    """
    what = f"job {section.name}"
    least_ms = RUNTIME_SHARE * 1000 * runtime_s
    most_ms = 1000 * (runtime_s * (1 + _OVERRUN_SHARE) + _OVERRUN_S + section.thinktime_s) + slowest_ns / 1e6
    for direction in sorted(section.directions):
        part = entry.get(direction)
        runtime_ms = part.get("runtime") if isinstance(part, Mapping) else None
        if isinstance(runtime_ms, int | float) and runtime_ms > most_ms:
            raise FioError(
                "inconsistent", f"{what} {direction}: ran {runtime_ms:.0f} ms of {1000 * runtime_s} ms"
            )
    summed_ms = entry.get("job_runtime")
    if summed_ms is None:
        return
    if not isinstance(summed_ms, int | float) or summed_ms > section.numjobs * most_ms:
        raise FioError("inconsistent", f"{what}: its workers ran {summed_ms!r:.30} ms")
    if summed_ms < section.numjobs * least_ms:
        raise FioError(
            "interrupted",
            f"{what}: its {section.numjobs} workers ran {summed_ms:.0f} ms of "
            f"{1000 * section.numjobs * runtime_s} ms: one was killed, or ended early",
        )


def check_counts(
    section: Section, direction: Direction, total_ios: int, completed: int, io_bytes: int
) -> None:
    """Raise `FioError` if I/Os, histogram and bytes are not of one run.

    They differ by no more than what can be in flight at the ramp's end (see `completion_log`).
    """
    what = f"job {section.name} {direction}"
    in_flight = section.numjobs * (section.iodepth + 1)
    if abs(total_ios - completed) > in_flight:
        raise FioError(
            "inconsistent",
            f"{what}: {total_ios} I/Os, but {completed} latencies, with at most {in_flight} in flight",
        )
    low, high = section.block_bytes.get(direction, (1, 1 << 62))
    slack = in_flight * high
    if io_bytes < 1 or not completed * low - slack <= io_bytes <= completed * high + slack:
        raise FioError("inconsistent", f"{what}: {io_bytes} bytes in {completed} I/Os")


def check_depth(section: Section, entry: Mapping[str, Any]) -> None:
    """fio runs a synchronous engine at depth 1, and tells nobody unless its jobs are threads."""
    levels = entry.get("iodepth_level")
    shallow = isinstance(levels, dict) and levels.get("1") == 100
    engine = section.options.get("ioengine", DEFAULT_ENGINE)
    if section.iodepth > 1 and shallow and engine in SYNCHRONOUS:
        raise FioError(
            "config",
            f"job {section.name}: ioengine={engine} is synchronous, it ran at depth 1, not {section.iodepth}",
        )


def check_order(job: Job, entries: list[Mapping[str, Any]], runtime_s: int) -> None:
    """Raise `FioError` if a phase began before the one before it was over; only fio 3.36 and newer says when.

    ``stonewall`` does not wait for a section that has not started.
    """
    starts: dict[int, float] = {}
    for section, entry in zip(job.sections, entries, strict=True):
        start = entry.get("job_start")
        if not isinstance(start, int | float) or not start:
            return
        phase = job.phase_of(section.name)
        starts[phase] = max(start, starts.get(phase, start))
        before = starts.get(phase - 1)
        if before is not None and start - before < RUNTIME_SHARE * 1000 * runtime_s:
            raise FioError("config", f"job {section.name} began before the sections above it were over")


def check_disk(document: Mapping[str, Any], device: str | None, *, buffered: bool = False) -> None:
    """Raise `FioError` if another disk than ``device`` did the I/O, or none, as far as fio says.

    ``disk_util`` is empty where there is no disk. ``buffered``: the page cache may have answered all of it.
    """
    listed = document.get("disk_util")
    disks = [disk for disk in (listed if isinstance(listed, list) else []) if isinstance(disk, dict)]
    found = {
        str(disk.get("name")): sum(
            count for key in ("read_ios", "write_ios") if _is_count(count := disk.get(key, 0))
        )
        for disk in disks
    }
    if not device or not found:
        return
    if device not in found:
        raise FioError(
            "wrong_device", f"the I/O went to {', '.join(list(found)[:4])}, the data disk is {device}"
        )
    other = max((name for name in found if name != device), key=lambda name: found[name], default=None)
    if other is not None and found[other] > _OTHER_DISK * found[device]:
        raise FioError(
            "wrong_device",
            f"{found[other]:.0f} I/Os went to {other}, and {found[device]:.0f} to the data disk {device}",
        )
    told = all("read_ios" in disk for disk in disks if disk.get("name") == device)
    if told and not found[device] and not buffered:
        raise FioError("wrong_device", f"the data disk {device} did no I/O: a memory or a cache answered")

"""fio's json+ answer becomes figures, or an error that names what is wrong with it.

fio's exit code and its JSON each look fine in cases where nothing was measured (a missing engine, a
signal, a full disk), so each figure must be there, and be what the job asked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from pytest_odfperf.errors import FioError
from pytest_odfperf.fio.failures import (
    DEFAULT_ENGINE,
    ERRNO_REASONS,
    SYNCHRONOUS,
    by_words,
    errno_text,
    lines_of,
)
from pytest_odfperf.fio.histogram import Histogram
from pytest_odfperf.fio.job import Direction, Job, Section
from pytest_odfperf.matrix.model import FioSettings

#: fio stops a few milliseconds early or late; a run below this share of its time was cut short.
RUNTIME_SHARE = 0.98

_COUNTER = 2**64

#: Reasons that fio may name and yet give figures, and end with 0.
_VOIDING = ("interrupted", "missing_dependency", "no_space")


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionResult:
    """What one job did in one direction in one guest. Latency is fio's ``lat``: submission to completion."""

    iops_per_s: float
    bw_bytes_per_s: float
    total_ios: int
    runtime_ms: int
    lat_mean_ns: float
    lat_stddev_ns: float
    lat_min_ns: int
    lat_max_ns: int
    histogram: Histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    name: str
    #: Number of the phase it ran in; jobs of one phase ran at one time.
    phase: int
    read: DirectionResult | None
    write: DirectionResult | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FioResult:
    """One guest's answer to one job."""

    fio_version: str
    jobs: tuple[JobResult, ...]


def parse(text: str, job: Job, settings: FioSettings) -> FioResult:
    """The figures of fio's ``--output-format=json+`` file. Raises `FioError`.

    Text before the JSON is fio's: notes (the job is not run as written) and errors. Of several documents
    (``--status-interval``) the last is the final one.
    """
    prefix, document = documents(text)
    _check_prefix(prefix)
    version, entries = document.get("fio version"), document.get("jobs")
    if not isinstance(version, str) or not isinstance(entries, list):
        raise FioError("truncated", "the answer has no 'fio version' or no 'jobs'")
    names = [entry.get("jobname") if isinstance(entry, dict) else None for entry in entries]
    wanted = [section.name for section in job.sections]
    for entry in entries:
        if isinstance(entry, dict):
            _check_error(entry, prefix)
    if names != wanted:
        raise FioError("truncated", f"the answer has the jobs {_shown(names)}, not {_shown(wanted)}")
    jobs = tuple(
        _job(section, entry, job.phase_of(section.name), settings, prefix)
        for section, entry in zip(job.sections, entries, strict=True)
    )
    return FioResult(fio_version=version, jobs=jobs)


def _shown(names: list[Any]) -> str:
    return ", ".join(str(name)[:60] for name in names[:8]) + (", ..." if len(names) > 8 else "") or "(none)"


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def documents(text: str) -> tuple[list[str], dict[str, Any]]:
    """The lines before the JSON, and the last document."""
    if not text.strip():
        raise FioError("empty", "fio wrote no result: it did not start, or was killed before its end")
    start = 0 if text.startswith("{") else text.find("\n{") + 1
    if start == 0 and not text.startswith("{"):
        _check_prefix(lines_of(text))
        raise FioError("config", f"fio did not run: {lines_of(text)[0]}")
    prefix = lines_of(text[:start])
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    document: Any = None
    while start < len(text):
        try:
            document, start = decoder.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            raise FioError(
                "truncated", f"fio's JSON is broken after {len(text)} characters: {error}"
            ) from error
        rest = text[start:]
        following = 0 if rest.lstrip().startswith("{") else rest.find("\n{")
        if following < 0:
            prefix += lines_of(rest)
            break
        gap = rest.index("{", following)
        prefix += lines_of(rest[:gap])
        start += gap
    if not isinstance(document, dict):
        raise FioError("truncated", "fio's answer is not a JSON object")
    return prefix, document


def _check_prefix(lines: list[str]) -> None:
    found = by_words(lines)
    if found and found[0] in _VOIDING:
        raise FioError(*found)
    if note := next((line for line in lines if line.lower().startswith("note:")), None):
        raise FioError("config", f"fio does not run the job as written: {note}")


def _check_error(entry: Mapping[str, Any], prefix: list[str]) -> None:
    code = entry.get("error")
    if code == 0:
        return
    name = str(entry.get("jobname"))[:60]
    if not isinstance(code, int):
        raise FioError("truncated", f"job {name}: the answer does not say whether it failed")
    said = f" ({prefix[0]})" if prefix else ""
    raise FioError(ERRNO_REASONS.get(code, "io_error"), f"job {name}: {errno_text(code)}{said}")


def _check_depth(section: Section, entry: Mapping[str, Any]) -> None:
    """fio runs a synchronous engine at depth 1, and tells nobody unless its jobs are threads."""
    levels = entry.get("iodepth_level")
    shallow = isinstance(levels, dict) and levels.get("1") == 100
    engine = section.options.get("ioengine", DEFAULT_ENGINE)
    if section.iodepth > 1 and shallow and engine in SYNCHRONOUS:
        raise FioError(
            "config",
            f"job {section.name}: ioengine={engine} is synchronous, it ran at depth 1, not {section.iodepth}",
        )


def _job(section: Section, entry: Any, phase: int, settings: FioSettings, prefix: list[str]) -> JobResult:
    found: dict[Direction, DirectionResult | None] = {"read": None, "write": None}
    _check_depth(section, entry)
    for direction in found:
        part = entry.get(direction)
        if direction in section.directions:
            found[direction] = _direction(f"job {section.name} {direction}", part, settings, prefix)
        elif isinstance(part, dict) and part.get("total_ios", 0):
            raise FioError("config", f"job {section.name}: {direction} I/Os, though it is rw={section.rw}")
    return JobResult(name=section.name, phase=phase, read=found["read"], write=found["write"])


def _direction(what: str, part: Any, settings: FioSettings, prefix: list[str]) -> DirectionResult:
    if not isinstance(part, dict):
        raise FioError("truncated", f"{what}: missing from the answer")
    total_ios = _number(part, "total_ios", what)
    if total_ios < 1:
        raise FioError("empty", f"{what}: no I/O was done" + (f" ({prefix[0]})" if prefix else ""))
    runtime_ms = _number(part, "runtime", what)
    if runtime_ms < RUNTIME_SHARE * 1000 * settings.runtime_s:
        raise FioError("truncated", f"{what}: ran {runtime_ms:.0f} ms of {1000 * settings.runtime_s} ms")
    lat = part.get("lat_ns")
    bins = lat.get("bins") if isinstance(lat, dict) else None
    if not isinstance(lat, dict) or not isinstance(bins, dict) or not bins:
        raise FioError("config", f"{what}: no latency histogram (json+ output and lat_percentiles=1 make it)")
    try:
        histogram = Histogram.from_bins(bins)
    except ValueError as error:
        raise FioError("truncated", f"{what}: {error}") from error
    if histogram.total != _number(lat, "N", what):
        raise FioError("truncated", f"{what}: the histogram has {histogram.total} of {lat['N']} I/Os")
    return DirectionResult(
        iops_per_s=1000 * total_ios / runtime_ms,
        bw_bytes_per_s=1000 * _number(part, "io_bytes", what) / runtime_ms,
        total_ios=int(total_ios),
        runtime_ms=int(runtime_ms),
        lat_mean_ns=_number(lat, "mean", what),
        lat_stddev_ns=_number(lat, "stddev", what),
        lat_min_ns=int(_number(lat, "min", what)),
        lat_max_ns=int(_number(lat, "max", what)),
        histogram=histogram,
    )


def _number(part: Mapping[str, Any], name: str, what: str) -> float:
    value = part.get(name)
    # fio's counters have 64 bits; larger numbers can not be calculated with either.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _COUNTER:
        raise FioError("truncated", f"{what}: {name} is {value!r:.60}")
    return value

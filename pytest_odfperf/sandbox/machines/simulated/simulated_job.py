"""Reads a fio job file as far as the simulation needs it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pytest_odfperf.errors import InputError
from pytest_odfperf.fio.job_file.fio_numbers import size_bytes
from pytest_odfperf.fio.job_file.job_lines import IniSection, read_sections
from pytest_odfperf.fio.job_file.profile_faults import Faults
from pytest_odfperf.sandbox.machines.simulated.volume.storage_model import Load

#: Share of reads of fio's rw values; None: rwmixread says.
_READ_PART = {
    "read": 1.0,
    "randread": 1.0,
    "write": 0.0,
    "randwrite": 0.0,
    "rw": None,
    "readwrite": None,
    "randrw": None,
}
_TIME = re.compile(r"([0-9]+)(us|ms|s|m|h|d)?", re.ASCII)
_TIME_UNITS_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class JobFileError(Exception):
    """fio would refuse this job file; the text is what fio says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedSection:
    name: str
    #: As written, without those of [global].
    options: Mapping[str, str]
    load: Load
    #: As written: the same in every run of one key, so that it can seed the noise.
    block_size: str
    iodepth: int
    ramp_s: float
    runtime_s: float
    numjobs: int
    #: ``write_hist_log`` and ``log_hist_msec``; None: no log.
    hist_log: tuple[str, int] | None
    #: ``write_bw_log`` and its like by what they log, to their names; and ``log_avg_msec``, 0 without.
    averaged_logs: Mapping[str, str]
    log_avg_ms: int
    #: Waits for all sections before it.
    stonewall: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedJob:
    global_options: Mapping[str, str]
    sections: tuple[SimulatedSection, ...]

    @property
    def phases(self) -> list[list[SimulatedSection]]:
        """Sections that run at the same time, in order."""
        phases: list[list[SimulatedSection]] = []
        for section in self.sections:
            if section.stonewall or not phases:
                phases.append([])
            phases[-1].append(section)
        return phases

    @property
    def duration_s(self) -> float:
        return sum(max(s.ramp_s + s.runtime_s for s in phase) for phase in self.phases)


def parse_job(text: str) -> SimulatedJob:
    """`JobFileError` for what fio refuses, and for what is not simulated."""
    faults = Faults()
    raw = read_sections(text, "job.fio", faults)
    try:
        faults.raise_any()
    except InputError as error:
        raise JobFileError(f"fio: {error}") from error
    first = raw[0]
    common = {name: value for name, value in first.options.items() if name not in first.own}
    return SimulatedJob(global_options=common, sections=tuple(_section(ini) for ini in raw))


def _section(ini: IniSection) -> SimulatedSection:
    options = ini.options
    rw = options.get("rw", "read").partition(":")[0]
    if rw not in _READ_PART:
        raise JobFileError(f"fio: failed parsing rw={rw}")
    if "runtime" not in options:
        raise JobFileError(f"simulated fio: {ini.name} has no runtime; only timed jobs are simulated")
    if options.get("group_reporting", "0") == "0":
        raise JobFileError(f"simulated fio: {ini.name} has no group_reporting; only that is simulated")
    read_part = _READ_PART[rw]
    if read_part is None:
        reads = _number("rwmixread", options, 100 - _number("rwmixwrite", options, 50))
        read_part = min(reads, 100) / 100
    numjobs, iodepth = max(1, _number("numjobs", options, 1)), max(1, _number("iodepth", options, 1))
    read_rate, write_rate = _rates(options, numjobs)
    return SimulatedSection(
        name=ini.name,
        options={name: value for name, value in options.items() if name in ini.own},
        load=Load(
            outstanding=iodepth * numjobs,
            read_part=read_part,
            block_bytes=_block_bytes(options),
            read_rate_iops=read_rate,
            write_rate_iops=write_rate,
            sync_every=_number("fsync", options, 0) or _number("fdatasync", options, 0),
        ),
        block_size=options.get("bssplit") or options.get("bs", "4k"),
        iodepth=iodepth,
        ramp_s=_seconds(options.get("ramp_time", "0")),
        runtime_s=_seconds(options["runtime"]),
        numjobs=numjobs,
        hist_log=_hist_log(ini.name, options),
        averaged_logs={
            kind: ini.name if options[f"write_{kind}_log"] in ("", "1") else options[f"write_{kind}_log"]
            for kind in ("bw", "iops", "lat")
            if f"write_{kind}_log" in options
        },
        log_avg_ms=_number("log_avg_msec", options, 0),
        stonewall=options.get("stonewall", "0") != "0",
    )


def _hist_log(name: str, options: Mapping[str, str]) -> tuple[str, int] | None:
    prefix, every_ms = options.get("write_hist_log"), _number("log_hist_msec", options, 0)
    if prefix is None or not every_ms:
        return None
    return (name if prefix in ("", "1") else prefix), every_ms


def _size(text: str) -> int:
    size = size_bytes(text)
    if not size:
        raise JobFileError(f"fio: failed parsing {text!r}: not a size")
    return size


def _seconds(text: str) -> float:
    match = _TIME.fullmatch(text.strip())
    if not match:
        raise JobFileError(f"fio: failed parsing {text!r}: not a time")
    return int(match[1]) * _TIME_UNITS_S[match[2] or "s"]


def _number(name: str, options: Mapping[str, str], usual: int) -> int:
    text = options.get(name, str(usual))
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        raise JobFileError(f"fio: failed parsing {name}={text}")
    return int(text)


def _block_bytes(options: Mapping[str, str]) -> int:
    """The mean block size where ``bssplit`` mixes several."""
    split = options.get("bssplit")
    if not split:
        return _size(re.split("[,-]", options.get("bs", "4k"))[0])
    parts = [part.partition("/") for part in split.split(",")[0].split(":")]
    sizes = [_size(size) for size, _, _ in parts]
    weights = [int(weight) if weight.isdigit() else 100 // len(parts) for _, _, weight in parts]
    return round(sum(s * w for s, w in zip(sizes, weights, strict=True)) / max(1, sum(weights)))


def _rates(options: Mapping[str, str], numjobs: int) -> tuple[float | None, float | None]:
    """rate_iops holds for each worker and direction: ``500`` or ``400,100``."""
    read, _, write = options.get("rate_iops", "").partition(",")
    each = [_number("rate_iops", {"rate_iops": text}, 0) if text else 0 for text in (read, write or read)]
    return (each[0] * numjobs or None, each[1] * numjobs or None)

"""Profiles become job files: the template's variables are set, and what will run is read from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pytest_odfperf.errors import InputError
from pytest_odfperf.fio.ini import IniSection, read_sections, size_bytes
from pytest_odfperf.matrix.keys import NATIVE
from pytest_odfperf.matrix.model import FioSettings, Profile
from pytest_odfperf.matrix.reading.fields import in_job_file, parse_fio_bytes

Direction = Literal["read", "write"]

#: What a template may use, and what it means.
VARIABLES = ("RUNTIME", "RAMP_TIME", "IODEPTH", "NUMJOBS", "FILE_SIZE", "BLOCK_SIZE")

#: The test file that the guest lays out once per group, with data, before the first job.
SHARED_FILE = "fio-testfile"

_BOTH: frozenset[Direction] = frozenset({"read", "write"})
DIRECTIONS: Mapping[str, frozenset[Direction]] = {
    "read": frozenset({"read"}),
    "randread": frozenset({"read"}),
    "write": frozenset({"write"}),
    "randwrite": frozenset({"write"}),
    "rw": _BOTH,
    "readwrite": _BOTH,
    "randrw": _BOTH,
}

#: Options that would make the figures mean something else, and why.
_REFUSED = {
    "unified_rw_reporting": "it mixes reads and writes in one figure",
    "directory": "the guest sets it to the mounted data disk",
    "steadystate": "a run that ends by what it measures picks its quiet moments",
    "ss": "a run that ends by what it measures picks its quiet moments",
    "status-interval": "it writes several answers",
}
_VARIABLE = re.compile(r"\$(?:\{([^}\n]*)\})?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One job of a job file. ``options`` are all that hold for it, those of ``[global]`` included."""

    name: str
    rw: str
    directions: frozenset[Direction]
    numjobs: int
    iodepth: int
    #: Size of each worker's file, or of the one file that all workers share.
    size_bytes: int
    #: None: each worker has a file of its own.
    filename: str | None
    options: Mapping[str, str]

    @property
    def files_bytes(self) -> int:
        """Bytes of the files that this job alone needs; the shared test file counts in `Job`."""
        if self.filename == SHARED_FILE:
            return 0
        return self.size_bytes * (1 if self.filename else self.numjobs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job file, and what it will do."""

    text: str
    sections: tuple[Section, ...]
    #: Names of the jobs that run at one time, in order; a ``stonewall`` begins the next phase.
    phases: tuple[tuple[str, ...], ...]

    @property
    def stonewalls(self) -> int:
        """How many phases run one after the other."""
        return len(self.phases)

    @property
    def shared_file(self) -> bool:
        """Whether the test file that the guest lays out is used."""
        return any(section.filename == SHARED_FILE for section in self.sections)

    @property
    def own_files_bytes(self) -> int:
        """Bytes of files that fio itself must lay out, in each guest."""
        named = {s.filename: s.size_bytes for s in self.sections if s.filename and s.filename != SHARED_FILE}
        return sum(named.values()) + sum(s.files_bytes for s in self.sections if not s.filename)

    @property
    def files_bytes(self) -> int:
        """Bytes of all files of this job in each guest; they must fit on its data disk."""
        shared = [s.size_bytes for s in self.sections if s.filename == SHARED_FILE]
        return self.own_files_bytes + max(shared, default=0)

    def phase_of(self, name: str) -> int:
        return next(number for number, names in enumerate(self.phases) if name in names)


def is_variable(template: str) -> bool:
    """Whether a template takes its block size from the matrix; if not, its keys have ``native``."""
    return "${BLOCK_SIZE}" in template


def source_of(profile: str) -> str:
    return f"profiles/{profile}.fio"


def check_settings(settings: FioSettings) -> None:
    """Raise `InputError` for fio settings that can not be run."""
    limits = {"runtime_s": (1, 86_400), "ramp_s": (0, 86_400), "iodepth": (1, 65_536), "numjobs": (1, 1024)}
    for name, (low, high) in limits.items():
        value = getattr(settings, name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InputError(f"fio {name} {value!r} is not a whole number from {low} to {high}")
    size = settings.file_size_bytes
    if not isinstance(size, int) or size < 1 << 20 or size % 4096:
        raise InputError(f"fio file size {size!r} bytes: it must be a multiple of 4096, and at least 1Mi")


def render(profile: Profile, settings: FioSettings, block_size: str) -> Job:
    """The job of one cell of the matrix. Raises `InputError` with the template's line."""
    check_settings(settings)
    source = source_of(profile.name)
    values = {
        "RUNTIME": str(settings.runtime_s),
        "RAMP_TIME": str(settings.ramp_s),
        "IODEPTH": str(settings.iodepth),
        "NUMJOBS": str(settings.numjobs),
        "FILE_SIZE": str(settings.file_size_bytes),
    }
    if is_variable(profile.template):
        _check_block_size(block_size, settings, profile.name)
        values["BLOCK_SIZE"] = in_job_file(block_size)
    elif block_size != NATIVE:
        raise InputError(
            f"fixes its block sizes itself; its keys have {NATIVE!r}, not {block_size!r}", place=source
        )
    job = read_job(_substitute(profile.template, values, source), source=source)
    for section in job.sections:
        for option, wanted in (("runtime", settings.runtime_s), ("ramp_time", settings.ramp_s)):
            if section.options.get(option) != str(wanted):
                variable = "${RUNTIME}" if option == "runtime" else "${RAMP_TIME}"
                raise InputError(
                    f"job {section.name}: {option} must be {variable}, deadlines are computed from it",
                    place=source,
                )
    return job


def read_job(text: str, *, source: str = "job.fio") -> Job:
    """What a finished job file will do. Raises `InputError` with its line."""
    sections = tuple(_section(ini, source) for ini in read_sections(text, source))
    phases: list[list[str]] = []
    for section in sections:
        alone = _flag(section.options, "stonewall")
        if not phases or alone:
            phases.append([])
        elif not _flag(section.options, "new_group"):
            raise InputError(
                f"job {section.name} runs beside {phases[-1][-1]}: give it stonewall, to run after it, or "
                "new_group, without which fio reports both as one",
                place=source,
            )
        phases[-1].append(section.name)
    return Job(text=text, sections=sections, phases=tuple(map(tuple, phases)))


def _substitute(template: str, values: Mapping[str, str], source: str) -> str:
    lines = []
    for number, line in enumerate(template.splitlines(), 1):

        def value(found: re.Match[str], number: int = number) -> str:
            name = found[1]
            if name is None or name not in values:
                raise InputError(
                    f"unknown variable {found[0] if name is None else name!r}; known: {', '.join(VARIABLES)}",
                    place=f"{source}:{number}",
                )
            return values[name]

        lines.append(line if line.lstrip().startswith(("#", ";")) else _VARIABLE.sub(value, line))
    return "\n".join(lines) + "\n"


def _check_block_size(text: str, settings: FioSettings, profile: str) -> None:
    size = parse_fio_bytes(text)
    if size is None or size < 512 or size % 512 or size > settings.file_size_bytes:
        raise InputError(
            f"block size {text!r} of profile {profile}: a multiple of 512 bytes is needed, such as 4k or 1M, "
            f"and not above the file size ({settings.file_size_bytes} bytes)"
        )


def _flag(options: Mapping[str, str], name: str) -> bool:
    return options.get(name, "0") != "0"


def _section(ini: IniSection, source: str) -> Section:
    options = ini.options

    def place(option: str) -> str:
        return f"{source}:{ini.lines.get(option, ini.line)}"

    if not _NAME.fullmatch(ini.name):
        raise InputError(f"job name {ini.name!r}: letters, digits, '.', '_' and '-' only", place=place(""))
    for option, why in _REFUSED.items():
        if option in options:
            raise InputError(f"job {ini.name}: {option} is not allowed: {why}", place=place(option))
    # fio takes rw=rw:8 or randwrite:4k for offset sequences; the part before the colon is the direction.
    rw = options.get("rw", "").partition(":")[0]
    if rw not in DIRECTIONS:
        problem = f"unknown rw {rw!r}" if rw else "rw is missing"
        raise InputError(f"job {ini.name}: {problem}; known: {', '.join(DIRECTIONS)}", place=place("rw"))
    for option in ("time_based", "group_reporting", "lat_percentiles"):
        if not _flag(options, option):
            raise InputError(
                f"job {ini.name}: {option}=1 is missing; the results are read by it", place=place(option)
            )
    for option in ("rate", "rate_iops"):
        if DIRECTIONS[rw] == _BOTH and option in options and "," not in options[option]:
            # Measured with fio 3.33: rate_iops=100 on a 70/30 mix gives 100 reads and 100 writes a second.
            raise InputError(
                f"job {ini.name}: {option}={options[option]:.40} limits reads and writes to that each, "
                f"which changes their mix; write {option}=READS,WRITES",
                place=place(option),
            )
    size = size_bytes(options.get("size", ""))
    if not size:
        raise InputError(f"job {ini.name}: size= is missing or is no number of bytes", place=place("size"))
    filename = options.get("filename")
    if filename is not None and not _NAME.fullmatch(filename):
        raise InputError(
            f"job {ini.name}: filename {filename!r} must be a plain name on the data disk",
            place=place("filename"),
        )
    counts: dict[str, int] = {}
    for option in ("numjobs", "iodepth", "runtime"):
        value = options.get(option, "1")
        if not re.fullmatch(r"[1-9][0-9]{0,6}", value, re.ASCII):
            raise InputError(
                f"job {ini.name}: {option} {value!r} is not a whole number above 0", place=place(option)
            )
        counts[option] = int(value)
    return Section(
        name=ini.name,
        rw=rw,
        directions=DIRECTIONS[rw],
        numjobs=counts["numjobs"],
        iodepth=counts["iodepth"],
        size_bytes=size,
        filename=filename,
        options=options,
    )

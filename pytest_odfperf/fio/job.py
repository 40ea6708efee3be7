"""Profiles become job files: the template's variables are set, and what will run is read from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pytest_odfperf.errors import InputError
from pytest_odfperf.fio import completion_log
from pytest_odfperf.fio.job_file import option_rules as rules
from pytest_odfperf.fio.job_file.job_lines import IniSection, lines, read_sections
from pytest_odfperf.fio.job_file.profile_faults import Faults
from pytest_odfperf.fio.job_file.section import DIRECTIONS, SHARED_FILE, Direction, Section
from pytest_odfperf.fio.job_file.variables import VARIABLES, substitute
from pytest_odfperf.matrix.keys import NATIVE
from pytest_odfperf.matrix.model import FioSettings, Profile
from pytest_odfperf.matrix.reading.fields import in_job_file, parse_fio_bytes
from pytest_odfperf.matrix.template import uses

__all__ = [
    "DIRECTIONS", "SHARED_FILE", "VARIABLES", "Direction", "Job", "Section", "check_settings", "is_variable",
    "read_job", "render", "rewritten",
]  # fmt: skip

#: Without these there is no result of each section, over a known time, with its latencies.
_NEEDED = ("time_based", "group_reporting", "lat_percentiles")
_TIMES = {"runtime": "${RUNTIME}", "ramp_time": "${RAMP_TIME}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job file, and what it will do."""

    text: str
    sections: tuple[Section, ...]
    #: Names of the jobs that run at one time, in order; a ``stonewall`` begins the next phase.
    phases: tuple[tuple[str, ...], ...]
    #: Where each line of ``text`` comes from.
    places: tuple[str, ...] = field(default=(), repr=False, compare=False)
    #: Of a job on the raw data disk: bytes from its beginning that the guest writes before; 0: on files.
    device_bytes: int = 0

    @property
    def stonewalls(self) -> int:
        """How many phases run one after the other."""
        return len(self.phases)

    @property
    def shared_file(self) -> bool:
        """Whether the test file that the guest lays out is used."""
        return any(section.filename == SHARED_FILE for section in self.sections)

    @property
    def buffered(self) -> tuple[str, ...]:
        """Names of the jobs whose I/O goes through the guest's page cache."""
        return tuple(section.name for section in self.sections if section.buffered)

    @property
    def own_files_bytes(self) -> int:
        """Bytes of files that fio itself must lay out, in each guest."""
        if self.device_bytes:
            return 0
        named = {s.filename: s.file_bytes for s in self.sections if s.filename and s.filename != SHARED_FILE}
        return sum(named.values()) + sum(s.files_bytes for s in self.sections if not s.filename)

    @property
    def files_bytes(self) -> int:
        """Bytes of all files of this job in each guest; they must fit on its data disk."""
        if self.device_bytes:
            return self.device_bytes
        shared = [s.file_bytes for s in self.sections if s.filename == SHARED_FILE]
        return self.own_files_bytes + max(shared, default=0)

    def phase_of(self, name: str) -> int:
        return next(number for number, names in enumerate(self.phases) if name in names)


def is_variable(template: str) -> bool:
    """Whether a template takes its block size from the matrix; if not, its keys have ``native``."""
    return uses(template, "BLOCK_SIZE")


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
    """The job of one cell of the matrix. Raises `InputError` with all faults of the template, by line."""
    check_settings(settings)
    source = profile.source
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
    faults = Faults()
    text = substitute(profile.template, values, source, faults)
    job = _job(text, source, faults, settings)
    faults.raise_any()
    # fio's totals do not tell the rate, so it is asked for a log.
    asked = completion_log.asked(job.sections, settings.runtime_s)
    whole = _job(asked + text, source, faults, settings)
    faults.raise_any()
    return replace(whole, places=(source,) * asked.count("\n") + job.places)


def rewritten(job: Job, sections: Sequence[Section], said: str, source: str) -> Job:
    """``job`` with other ``sections``, each of which says all of its options itself; ``said`` is why."""
    lines = [f"# {said}"]
    for section in sections:
        lines += ["", f"[{section.name}]", *(f"{name}={value}" for name, value in section.options.items())]
    text = "\n".join(lines) + "\n"
    return replace(job, text=text, sections=tuple(sections), places=tuple(source for _ in text.splitlines()))


def read_job(text: str, *, source: str = "job.fio") -> Job:
    """What a finished job file will do. Raises `InputError` with all its faults, by line."""
    faults = Faults()
    job = _job(text, source, faults)
    faults.raise_any()
    return job


def _job(text: str, source: str, faults: Faults, settings: FioSettings | None = None) -> Job:
    """The job of a text whose variables are set; with ``settings``, it must agree with them."""
    inis = read_sections(text, source, faults)
    sections = []
    for ini in inis:
        view = rules.View(ini, faults)
        if (section := _section(view)) is not None:
            sections.append(section)
            if settings is not None:
                _check_settings_of(view, section, settings)
    _check_needed(inis, faults)
    if settings is not None:
        _check_said(inis, faults)
    found = list(lines(text, source))
    return Job(
        text="\n".join(line.raw for line in found),
        sections=tuple(sections),
        phases=_phases(inis, faults),
        places=tuple(line.place for line in found),
    )


def _check_block_size(text: str, settings: FioSettings, profile: str) -> None:
    size = parse_fio_bytes(text)
    if size is None or size < 512 or size % 512 or size > settings.file_size_bytes:
        raise InputError(
            f"block size {text!r} of profile {profile}: a multiple of 512 bytes is needed, such as 4k or 1M, "
            f"and not above the file size ({settings.file_size_bytes} bytes)"
        )


def _check_settings_of(view: rules.View, section: Section, settings: FioSettings) -> None:
    """What a template must take from the matrix, since it is computed with, and what it must not ask for."""
    rules.check_engine(view, section.iodepth, buffered=section.buffered)
    for option, wanted in (("runtime", settings.runtime_s), ("ramp_time", settings.ramp_s)):
        if view.options.get(option, str(wanted)) != str(wanted):
            view.fault(option, f"{option} must be {_TIMES[option]}, deadlines are computed from it")
    if section.filename == SHARED_FILE and section.file_bytes > settings.file_size_bytes:
        view.fault(
            "size",
            f"{section.file_bytes} bytes of {SHARED_FILE}, but fio file_size is {settings.file_size_bytes}: "
            "fio would lay the file out anew; take size=${FILE_SIZE}",
        )


def _section(view: rules.View) -> Section | None:
    """None for one that is at fault in more than a figure."""
    options, name = view.options, view.section.name
    if not rules.NAME.fullmatch(name):
        view.fault_of_name(f"job name {name[:60]!r}: letters, digits, '.', '_' and '-' only")
    rules.check_table(view)
    rw = rules.direction(view)
    counts = {option: rules.count(view, option) for option in ("numjobs", "iodepth")}
    size = rules.size(view)
    buffered = rules.is_buffered(view)
    rules.check_files(view)
    rules.check_percentiles(view)
    block_bytes = rules.blocks(view, size, buffered=buffered is not False)
    offset_bytes = rules.offset(view, counts["numjobs"])
    thinktime_s = rules.thinktime(view)
    if not rw:
        return None
    return Section(
        name=name,
        rw=rw,
        directions=DIRECTIONS[rw],
        numjobs=counts["numjobs"],
        iodepth=counts["iodepth"],
        size_bytes=size,
        filename=options.get("filename"),
        block_bytes=block_bytes,
        offset_bytes=offset_bytes,
        buffered=buffered is True,
        thinktime_s=thinktime_s,
        options=options,
    )


def _check_needed(inis: Sequence[IniSection], faults: Faults) -> None:
    """One line for each option that is missing, however many jobs lack it."""
    for option in _NEEDED:
        without = [ini for ini in inis if ini.options.get(option, "0") == "0"]
        _missing(without, option, f"{option}=1 is missing; the results are read by it", faults)
    unsized = [ini for ini in inis if "size" not in ini.options]
    _missing(unsized, "size", "size= is missing; it is the bytes of a worker's file", faults)


def _check_said(inis: Sequence[IniSection], faults: Faults) -> None:
    """What a template must say itself."""
    for option, variable in _TIMES.items():
        without = [ini for ini in inis if option not in ini.options]
        _missing(without, option, f"{option}={variable} is missing; deadlines are computed from it", faults)
    unsaid = [ini for ini in inis if not {"direct", "buffered", "atomic"} & set(ini.options)]
    problem = (
        "direct=1 is missing: the guest's page cache would answer; if that is to be measured, "
        "write direct=0, and its results are marked BUFFERED"
    )
    _missing(unsaid, "direct", problem, faults)


def _missing(inis: Sequence[IniSection], option: str, problem: str, faults: Faults) -> None:
    if not inis:
        return
    names = ", ".join(ini.name[:60] for ini in inis[:8]) + (", ..." if len(inis) > 8 else "")
    place = inis[0].places.get(option, inis[0].place)
    faults.add(f"job{'s' if len(inis) > 1 else ''} {names}: {problem}", place)


def _phases(inis: Sequence[IniSection], faults: Faults) -> tuple[tuple[str, ...], ...]:
    phases: list[list[str]] = []
    for ini in inis:
        if not phases or ini.options.get("stonewall", "0") != "0":
            phases.append([])
        elif ini.options.get("new_group", "0") == "0":
            faults.add(
                f"job {ini.name[:60]} runs beside {phases[-1][-1][:60]}: give it stonewall, to run after "
                "it, or new_group, without which fio reports both as one",
                ini.place,
            )
        phases[-1].append(ini.name)
    return tuple(map(tuple, phases))

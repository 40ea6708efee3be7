"""What the options that the table calls understood mean here: a section's figures, or what is wrong.

Facts are of fio 3.33's sources and each was tried; docs/fio-options.md says which option is for what.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from pytest_odfperf.fio.job_file import fio_numbers as numbers
from pytest_odfperf.fio.job_file.fio_numbers import Sizes
from pytest_odfperf.fio.job_file.job_lines import GLOBAL, IniSection, Setting
from pytest_odfperf.fio.job_file.options_table import DEFAULT_ENGINE, engines, options
from pytest_odfperf.fio.job_file.profile_faults import Faults
from pytest_odfperf.fio.job_file.section import DIRECTIONS, SHARED_FILE, Direction

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_NAME_FORM = re.compile(r"(?:[A-Za-z0-9._-]|\$(?i:jobname|jobnum|filenum|clientuid))+", re.ASCII)
#: Options that are 0 or 1; fio takes the first ones without a value too, which is 1.
_FLAGS = ("stonewall", "new_group", "time_based", "group_reporting")
_SWITCHES = (
    *_FLAGS, "direct", "buffered", "atomic", "lat_percentiles", "unlink", "allow_file_create",
    "end_fsync", "end_syncfs", "fsync_on_close",
)  # fmt: skip
_SECTOR = 512
_MEMORY = ("malloc", "shm", "shmhuge", "mmap", "mmaphuge", "mmapshared")
_LOGS = ("write_bw_log", "write_lat_log", "write_iops_log", "write_hist_log")


class View:
    """A section with the faults that are found in it."""

    def __init__(self, section: IniSection, faults: Faults) -> None:
        self.section = section
        self.options = section.options
        self._faults = faults

    def fault(self, option: str, problem: str) -> None:
        """``option`` is wrong. One that is set for all jobs is told once, without a job."""
        own = option in self.section.own or option not in self.options
        self._faults.add(f"job {self.section.name}: {problem}" if own else problem, self.place(option))

    def fault_at(self, setting: Setting, problem: str) -> None:
        """One line is wrong, whatever holds in the end."""
        self._faults.add(f"job {self.section.name}: {problem}" if setting.own else problem, setting.place)

    def fault_of_name(self, problem: str) -> None:
        """The section's line itself is wrong."""
        self._faults.add(problem, self.section.place)

    def place(self, option: str) -> str:
        return self.section.places.get(option, self.section.place)

    def on(self, option: str) -> bool:
        return self.options.get(option, "0") != "0"


def check_table(view: View) -> None:
    """Refuse what the table refuses, also where a later line takes it back: some leave a trace in fio."""
    for setting in view.section.settings:
        option = options()[setting.option]
        if option.verdict == "refused" and setting.value not in option.values:
            allowed = f" (only {' or '.join(f'{option.name}={value}' for value in option.values)})"
            view.fault_at(
                setting,
                f"{option.name} is not allowed{allowed if option.values else ''}: {option.why}",
            )
    _check_traces(view)
    for name in view.section.bare:
        option = options()[name]
        if option.verdict == "understood" and name not in (*_FLAGS, *_LOGS):
            view.fault(name, f"{name} has no value; fio needs one, as in {name}=1")
    for name in _SWITCHES:
        if view.options.get(name, "0") not in ("0", "1"):
            view.fault(name, f"{name}={view.options[name][:40]} is neither 0 nor 1")


def _check_traces(view: View) -> None:
    """Lines that hold although a later one sets the option anew (each measured with fio 3.33)."""
    names = [setting for setting in view.section.settings if setting.option == "filename"]
    for setting in names[1:]:
        view.fault_at(
            setting,
            f"filename is set again: fio would use both, {names[0].value[:40]} and {setting.value[:40]}, "
            "each for a part of size; set it once, in each job that is not on the common file",
        )
    for setting in view.section.settings:
        later = view.options[setting.option] != setting.value
        if later and setting.option in ("size", "offset") and setting.value.endswith("%"):
            view.fault_at(
                setting,
                f"{setting.option}={setting.value[:40]}: fio keeps a percentage, whatever is set later",
            )


def direction(view: View) -> str:
    """``rw`` without what stands after its colon, an offset (``read:4k``) or a count (``randread:8``)."""
    rw, colon, step = view.options.get("rw", "").partition(":")
    if rw not in DIRECTIONS:
        problem = f"unknown rw {rw[:40]!r}" if rw else "rw is missing"
        if rw in ("trim", "randtrim", "trimwrite", "randtrimwrite"):
            problem = f"rw={rw} is not allowed: trims have no direction in the results"
        if view.section.name.lower().startswith(GLOBAL):
            problem += f" (to fio [{view.section.name}] is a job; [{GLOBAL}] is written in small letters)"
        view.fault("rw", f"{problem}; known: {', '.join(DIRECTIONS)}")
        return ""
    if colon and numbers.size_bytes(step) is None:
        view.fault("rw", f"rw={rw}:{step[:40]}: {step[:40]!r} is neither a count nor a size")
    if DIRECTIONS[rw] == DIRECTIONS["rw"]:
        _check_mix(view, rw)
    return rw


def _check_mix(view: View, rw: str) -> None:
    """Both directions must have I/Os. fio takes the one of the two that was set last."""
    named = [name for name in view.options if name in ("rwmixread", "rwmixwrite")]
    for name in named[-1:]:
        share = numbers.whole(view.options[name])
        if share is None or not 1 <= share <= 99:
            view.fault(
                name,
                f"{name}={view.options[name][:40]} is not from 1 to 99: with rw={rw} both directions are "
                "measured; for one alone take read or write",
            )
    for name in ("rate", "rate_iops"):
        if name in view.options and "," not in view.options[name]:
            # Measured with fio 3.33: rate_iops=100 on a 70/30 mix gives 100 reads and 100 writes a second.
            view.fault(
                name,
                f"{name}={view.options[name]:.40} limits reads and writes to that each, "
                f"which changes their mix; write {name}=READS,WRITES",
            )


def count(view: View, option: str) -> int:
    """A whole number above 0; 1 if it is not named."""
    value = view.options.get(option, "1")
    number = numbers.whole(value)
    if not number or number > 9_999_999:
        view.fault(option, f"{option} {value[:60]!r} is not a whole number above 0")
        return 1
    return number


def size(view: View) -> int:
    """0 if it is missing or wrong; that it is missing is told for all jobs at once."""
    text = view.options.get("size")
    found = numbers.size_bytes(text) if text is not None else None
    if text is not None and not found:
        view.fault("size", f"size is no number of bytes{_shown(text)}")
    return found or 0


def offset(view: View, numjobs: int) -> int:
    """Where the last worker begins in its file."""
    found = 0
    for option, times in (("offset", 1), ("offset_increment", numjobs - 1)):
        text = view.options.get(option, "0")
        number = numbers.size_bytes(text)
        if number is None:
            view.fault(option, f"{option} is no number of bytes{_shown(text)}")
        found += (number or 0) * times
    return found


def _shown(text: str) -> str:
    return f": {text[:40]!r}" if text else ""


_FORMS: Mapping[str, tuple[str, Callable[[str], tuple[Sizes, Sizes] | None]]] = {
    "bs": ("4k, or READS,WRITES as in 4k,8k; a range is bsrange", numbers.block_sizes),
    "bsrange": ("1k-4k, or READS,WRITES", numbers.block_ranges),
    "bssplit": ("4k/70:64k/30, or READS,WRITES", numbers.block_split),
}


def blocks(view: View, size_bytes: int, *, buffered: bool) -> Mapping[Direction, Sizes]:
    """Sizes of the blocks of reads and writes."""
    named = [name for name in _FORMS if name in view.options]
    if len(named) > 1:
        view.fault(named[0], f"{named[0]} has no effect beside {named[1]}; leave one out")
    name = named[-1] if named else "bs"
    form, read = _FORMS[name]
    text = view.options.get(name, "4k")
    found = read(text)
    if found is None:
        view.fault(name, f"{name}={text[:60]} is not written as {form}")
        return {}
    for least, most in found:
        if 0 < size_bytes < most:
            view.fault(name, f"{name}={text[:60]}: a block of {most} bytes is larger than size")
        if not buffered and (least % _SECTOR or most % _SECTOR):
            odd = least if least % _SECTOR else most
            view.fault(
                name,
                f"{name}={text[:60]}: direct I/O needs multiples of {_SECTOR} bytes, {odd} is none "
                "(for fio, 4k is 4096 and 4KiB is 4000)",
            )
    return {"read": found[0], "write": found[1]}


def is_buffered(view: View) -> bool | None:
    """Whether I/O goes through the page cache: what was set last of direct and its opposite counts.

    None if neither is said.
    """
    if view.on("atomic"):
        return False
    named = [name for name in view.options if name in ("direct", "buffered")]
    return view.on(named[-1]) == (named[-1] == "buffered") if named else None


def check_engine(view: View, iodepth: int, *, buffered: bool) -> None:
    written = view.options.get("ioengine", DEFAULT_ENGINE)
    engine = engines().get(written)
    if engine is None or engine.sort == "refused":
        why = engine.why if engine else "it is not known; docs/fio-options.md has those that are"
        view.fault("ioengine", f"ioengine={written[:60]} is not allowed: {why}")
        return
    if engine.synchronous and iodepth > 1:
        named = f"ioengine={written}" if "ioengine" in view.options else f"no ioengine is named, so {written}"
        view.fault(
            "iodepth",
            f"iodepth={iodepth}: {named} is synchronous and runs at depth 1; "
            "take libaio or io_uring, or iodepth=1",
        )
    if engine.sort == "cached" and not buffered:
        view.fault("ioengine", f"ioengine={written} always goes through the page cache; it needs direct=0")


def check_files(view: View) -> None:
    filename = view.options.get("filename")
    if filename is not None and not NAME.fullmatch(filename):
        view.fault("filename", f"filename {filename[:60]!r} must be a plain name on the data disk")
    form = view.options.get("filename_format")
    if form is not None and (not _NAME_FORM.fullmatch(form) or form.startswith(".") or "$" not in form):
        view.fault(
            "filename_format",
            f"filename_format {form[:60]!r} must be a plain name on the data disk with $jobname, $jobnum or "
            "$filenum in it",
        )
    if filename == SHARED_FILE and view.on("unlink"):
        view.fault("unlink", f"unlink=1 would remove {SHARED_FILE}, which the keys after this one need")
    if view.options.get("allow_file_create", "1") == "0" and filename is None:
        view.fault(
            "allow_file_create",
            "allow_file_create=0, but the files of this job are fio's to make; "
            f"only {SHARED_FILE} is there before",
        )
    memory = view.options.get("mem", "malloc")
    if memory not in _MEMORY:
        view.fault("mem", f"mem={memory[:60]} is not one of {', '.join(_MEMORY)}")
    for log in _LOGS:
        prefix = view.options.get(log)
        if prefix is not None and log not in view.section.bare and not NAME.fullmatch(prefix):
            view.fault(log, f"{log} {prefix[:60]!r} must be a plain name")


def check_percentiles(view: View) -> None:
    """A 0 ends fio's list without a word (measured: 100:0:33.33 gives 100 alone)."""
    text = view.options.get("percentile_list")
    if text is None:
        return
    parts = text.split(":")
    if any(re.fullmatch(r"0*\.?0*", part) for part in parts):
        view.fault("percentile_list", f"percentile_list={text[:60]}: fio ends the list at a 0")


def thinktime(view: View) -> float:
    text = view.options.get("thinktime", "0")
    found = numbers.time_s(text, "us")
    if found is None:
        view.fault("thinktime", f"thinktime={text[:40]} is not written as 500, 10ms or 1s")
    return found or 0.0

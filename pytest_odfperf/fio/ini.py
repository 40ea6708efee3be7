"""fio's job file format: sections of ``option=value`` lines, read with line numbers for messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_odfperf.errors import InputError

GLOBAL = "global"

_SIZE = re.compile(r"([0-9]+)([kmgtp]?)(i?b?)", re.ASCII | re.IGNORECASE)
_STEP = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}

#: fio's spellings of one option that matter here (HOWTO, "alias").
_ALIASES = {
    "readwrite": "rw",
    "blocksize": "bs",
    "iodepth_batch_submit": "iodepth_batch",
    "wait_for_previous": "stonewall",
}


def size_bytes(text: str) -> int | None:
    """Bytes of a size in a job file; None if it is none.

    As fio takes it (measured with 3.33; HOWTO, ``kb_base``): ``4k``, ``4kB`` and ``4Ki`` are 4096, but
    ``4KiB`` is 4000.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        return None
    base = 1000 if found[3].lower() == "ib" else 1024
    return int(found[1]) * int(base ** _STEP[found[2].lower()])


@dataclass(frozen=True, slots=True)
class IniSection:
    """One section as written; ``options`` includes what ``[global]`` sections before it set."""

    name: str
    line: int
    options: Mapping[str, str]
    #: The line of each option that the section or a global section before it set.
    lines: Mapping[str, int] = field(repr=False)


def read_sections(text: str, source: str) -> tuple[IniSection, ...]:
    """The job sections of a job file, without ``[global]``. Raises `InputError` with the line."""
    common: dict[str, str] = {}
    common_lines: dict[str, int] = {}
    sections: list[IniSection] = []
    options: dict[str, str] | None = None
    lines: dict[str, int] = {}
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        place = f"{source}:{number}"
        if not line or line[0] in "#;":
            continue
        if line.startswith("["):
            name = line[1:].partition("]")[0].strip()
            if not line.endswith("]") or not name:
                raise InputError(f"{line!r} is not a section; a section is written [name]", place=place)
            if name.lower() == GLOBAL:
                options, lines = common, common_lines
                continue
            if any(section.name == name for section in sections):
                raise InputError(
                    f"the job name {name!r} is used twice; results are told apart by it", place=place
                )
            options, lines = dict(common), dict(common_lines)
            sections.append(IniSection(name, number, options, lines))
            continue
        if options is None:
            raise InputError(f"{line!r} stands before the first section; begin with [global]", place=place)
        option, equals, value = line.partition("=")
        option = option.strip().lower()
        option = _ALIASES.get(option, option)
        options[option] = value.strip() if equals else "1"
        lines[option] = number
    if not sections:
        raise InputError("there is no job: a section [name] with rw=... is missing", place=source)
    return tuple(sections)

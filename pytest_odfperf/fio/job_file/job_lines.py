"""fio's job file format, read as fio reads it: sections of ``option=value`` lines, each with its place.

Facts from fio 3.33 (``init.c``, ``parse.c``), each tried with ``--parse-only``: a comment begins at the first
``#`` or ``;`` of a line, wherever that is; a section whose name begins with ``global``, in small letters, is
global to those after it; names of options are in small letters; there is no quoting and no continuation.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from pytest_odfperf.fio.job_file.options_table import options
from pytest_odfperf.fio.job_file.profile_faults import Faults
from pytest_odfperf.matrix.template import BLANKS, INCLUDE, PLACE_MARK, content_of

GLOBAL = "global"

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
#: fio reads 4096 bytes at a time, and takes what is left of a line for the next one.
_LONGEST_LINE = 4000


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a job file."""

    #: ``FILE:NUMBER``, for messages.
    place: str
    raw: str
    #: Without its comment, and without blanks around it.
    content: str


@dataclass(frozen=True, slots=True)
class Setting:
    """One line with an option."""

    option: str
    value: str
    place: str
    #: Whether it stands in the section itself, not in a global one.
    own: bool


@dataclass(frozen=True, slots=True)
class IniSection:
    """One section as written; ``options`` includes what global sections before it set.

    Options are under fio's first name for them, in the order in which they were set last. One without
    ``=`` has the value ``1``.
    """

    name: str
    place: str
    options: Mapping[str, str]
    #: The place of each option that the section or a global section before it set.
    places: Mapping[str, str] = field(repr=False)
    #: Options that are written without ``=``.
    bare: frozenset[str] = frozenset()
    #: Options that the section itself sets.
    own: frozenset[str] = frozenset()
    #: Every line that counts for it, also those that a later one overrides.
    settings: tuple[Setting, ...] = field(default=(), repr=False)


def lines(text: str, source: str) -> Iterator[Line]:
    """The lines of a job file, those of included files with their own place."""
    name, number = source, 0
    # fio knows one line end. Others that Python knows are part of a line.
    for raw in text.split("\n"):
        number += 1
        if mark := PLACE_MARK.fullmatch(raw):
            # Numbers the line after it.
            name, number = mark[2], int(mark[1]) - 1
            yield Line(f"{name}:{number}", "", "")
            continue
        yield Line(f"{name}:{number}", raw, content_of(raw))


def read_sections(text: str, source: str, faults: Faults) -> tuple[IniSection, ...]:
    """The job sections of a job file, without the global ones. What fio would not take is in ``faults``."""
    return _Reader(source, faults).read(text)


class _Reader:
    def __init__(self, source: str, faults: Faults) -> None:
        self._source = source
        self._faults = faults
        self._common = _Open("", "")
        self._open: _Open | None = None
        self._sections: list[_Open] = []

    def read(self, text: str) -> tuple[IniSection, ...]:
        for line in lines(text, self._source):
            if not line.content:
                continue
            if _CONTROL.search(line.raw) or "\r" in line.content:
                self._faults.add("it holds a control character", line.place)
            elif len(line.raw.encode()) > _LONGEST_LINE:
                self._faults.add(f"it is longer than {_LONGEST_LINE} bytes; fio would cut it", line.place)
            elif line.content.startswith("["):
                self._section(line)
            elif self._open is None:
                self._faults.add(
                    f"{line.content[:60]!r} stands before the first section; begin with [global]", line.place
                )
            elif line.content.startswith(INCLUDE):
                self._faults.add(
                    f"{line.content[:60]!r}: fio takes each line that begins so for an include; one is "
                    "written include FILE, in a template that is a file",
                    line.place,
                )
            else:
                self._option(self._open, line)
        if not self._sections and not self._faults:
            self._faults.add("there is no job: a section [name] with rw=... is missing", self._source)
        return tuple(section.closed() for section in self._sections)

    def _section(self, line: Line) -> None:
        name = line.content[1:-1]
        if not line.content.endswith("]") or not name or "]" in name:
            self._faults.add(
                f"{line.content[:60]!r} is not a section; a section is written [name]", line.place
            )
            # What follows belongs to it.
            self._open = _Open(name, line.place)
        elif name.startswith(GLOBAL):
            self._open = self._common
        else:
            if any(section.name == name for section in self._sections):
                self._faults.add(
                    f"the job name {name[:60]!r} is used twice; results are told apart by it", line.place
                )
            self._open = self._common.child(name, line.place)
            self._sections.append(self._open)

    def _option(self, section: _Open, line: Line) -> None:
        written, equals, value = line.content.partition("=")
        written = written.rstrip(BLANKS)
        known = options().get(written)
        if known is None:
            self._faults.add(_unknown(written), line.place)
            # What follows from it is not told too.
            known = options().get(written.lower())
            if known is None:
                return
        if value.lstrip(BLANKS) != value:
            value = value.lstrip(BLANKS)
            # fio skips blanks before a number, but not before its unit or a word: bs= 4k is 4 bytes.
            if not re.fullmatch("[0-9]+", value, re.ASCII) and known.name != "description":
                self._faults.add(
                    f"{written}: fio reads a value from right after '=', and would take '= 4k' for 4; "
                    f"write {written}={value[:60]}",
                    line.place,
                )
        section.set(known.name, value if equals else "1", line.place, bare=not equals)


def _unknown(written: str) -> str:
    small = written.lower()
    if small != written and small in options():
        return f"unknown option {written[:60]!r}: fio's options are in small letters, {small}"
    close = difflib.get_close_matches(small[:60], options(), 1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    return f"unknown option {written[:60]!r} ({meant}docs/fio-options.md has those that are known)"


class _Open:
    """A section that is being read."""

    def __init__(self, name: str, place: str) -> None:
        self.name = name
        self.place = place
        self._options: dict[str, str] = {}
        self._places: dict[str, str] = {}
        self._bare: set[str] = set()
        self._own: set[str] = set()
        self._settings: list[Setting] = []

    def child(self, name: str, place: str) -> _Open:
        """A section that begins with what is set here."""
        child = _Open(name, place)
        child._options, child._places = dict(self._options), dict(self._places)
        child._bare = set(self._bare)
        child._settings = [replace(setting, own=False) for setting in self._settings]
        return child

    def set(self, option: str, value: str, place: str, *, bare: bool) -> None:
        # Taken out first: which of two options that contradict each other was set last is in the order.
        self._options.pop(option, None)
        self._options[option], self._places[option] = value, place
        (self._bare.add if bare else self._bare.discard)(option)
        self._own.add(option)
        self._settings.append(Setting(option, value, place, own=True))

    def closed(self) -> IniSection:
        return IniSection(
            name=self.name,
            place=self.place,
            options=self._options,
            places=self._places,
            bare=frozenset(self._bare),
            own=frozenset(self._own),
            settings=tuple(self._settings),
        )

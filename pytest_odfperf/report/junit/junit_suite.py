"""JUnit's suites and cases, as far as CI systems agree on them (docs/junit.md)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

EndKind = Literal["failure", "error", "skipped"]
Properties = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Why a case did not pass. ``type`` is one word; ``text`` is whole, since GitLab shows no message."""

    kind: EndKind
    type: str
    message: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One ``<testcase>``. ``end`` None: it passed. Texts are as given, nothing is escaped."""

    classname: str
    name: str
    #: The file that has the test, as the user sees it; None for the tests that ship with the plugin.
    file: str | None = None
    line: str | None = None
    time_ms: int = 0
    properties: Properties = ()
    end: End | None = None
    system_out: str = ""
    system_err: str = ""

    @property
    def address(self) -> tuple[str, str]:
        """What CI systems know it by."""
        return self.classname, self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """One ``<testsuite>``."""

    name: str
    #: ISO 8601 with the offset of UTC.
    timestamp: str | None = None
    hostname: str | None = None
    properties: Properties = ()
    cases: tuple[Case, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """The attributes ``tests``, ``failures``, ``errors`` and ``skipped``."""
        ends = Counter(case.end.kind for case in self.cases if case.end is not None)
        return {
            "tests": len(self.cases),
            "failures": ends["failure"],
            "errors": ends["error"],
            "skipped": ends["skipped"],
        }

    @property
    def time_ms(self) -> int:
        return sum(case.time_ms for case in self.cases)


def told_apart(cases: tuple[Case, ...]) -> tuple[Case, ...]:
    """``cases`` with no address twice: readers drop the second one."""
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for case in cases:
        seen[case.address] += 1
        number = seen[case.address]
        found.append(case if number == 1 else replace(case, name=f"{case.name} #{number}"))
    return tuple(found)

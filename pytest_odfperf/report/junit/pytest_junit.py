"""What pytest's own JUnit file has beside the records: put into our suites, or into one of its own.

It knows what no record says: tests that are none of ours, captured output (``junit_logging``), errors after a
test's end, properties of ``record_testsuite_property``.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import get_args

from pytest_odfperf.report.junit.junit_suite import Case, End, EndKind, Properties, Suite, told_apart
from pytest_odfperf.report.junit.junit_xml import legal

_KINDS: tuple[EndKind, ...] = get_args(EndKind)
#: As a message begins, and as the last line of pytest's text of a failure ends.
_EXCEPTION = re.compile(r"([A-Za-z_][\w.]*): |.*:\d+: ([A-Za-z_][\w.]*)\Z", re.ASCII | re.DOTALL)


def read_pytest_junit(written: bytes) -> tuple[Suite, ...]:
    """The suites of a file that pytest wrote. Raises `ValueError` if it is not well-formed.

    pytest lets characters that XML forbids stand in names of properties; they are read as it writes them
    elsewhere.
    """
    try:
        # Written by pytest in this session.
        root = ET.fromstring(legal(written.decode("utf-8", "replace")))  # noqa: S314
    except ET.ParseError as error:
        raise ValueError(str(error)) from error
    found = [root] if root.tag == "testsuite" else list(root.iter("testsuite"))
    return tuple(
        Suite(
            name=suite.get("name") or "pytest",
            timestamp=suite.get("timestamp"),
            hostname=suite.get("hostname"),
            properties=_properties(suite),
            # One that has no name was begun and never ended.
            cases=tuple(_case(case) for case in suite.findall("testcase") if case.get("name")),
        )
        for suite in found
    )


def joined(
    ours: Iterable[Suite], theirs: Iterable[Suite], pool_of: Mapping[str, str], known: Collection[str] = ()
) -> tuple[Suite, ...]:
    """Our suites with what pytest adds to their cases, and after them pytest's other cases.

    ``pool_of``: the pool of each key's text. ``known`` are errors that have a case of their own.
    """
    suites = {suite.name: list(suite.cases) for suite in ours}
    places = {case.address: (name, at) for name, cases in suites.items() for at, case in enumerate(cases)}
    others: list[Suite] = []
    shared: Properties = ()
    for suite in theirs:
        rest: dict[tuple[str, str], Case] = {}
        shared += suite.properties
        for case in suite.cases:
            if (place := places.get(case.address)) is not None:
                name, at = place
                suites[name][at] = _with(suites[name][at], case, known)
            elif (pool := pool_of.get(_key(case.name, pool_of))) in suites:
                # A test of a key that has no record: it was not even begun, or skipped by another plugin.
                suites[str(pool)].append(case)
            elif (before := rest.get(case.address)) is not None:
                # Run again by a plugin, or its end went wrong, too: readers look at one of a name only.
                before = replace(before, end=before.end or case.end, time_ms=before.time_ms + case.time_ms)
                rest[case.address] = _with(before, case)
            else:
                rest[case.address] = case
        if rest:
            others.append(replace(suite, cases=tuple(rest.values())))
    found = [
        replace(
            suite, properties=_added(suite.properties, shared), cases=told_apart(tuple(suites[suite.name]))
        )
        for suite in ours
    ]
    return (*found, *others)


def _case(element: ET.Element) -> Case:
    ends = [_end(part) for part in element if part.tag in _KINDS]
    return Case(
        classname=element.get("classname") or "",
        name=element.get("name") or "",
        file=element.get("file"),
        line=element.get("line"),
        time_ms=_milliseconds(element.get("time")),
        properties=_properties(element),
        end=ends[0] if ends else None,
        system_out="\n".join(part.text or "" for part in element.findall("system-out")),
        system_err="\n".join(part.text or "" for part in element.findall("system-err")),
    )


def _end(element: ET.Element) -> End:
    kind: EndKind = next(kind for kind in _KINDS if kind == element.tag)
    message, text = element.get("message") or "", element.text or ""
    found = next(filter(None, map(_EXCEPTION.match, (message, text.strip()[-300:]))), None)
    return End(
        kind=kind,
        type=element.get("type") or (found[1] or found[2] if found else kind),
        message=message,
        text=text or message,
    )


def _properties(element: ET.Element) -> Properties:
    return tuple(
        (one.get("name") or "", one.get("value") or "") for one in element.findall("properties/property")
    )


def _milliseconds(text: str | None) -> int:
    try:
        return max(0, round(float(text or 0) * 1000))
    except (ValueError, OverflowError):
        return 0


def _with(case: Case, theirs: Case, known: Collection[str] = ()) -> Case:
    """``case`` with what ``theirs``, of the same test, says beyond it. What the record says comes first."""
    end, more = case.end, theirs.end
    if more is not None and any(error and error in more.text for error in known):
        more = None
    if more is not None:
        if end is None or end.type == "not_run":
            end = more if end is not None or more.kind != "skipped" else None
        elif more.kind == "error" and more.text not in end.text and end.text not in more.text:
            # After a test that failed already: its own end went wrong, too.
            end = replace(end, text=f"{end.text}\n\n{more.message}\n{more.text}")
    return replace(
        case,
        line=theirs.line if case.file else None,
        properties=_added(case.properties, theirs.properties),
        end=end,
        system_out="\n".join(text for text in (case.system_out, theirs.system_out) if text),
        system_err="\n".join(text for text in (case.system_err, theirs.system_err) if text),
    )


def _added(properties: Properties, more: Properties) -> Properties:
    names = {legal(name) for name, _ in properties}
    return (*properties, *dict.fromkeys(one for one in more if one[0] not in names))


def _key(name: str, keys: Collection[str]) -> str:
    """The key in a test's name, perhaps beside parameters of the test's own; empty if there is none."""
    params = name.partition("[")[2].removesuffix("]")
    if params in keys or params.count(":") < 5:
        return params
    return max((key for key in keys if f"-{key}-" in f"-{params}-"), key=len, default="")

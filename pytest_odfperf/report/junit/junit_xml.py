"""Suites as the text of an XML file that every parser reads, whatever their texts hold."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable

from pytest_odfperf.report.junit.junit_suite import Case, Properties, Suite

#: What is no character of XML 1.0 (www.w3.org/TR/xml, Char), and DEL: control characters, lone surrogates and
#: two that are none. No escape makes them legal.
_ILLEGAL = re.compile("[^\t\n\r\x20-\x7e\x80-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


#: As types of a failure they are no words to Rails, with which GitLab reads the file
#: (ActiveSupport::XMLConverter): it decodes the text as such a value, or refuses the whole file.
_RAILS_TYPES = frozenset(
    ("array", "base64Binary", "boolean", "date", "datetime", "decimal", "double", "duration", "file", "float",
     "hexBinary", "integer", "string", "symbol", "yaml")
)  # fmt: skip


def legal(text: str) -> str:
    """``text`` with what XML forbids written as pytest does: ``#x1B``."""
    return _ILLEGAL.sub(lambda found: f"#x{ord(found[0]):02X}", text)


def junit_text(suites: Iterable[Suite], name: str) -> str:
    """The whole file. Counts and times of a suite are those of its cases."""
    suites = tuple(suites)
    counts = [suite.counts for suite in suites]
    root = ET.Element("testsuites", name=legal(name))
    for attribute in ("tests", "failures", "errors"):
        root.set(attribute, str(sum(one[attribute] for one in counts)))
    root.set("time", _seconds(sum(suite.time_ms for suite in suites)))
    root.extend(_suite(suite) for suite in suites)
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(suite: Suite) -> ET.Element:
    found = ET.Element("testsuite", name=legal(suite.name))
    for attribute, number in suite.counts.items():
        found.set(attribute, str(number))
    found.set("time", _seconds(suite.time_ms))
    for attribute, text in (("timestamp", suite.timestamp), ("hostname", suite.hostname)):
        if text:
            found.set(attribute, legal(text))
    _add_properties(found, suite.properties)
    found.extend(_case(case) for case in suite.cases)
    return found


def _case(case: Case) -> ET.Element:
    """In the order in which schemas want it: properties, how it ended, output; each at most once."""
    found = ET.Element("testcase", classname=legal(case.classname), name=legal(case.name))
    for attribute, text in (("file", case.file), ("line", case.line)):
        if text:
            found.set(attribute, legal(text))
    found.set("time", _seconds(case.time_ms))
    _add_properties(found, case.properties)
    if (end := case.end) is not None:
        kind = f"{end.type}_" if end.type in _RAILS_TYPES else end.type
        ET.SubElement(found, end.kind, type=legal(kind), message=legal(end.message)).text = legal(end.text)
    # GitLab can not read a case with two of them.
    for name, text in (("system-out", case.system_out), ("system-err", case.system_err)):
        if text:
            ET.SubElement(found, name).text = legal(text)
    return found


def _add_properties(to: ET.Element, properties: Properties) -> None:
    if not properties:
        return
    found = ET.SubElement(to, "properties")
    for name, value in properties:
        ET.SubElement(found, "property", name=legal(name), value=legal(value))


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds // 1000}.{milliseconds % 1000:03}"

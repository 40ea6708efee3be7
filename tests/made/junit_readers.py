"""What readers of JUnit XML do with a file, as their documents and sources say."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

#: By element: attributes that it must have, that it may have, and its children in their order: what schemas
#: of Jenkins (xunit-plugin junit-10.xsd) and JUnit 5 (jenkins-junit.xsd) and the common format
#: (github.com/testmoapp/junitxml) all take; properties of a case and its file are of the last one.
_FORMS: dict[str, tuple[set[str], set[str], list[str]]] = {
    "testsuites": ({"name", "tests", "failures", "errors", "time"}, set(), ["testsuite"]),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time"},
        {"timestamp", "hostname"},
        ["properties", "testcase"],
    ),
    "properties": (set(), set(), ["property"]),
    "property": ({"name", "value"}, set(), []),
    "testcase": (
        {"classname", "name", "time"},
        {"file", "line"},
        ["properties", "skipped", "error", "failure", "system-out", "system-err"],
    ),
    **dict.fromkeys(("skipped", "error", "failure"), ({"type", "message"}, set(), [])),
    **dict.fromkeys(("system-out", "system-err"), (set(), set(), [])),
}
_MANY = {"testsuite", "testcase", "property"}
_ENDS = {"failure": "failures", "error": "errors", "skipped": "skipped"}
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)?", re.ASCII)


def broken_rules(root: ET.Element) -> list[str]:
    """What in a file is not as schemas have it, and counts and times that are not those of the cases."""
    found = list(_form(root))
    suites = root.findall("testsuite")
    for element, cases in (
        (root, list(root.iter("testcase"))),
        *((one, one.findall("testcase")) for one in suites),
    ):
        counts = {"tests": len(cases)}
        for tag, name in _ENDS.items():
            counts[name] = sum(case.find(tag) is not None for case in cases)
        for name, number in counts.items():
            if name in element.attrib and element.get(name) != str(number):
                found.append(f"{element.get('name')}: {name} is {element.get(name)}, not {number}")
        seconds = sum(float(case.get("time", "nan")) for case in cases)
        if abs(float(element.get("time", "nan")) - seconds) > 1e-6 * max(1, len(cases)):
            found.append(f"{element.get('name')}: time is {element.get('time')}, not {seconds}")
    addresses = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    found += [f"{one} is there twice" for one in dict.fromkeys(addresses) if addresses.count(one) > 1]
    return found


def _form(element: ET.Element) -> Iterator[str]:
    must, may, order = _FORMS[element.tag]
    names = set(element.attrib)
    if not must <= names <= must | may:
        yield f"{element.tag} has attributes {sorted(names)}"
    if "time" in names and not re.fullmatch(r"\d+\.\d{3}", element.get("time", ""), re.ASCII):
        yield f"{element.tag}: time {element.get('time')!r}"
    if (when := element.get("timestamp")) is not None and not _TIMESTAMP.fullmatch(when):
        yield f"timestamp {when!r}"
    tags = [child.tag for child in element]
    if [tag for tag in order for one in tags if one == tag] != tags:
        yield f"{element.tag} has {tags[:9]}"
    once = [tag for tag in dict.fromkeys(tags) if tag not in _MANY and tags.count(tag) > 1]
    if once or len(set(tags) & set(_ENDS)) > 1:
        yield f"{element.tag} has more than one of {once or tags}"
    for child in element:
        yield from _form(child)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a reader shows of a case."""

    suite: str
    name: str
    file: str | None
    time: str | None
    status: str
    text: str
    attachments: tuple[str, ...] = ()


#: docs.gitlab.com/ci/testing/unit_test_reports; the pattern: lib/gitlab/ci/parsers/test/junit.rb.
_GITLAB_MARK = re.compile(r"\[\[ATTACHMENT\|([^\[\]|]+?)\]\]")
#: plugins.jenkins.io/junit-attachments; the pattern: GetTestDataMethodObject.java.
_JENKINS_MARK = re.compile(r"\[\[ATTACHMENT\|(.+)\]\]")


def as_gitlab(root: ET.Element) -> list[Seen]:
    """Classname as the suite, the text of an end without its message, the first file; a name counts once."""
    found = {}
    for case in root.iter("testcase"):
        status, text, marks = "success", "", []
        for tag in ("failure", "error", "skipped"):
            if (end := case.find(tag)) is not None:
                status, text = tag, end.text or ""
                if tag != "skipped":
                    out = case.findall("system-out")
                    # A second one is a list there, and a list has no `match`: the whole file is refused.
                    assert len(out) <= 1
                    marks = _GITLAB_MARK.findall("".join(one.text or "" for one in out))
                break
        address = case.get("classname", ""), case.get("name", "")
        found.setdefault(
            address,
            Seen(
                suite=address[0], name=address[1], file=case.get("file"), time=case.get("time"),
                status=status, text=text, attachments=tuple(marks[:1]),
            ),
        )  # fmt: skip
    return list(found.values())


def as_jenkins(root: ET.Element) -> list[Seen]:
    """The message and the text of an end, each file that stands alone on its line."""
    found = []
    for case in root.iter("testcase"):
        ends = [end for tag in ("error", "failure", "skipped") if (end := case.find(tag)) is not None]
        lines = (case.findtext("system-out") or "").splitlines()
        marks = [mark[1] for line in lines if (mark := _JENKINS_MARK.search(line))]
        found.append(
            Seen(
                suite=case.get("classname", ""), name=case.get("name", ""), file=None, time=case.get("time"),
                status=ends[0].tag if ends else "passed",
                text="\n".join(f"{end.get('message')}\n{end.text}" for end in ends[:1]),
                attachments=tuple(marks),
            )
        )  # fmt: skip
    return found


def names(cases: Iterable[Seen]) -> list[tuple[str, str]]:
    return [(case.suite, case.name) for case in cases]

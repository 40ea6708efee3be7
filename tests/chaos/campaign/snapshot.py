"""What a run's folder says, read by the standard library: the reports are judged, not asked."""

from __future__ import annotations

import csv
import gzip
import json
import re
import xml.etree.ElementTree as ET
from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_KEY = re.compile(r"\[(.+)\]$")
#: JUnit's elements of a case that did not pass.
_JUNIT = {"failure": "failed", "error": "error", "skipped": "skipped"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of results.jsonl."""

    key: str
    status: str
    definition: str
    reason: str


@dataclass(slots=True)
class Snapshot:
    """``problems``: files that are none of their kind. What is not there is None or empty."""

    lines: list[Line] = field(default_factory=list)
    torn: int = 0
    #: Of each key what its cases came to.
    junit: dict[str, list[str]] | None = None
    csv: dict[str, set[str]] | None = None
    #: The keys that the report has a result of.
    html: set[str] | None = None
    #: Of each pool: run, passed, failed, skipped.
    summaries: dict[str, tuple[int, ...]] = field(default_factory=dict)
    run: dict[str, Any] | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def last(self) -> dict[str, Line]:
        return {line.key: line for line in self.lines}


def read(run: Path) -> Snapshot:
    """The run's folder as it is now."""
    found = Snapshot()
    readers = {
        "results.jsonl": _lines,
        "junit.xml": _junit,
        "results.csv": _csv,
        "run.json": _run,
        "report.html": _html,
    }
    for name, reader in readers.items():
        path = run / name
        if not path.is_file():
            continue
        try:
            reader(path, found)
        except (ValueError, KeyError, ET.ParseError) as error:
            found.problems.append(f"{name}: {type(error).__name__}: {error} ({path.stat().st_size} bytes)")
    for path in run.glob("*/.pool-summary"):
        try:
            found.summaries[path.parent.name] = tuple(int(word) for word in path.read_text().split())
        except ValueError:
            found.problems.append(f"{path.parent.name}/.pool-summary: {path.read_text()!r}")
    return found


def _lines(path: Path, found: Snapshot) -> None:
    for line in path.read_bytes().split(b"\n"):
        if not line.strip():
            continue
        try:
            plain = json.loads(line)
            found.lines.append(
                Line(plain["key"], plain["status"], str(plain["definition"]), str(plain["reason"] or ""))
            )
        except (ValueError, KeyError, TypeError):
            found.torn += 1


def _junit(path: Path, found: Snapshot) -> None:
    cases = defaultdict(list)
    for case in ET.parse(path).getroot().iter("testcase"):
        key = _KEY.search(case.get("name", ""))
        if key is None:
            continue
        states = [_JUNIT[child.tag] for child in case if child.tag in _JUNIT]
        cases[key[1]] += states or ["passed"]
    found.junit = dict(cases)


def _csv(path: Path, found: Snapshot) -> None:
    statuses = defaultdict(set)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            fields = ("storage_pool", "vm_size", "pvc_size", "concurrency", "fio_profile", "block_size")
            statuses[":".join(row[name] for name in fields)].add(row["status"])
    found.csv = dict(statuses)


def _run(path: Path, found: Snapshot) -> None:
    found.run = json.loads(path.read_text())


def _html(path: Path, found: Snapshot) -> None:
    page = path.read_text()
    if not page.rstrip().endswith("</html>"):
        raise ValueError("ends in the middle")
    # Not there in the page of a run that has just begun.
    packed = re.findall(r'type="application/gzip;base64" id="keys-data"[^>]*>([^<]*)<', page)
    found.html = {key for one in packed for key in _measured(json.loads(gzip.decompress(b64decode(one))))}


def _measured(table: dict[str, Any]) -> Iterator[str]:
    """The keys of all rows that have a result."""
    columns = {
        column["name"]: [column["texts"][value] for value in column["values"]]
        if "texts" in column
        else column["values"]
        for column in table["columns"]
    }
    fields = [columns[name] for name in ("pool", "size", "pvc", "vms", "profile", "bs")]
    for state, *key in zip(columns["state"], *fields, strict=True):
        if state != "not run":
            yield ":".join(map(str, key))

"""Where the figures are from: options, versions, cluster, matrix, rules, and what could not be read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from pytest_odfperf.measure.verdicts.rule_table import RULES
from pytest_odfperf.report.content.run_content import RunContent, RunFacts
from pytest_odfperf.report.run_page.details.detail_files import href
from pytest_odfperf.report.run_page.page_template import render_markup
from pytest_odfperf.report.run_page.sections.small_table import Link, SmallTable, TableCell, tables_markup
from pytest_odfperf.report.run_page.sections.storage_journal import storage_journal

#: Shown as they are stored, folded; of longer ones the beginning.
_LONGEST = 40_000
_ROWS = 200
#: Files of a run's folder that people look for.
_FILES = (
    "run.json", "results.jsonl", "results.csv", "results-keys.csv", "junit.xml", "summary.md",
)  # fmt: skip


def provenance(content: RunContent) -> Markup:
    """The section's body."""
    problems = (
        render_markup(
            "lines.html.j2", heading="What was found in the folders", lines=content.problems[:_ROWS]
        )
        if content.problems
        else Markup()
    )
    return problems + Markup().join(_of_run(content, run) for run in content.runs) + _rules(content)


def _of_run(content: RunContent, run: RunFacts) -> Markup:
    found = run.content.get("found") or {}
    versions = {**(run.content.get("versions") or {}), **(found.get("versions") or {})}
    name = f" of {run.run_id}" if len(content.runs) > 1 else ""
    tables = [
        SmallTable(
            heading=f"Options{name}", heads=("Option", "Value"), rows=_pairs(run.content.get("options"))
        ),
        SmallTable(heading=f"Versions{name}", heads=("What", "Version"), rows=_pairs(versions)),
        *_nodes(found, name),
        *_classes(found, name),
        *_journal(f"Outages of the API server{name}", run.outages),
        *storage_journal(f"Health of the storage{name}", run.health),
        *_journal(f"What could not be deleted{name}", run.undeleted),
        SmallTable(
            heading=f"Files{name}",
            heads=("File",),
            rows=[[Link(href=href(run.href, file), text=file)] for file in _FILES],
        ),
    ]
    folded = [
        (f"{what}{name}", _json(run.content.get(key)))
        for what, key in (("Matrix, as it was read", "matrix"), ("Cluster, as it was found", "found"))
        if run.content.get(key)
    ]
    return tables_markup([table for table in tables if table.rows]) + render_markup(
        "folded.html.j2", folded=folded
    )


def _pairs(values: Any) -> list[Sequence[str]]:
    if not isinstance(values, Mapping):
        return []
    return [(str(name), _text(value)) for name, value in values.items() if value not in (None, [], {}, "")]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and not any(isinstance(one, list | dict) for one in value):
        return ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False)


def _nodes(found: Mapping[str, Any], name: str) -> Iterator[SmallTable]:
    nodes = [node for node in found.get("nodes") or () if isinstance(node, Mapping)]
    if nodes:
        yield SmallTable(
            heading=f"Nodes{name}",
            heads=("Node", "CPUs", "Memory GiB", "Ready", "Schedulable", "Marking"),
            rows=[
                [
                    str(node.get("name")),
                    str(node.get("cpu")),
                    _gib(node.get("memory")),
                    "yes" if node.get("ready") else "no",
                    "yes" if node.get("schedulable") else "no",
                    str(node.get("marking") or ""),
                ]
                for node in nodes[:_ROWS]
            ],
            numbers=(1, 2),
            more=f"and {len(nodes) - _ROWS} more, in run.json" if len(nodes) > _ROWS else "",
        )


def _gib(value: object) -> str:
    text = str(value)
    return f"{int(text) / (1 << 30):.0f}" if text.isascii() and text.isdigit() and len(text) < 20 else text


def _classes(found: Mapping[str, Any], name: str) -> Iterator[SmallTable]:
    classes = found.get("storage_classes")
    backends = found.get("backends") or {}
    if isinstance(classes, Mapping) and classes:
        yield SmallTable(
            heading=f"Storage classes{name}",
            heads=("Storage class", "Provisioner", "Binding", "Parameters", "Backend"),
            rows=[
                [
                    str(one),
                    str(facts.get("provisioner") or ""),
                    str(facts.get("binding_mode") or ""),
                    "; ".join(f"{key}={value}" for key, value in (facts.get("parameters") or {}).items()),
                    str((backends.get(one) or {}).get("why") or ""),
                ]
                for one, facts in classes.items()
                if isinstance(facts, Mapping)
            ],
        )


def _journal(heading: str, entries: Sequence[Mapping[str, Any]]) -> Iterator[SmallTable]:
    if entries:
        yield SmallTable(
            heading=heading,
            heads=("Number", "What was noted"),
            rows=[
                [str(number), "; ".join(f"{key} {_text(value)[:400]}" for key, value in entry.items())]
                for number, entry in enumerate(entries[:_ROWS], 1)
            ],
            more=f"and {len(entries) - _ROWS} more" if len(entries) > _ROWS else "",
        )


def _json(value: Any) -> str:
    text = json.dumps(value, indent=1, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n… (run.json has all of it)"


def _rules(content: RunContent) -> Markup:
    objections: dict[str, list[int]] = {}
    for at, test in enumerate(content.tests):
        for code in test.record.codes if test.record is not None else ():
            objections.setdefault(code, []).append(at)
    rows: list[list[TableCell]] = [
        [rule.code, " or ".join(rule.levels), len(objections.get(rule.code, ())), rule.says, rule.next_step]
        for rule in {rule.code: rule for rule in RULES}.values()
    ]
    table = SmallTable(
        heading="Rules by which results are suspect or invalid",
        heads=("Rule", "Makes a result", "Tests", "It objects where", "What to do then"),
        rows=sorted(rows, key=lambda row: -int(str(row[2]))),
        numbers=(2,),
    )
    return render_markup("folded.html.j2", folded=[(f"Rules ({len(rows)})", tables_markup([table]))])

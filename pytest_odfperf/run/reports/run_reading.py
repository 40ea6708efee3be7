"""Reads the folder of a run, finished or not, for its reports."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.content.run_content import RunContent, RunFacts, RunTest
from pytest_odfperf.report.content.run_progress import RunProgress
from pytest_odfperf.run.before.earlier_results import by_test, read_records_of
from pytest_odfperf.run.before.selection import stored_matrix, stored_options
from pytest_odfperf.run.cyclic_garbage import not_searched
from pytest_odfperf.run.reports.artefact_files import ArtefactFiles
from pytest_odfperf.store import journal
from pytest_odfperf.store.run_dir import RunDir

COMPARISON_JSON = "comparison.json"


def read_run_content(run_dir: RunDir, href: str = "") -> RunContent:
    """All that the run's folder says; ``href`` leads there from where the report is to be.

    Raises `InputError` if run.json is none of ours, `StoreError` if the records can not be read.
    """
    return run_content(run_dir, run_dir.read_run(), href)


@not_searched(kept=True)
def run_content(
    run_dir: RunDir,
    content: Mapping[str, Any],
    href: str = "",
    unwritten: Iterable[Record] = (),
    progress: RunProgress | None = None,
    read: tuple[Sequence[Record], Sequence[str]] | None = None,
) -> RunContent:
    """`read_run_content` of a run whose run.json is ``content``.

    ``unwritten`` are records that could not be written: they count more than what is there. ``progress`` is
    what the run's own controller says; without it the run's lock tells whether there is one. ``read`` is
    what `read_records_of` made of the records, if that is known.
    """
    definitions = {str(key): str(value) for key, value in (content.get("definitions") or {}).items()}
    options = stored_options(run_dir, content) if content.get("options") else {}
    records, problems = read or read_records_of(run_dir)
    counted = by_test(records, definitions) | {record.test: record for record in unwritten}
    facts = RunFacts(
        # A folder may have been renamed since.
        run_id=str(content.get("run_id") or run_dir.run_id),
        href=href,
        content=content,
        path=str(run_dir.path.absolute()),
        comparison=_json(run_dir.path / COMPARISON_JSON),
        loads=_entries(run_dir.path / "loads.jsonl"),
        health=_entries(run_dir.path / "health.jsonl"),
        counters=_entries(run_dir.path / "counters.jsonl"),
        outages=_entries(run_dir.path / "outages.jsonl"),
        undeleted=_entries(run_dir.path / "undeleted.jsonl"),
        progress=None if "ended_at" in content else progress or _progress(run_dir),
    )
    return RunContent(
        runs=(facts,),
        matrix=stored_matrix(run_dir, content),
        tests=_tests(definitions, int(options.get("repeat") or 1), counted),
        problems=tuple(f"results.jsonl: {problem}" for problem in problems),
        read=ArtefactFiles(run_dir.path),
    )


def _progress(run_dir: RunDir) -> RunProgress:
    return RunProgress(read_at=datetime.datetime.now(tz=datetime.UTC), alive=run_dir.is_locked())


def _tests(definitions: dict[str, str], repeats: int, counted: dict[str, Record]) -> tuple[RunTest, ...]:
    of_key: dict[str, list[Record]] = {}
    for record in counted.values():
        of_key.setdefault(str(record.key), []).append(record)
    tests = []
    for text in [*definitions, *(other for other in of_key if other not in definitions)]:
        own = sorted(of_key.get(text, []), key=lambda record: record.repeat)
        there = {record.repeat for record in own}
        asked = range(1, repeats + 1) if text in definitions else range(0)
        try:
            key = Key.parse(text)
        except InputError:
            continue
        tests += [RunTest(key=key, repeat=record.repeat, record=record) for record in own]
        tests += [RunTest(key=key, repeat=repeat, record=None) for repeat in asked if repeat not in there]
    return tuple(tests)


def _entries(path: Path) -> tuple[dict[str, Any], ...]:
    try:
        return tuple(journal.read(path)[0])
    except OSError:
        return ()


def _json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(b"\n".join(journal.read_lines(path)))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None

"""What an earlier run has completed, from its records and its checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_odfperf.errors import one_line
from pytest_odfperf.measure.record import Record, read_records
from pytest_odfperf.store.checkpoint import Checkpoint
from pytest_odfperf.store.durable import told
from pytest_odfperf.store.journal import each_line
from pytest_odfperf.store.run_dir import RunDir


def read_records_of(
    run_dir: RunDir, lean: Callable[[dict[str, Any]], None] = lambda _: None
) -> tuple[list[Record], list[str]]:
    """All records of a run in the order of writing, and what in its file is no record.

    ``lean``: see `read_records`. Raises `StoreError` if the file is there and can not be read.
    """
    with told("can not be read", run_dir.records):
        return read_records((line.decode(errors="replace") for line in each_line(run_dir.records)), lean)


def by_test(records: Iterable[Record], definitions: Mapping[str, str]) -> dict[str, Record]:
    """The record of each test that counts, by node id; ``definitions`` are today's, by key.

    Records of today's definition win over others, and among them a complete one over one that is not: a
    result that was complete is not undone by a worker that died after it. Else the later wins.
    """
    found: dict[str, Record] = {}
    weights: dict[str, int] = {}
    for record in records:
        today = record.definition is not None and record.definition == definitions.get(str(record.key))
        weight = today + (today and record.complete)
        if weight >= weights.get(record.test, 0):
            found[record.test], weights[record.test] = record, weight
    return found


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """What is left of a run that is gone on with. ``lines`` say what could not be read, one thing each."""

    #: All of the run's records; see `by_test` for those that count.
    records: tuple[Record, ...] = ()
    lines: tuple[str, ...] = ()

    def done(self, definitions: Mapping[str, str]) -> dict[str, str]:
        """Completed tests, node id to definition. ``definitions`` are today's, by key."""
        return {
            test: record.definition
            for test, record in by_test(self.records, definitions).items()
            if record.complete and record.definition is not None
        }

    def presumably_done(self, definitions: Mapping[str, str]) -> dict[str, str]:
        """The same where a cluster is not asked, so that ``definitions`` lack the StorageClasses' facts.

        Any complete record counts.
        """
        return {
            test: definitions[str(record.key)]
            for test, record in by_test(self.records, {}).items()
            if record.complete and str(record.key) in definitions
        }


def read_earlier(run_dir: RunDir | None, checkpoint_dir: Path | None) -> Earlier:
    """What run ``run_dir`` has left. Raises `StoreError` if its records can not be read.

    A complete record is enough: it is written before its mark in the checkpoint, and the cache that holds
    that may be lost. A mark alone is not, since no report could show what it stands for.
    """
    if run_dir is None:
        return Earlier()
    records, problems = read_records_of(run_dir)
    lines = []
    if problems:
        lines.append(
            f"{run_dir.records}: {_lines(len(problems))} no record and left out (first: {problems[0]})"
        )
    if checkpoint_dir is not None:
        marked, broken = Checkpoint(checkpoint_dir, run_dir.run_id).read()
        if broken:
            lines.append(f"the checkpoint in {checkpoint_dir}: {_lines(broken)} not readable and left out")
        complete = {record.test for record in records if record.complete}
        if lost := sorted(set(marked) - complete):
            lines.append(
                f"{len(lost)} tests completed, but their records are gone: measured again, {lost[0]} first"
            )
    return Earlier(records=tuple(records), lines=tuple(map(one_line, lines)))


def _lines(number: int) -> str:
    return "1 line is" if number == 1 else f"{number} lines are"

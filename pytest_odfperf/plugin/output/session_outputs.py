"""What a session leaves behind: its records, the files made of them, lines for the terminal's end."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_odfperf.errors import StoreError
from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.beside import beside_lines
from pytest_odfperf.report.comparison_text import ComparisonReport, comparison_lines
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.decisions_text import broken_unseen, limit_lines, repeat_lines
from pytest_odfperf.report.summary import PoolCounts, buffered_line, count, verdict_lines
from pytest_odfperf.report.tables.capacity_table import capacity_lines
from pytest_odfperf.report.tables.ranking_table import ranking_lines, ranking_of
from pytest_odfperf.run.before.earlier_results import read_records_of
from pytest_odfperf.run.controller.open_run import Run
from pytest_odfperf.run.cyclic_garbage import not_searched
from pytest_odfperf.run.reports.run_reading import run_content
from pytest_odfperf.run.reports.write_reports import write_reports


class Outputs:
    """The outputs of one session of a run. A disk that takes nothing is said, and stops nobody."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.lines: list[str] = []
        self.counts: dict[str, PoolCounts] = {}
        #: What is said of buffered results, if there are some.
        self.buffered: str | None = None
        #: Which pools ran at one time.
        self.beside: list[str] = []
        self.verdicts: list[str] = []
        self.comparison: ComparisonReport | None = None
        #: What limits came to, and how far repeats lie apart.
        self.decisions: list[str] = []
        #: Whether a limit is broken that no failed test tells of.
        self.broken_unseen = False
        #: Records of this session that are not on the disk, by test.
        self._unwritten: dict[str, Record] = {}
        #: What the folder says, its records, and their version: it is asked for again and again.
        self._content: RunContent | None = None
        self._records: tuple[list[Record], list[str]] | None = None
        self._read: tuple[int, int, int, int] | None = None

    def note(self, line: str) -> None:
        """Say ``line`` at the end, once however often it happened."""
        if f"odfperf: {line}" not in self.lines:
            self.lines.append(f"odfperf: {line}")

    def take_unwritten(self, plain: Mapping[str, Any]) -> None:
        """Keep a record that its process could not write."""
        record = Record.from_json(plain)
        self._unwritten[record.test] = record

    @not_searched()
    def content(self) -> RunContent:
        """What the run's folder says, with records that could not be written. Raises `StoreError`."""
        version = self._version()
        if self._records is None or version is None or version != self._read:
            self._content = None
            self._records, self._read = read_records_of(self._run.run_dir), version
        if self._content is None:
            unwritten = self._unwritten.values()
            self._content = run_content(
                self._run.run_dir, self._run.content, unwritten=unwritten, read=self._records
            )
        return self._content

    def records(self) -> list[Record]:
        """The records that count, with those that could not be written. Raises `StoreError`."""
        return list(self.content().records)

    def _version(self) -> tuple[int, int, int, int] | None:
        """What changes with the records; None if that can not be told."""
        try:
            found = self._run.run_dir.records.stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns, len(self._unwritten)

    def completed_now(self, test: str) -> Record | None:
        """The complete record of ``test`` that a worker of this session wrote, and may not have reported."""
        try:
            found = {record.test: record for record in self.records()}.get(test)
        except StoreError:
            return None
        if found is None or not found.complete or found == self._run.earlier.get(test):
            return None
        return found

    def judge(self) -> bool:
        """Note what the results are worth; False, and a line at the end, if they can not be read.

        All pools that were to run are counted: one that was never begun is not absent from the totals.
        """
        try:
            records = self.records()
        except StoreError as error:
            self.note(str(error))
            return False
        self.counts = count(records, dict.fromkeys(key.pool for key in self._run.plan.keys))
        self.buffered = buffered_line(records)
        self.beside = beside_lines(records)
        self.verdicts = verdict_lines(records)
        unseen = broken_unseen(records)
        self.broken_unseen = bool(unseen)
        self.decisions = [*repeat_lines(records), *limit_lines(records), *unseen]
        return True

    @not_searched()
    def write(self) -> bool:
        """Write all reports; False, and lines at the end, if one could not be written."""
        try:
            # Made anew: the run has ended since.
            self._content = None
            problems = write_reports(self._run.run_dir, self.content())
        except StoreError as error:
            problems = [str(error)]
        for problem in problems:
            self.note(problem)
        return not problems

    def judgements(self) -> list[str]:
        """What the results are worth and how they compare, for the terminal."""
        compared = comparison_lines(self.comparison) if self.comparison is not None else []
        ranked, capacities = [], []
        # That they can not be read was said.
        with contextlib.suppress(StoreError):
            content = self.content()
            ranked = ranking_lines(content.once(ranking_of))
            capacities = capacity_lines(content.records, content.sweeps)
        return [*self.verdicts, *self.decisions, *self.beside, *ranked, *capacities, *compared]


def relative(path: Path) -> str:
    """A path as it is written in this folder."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)

"""What a session leaves behind: its records, the files made of them, lines for the terminal's end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_odfperf.errors import StoreError
from pytest_odfperf.measure.capacity.depth_sweep import DepthSweep, depth_sweeps
from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.beside import beside_lines
from pytest_odfperf.report.comparison_text import ComparisonReport, comparison_lines
from pytest_odfperf.report.decisions_text import broken_unseen, limit_lines, repeat_lines
from pytest_odfperf.report.html_page.comparison_html import comparison_html
from pytest_odfperf.report.summary import PoolCounts, buffered_line, count, verdict_lines
from pytest_odfperf.report.tables.capacity_table import capacity_html, capacity_lines
from pytest_odfperf.report.tables.ranking_table import (
    RankingReport,
    ranking_html,
    ranking_lines,
    ranking_report,
)
from pytest_odfperf.run.controller.finish import final_records, write_capacity, write_outputs, write_ranking
from pytest_odfperf.run.controller.open_run import Run


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
        self.ranking = RankingReport(rankings=(), composites={})
        self.comparison: ComparisonReport | None = None
        #: What limits came to, and how far repeats lie apart.
        self.decisions: list[str] = []
        #: Whether a limit is broken that no failed test tells of.
        self.broken_unseen = False
        self._records: list[Record] = []
        self._sweeps: list[DepthSweep] = []
        #: Records of this session that are not on the disk, by test.
        self._unwritten: dict[str, Record] = {}
        #: Those that are on the disk, and the version of their file: it is asked for them again and again.
        self._written: list[Record] = []
        self._read: tuple[int, int, int] | None = None

    def note(self, line: str) -> None:
        """Say ``line`` at the end, once however often it happened."""
        if f"odfperf: {line}" not in self.lines:
            self.lines.append(f"odfperf: {line}")

    def take_unwritten(self, plain: Mapping[str, Any]) -> None:
        """Keep a record that its process could not write."""
        record = Record.from_json(plain)
        self._unwritten[record.test] = record

    def records(self) -> list[Record]:
        """The records that count, with those that could not be written. Raises `StoreError`."""
        if (version := self._version()) is None or version != self._read:
            self._written, self._read = self._final_records(), version
        written = self._written
        kept = [record for record in written if record.test not in self._unwritten]
        return [*kept, *self._unwritten.values()]

    def _final_records(self) -> list[Record]:
        return final_records(self._run.run_dir, self._run.plan.definitions)

    def _version(self) -> tuple[int, int, int] | None:
        """What changes with the file of the records; None if that can not be told."""
        try:
            found = self._run.run_dir.records.stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def completed_now(self, test: str) -> Record | None:
        """The complete record of ``test`` that a worker of this session wrote, and may not have reported."""
        try:
            found = {record.test: record for record in self.records()}.get(test)
        except StoreError:
            return None
        if found is None or not found.complete or found == self._run.earlier.get(test):
            return None
        return found

    def write(self) -> bool:
        """Write what is made of the records; False, and a line at the end, if that is not possible.

        All pools that were to run are counted: one that was never begun is not absent from the totals.
        """
        pools = list(dict.fromkeys(key.pool for key in self._run.plan.keys))
        try:
            records = self.records()
            self.counts = count(records, pools)
            self.buffered = buffered_line(records)
            self.beside = beside_lines(records)
            self.verdicts = verdict_lines(records)
            write_outputs(self._run.run_dir, records, pools, self._run.plan.repeats)
            plan = self._run.plan
            self.ranking = ranking_report(records, plan.keys, plan.matrix.ranking.weights)
            write_ranking(self._run.run_dir, self.ranking)
            unseen = broken_unseen(records)
            self.broken_unseen = bool(unseen)
            self.decisions = [*repeat_lines(records), *limit_lines(records), *unseen]
            self._records, self._sweeps = records, depth_sweeps(records, plan.matrix, plan.keys)
            write_capacity(self._run.run_dir, records, self._sweeps)
        except StoreError as error:
            self.note(str(error))
            return False
        return True

    def judgements(self) -> list[str]:
        """What the results are worth and how they compare, for the terminal."""
        compared = comparison_lines(self.comparison) if self.comparison is not None else []
        capacities = capacity_lines(self._records, self._sweeps)
        return [
            *self.verdicts,
            *self.decisions,
            *self.beside,
            *ranking_lines(self.ranking),
            *capacities,
            *compared,
        ]

    def html_blocks(self) -> list[str]:
        """What the HTML report shows beside the records."""
        compared = comparison_html(self.comparison) if self.comparison is not None else ""
        return [compared, ranking_html(self.ranking), capacity_html(self._records, self._sweeps)]


def relative(path: Path) -> str:
    """A path as it is written in this folder."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)

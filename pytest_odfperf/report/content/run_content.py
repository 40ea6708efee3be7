"""What the folders of one run, or of several that are merged, say. Read once; all reports are made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.measure.capacity.depth_sweep import DepthSweep, depth_sweeps
from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.content.result_state import STATES, WORDS, ResultState, state_of
from pytest_odfperf.report.content.run_progress import RunProgress

_T = TypeVar("_T")
#: What is later, the year 5138, is no time that anybody can mean: somebody may have changed a file.
LATEST_S = 1e11


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """One run: run.json and the journals beside it."""

    run_id: str
    #: Where its folder is from where the report is: empty for a report in that folder, else it ends in "/".
    href: str
    #: run.json as it is. Its texts come from files and the cluster.
    content: Mapping[str, Any]
    #: Its folder, from the root of the file system; empty: not known.
    path: str = ""
    #: comparison.json, if the run was compared with others.
    comparison: Mapping[str, Any] | None = None
    #: The entries of loads.jsonl, health.jsonl, counters.jsonl, outages.jsonl, undeleted.jsonl in the order
    #: of writing.
    loads: tuple[Mapping[str, Any], ...] = ()
    health: tuple[Mapping[str, Any], ...] = ()
    counters: tuple[Mapping[str, Any], ...] = ()
    outages: tuple[Mapping[str, Any], ...] = ()
    undeleted: tuple[Mapping[str, Any], ...] = ()
    #: How far it is; None: it has ended.
    progress: RunProgress | None = None

    @property
    def ended(self) -> bool:
        """Whether the run came to its end, early or not. False: it is running, or was killed."""
        return "ended_at" in self.content


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTest:
    """One test that the run has, or should have had. ``record`` None: it was not run."""

    key: Key
    repeat: int
    record: Record | None

    @property
    def state(self) -> ResultState:
        return state_of(self.record)


def _nothing(record: Record, name: str) -> bytes | None:  # noqa: ARG001 - the signature of `read`
    return None


@dataclass(frozen=True, kw_only=True)
class RunContent:
    """Everything of a run. Nothing in it is escaped."""

    runs: tuple[RunFacts, ...]
    matrix: Matrix
    #: In the order of the matrix's keys, then of repeats. A key may have more than one test of a repeat, of
    #: users' own test functions.
    tests: tuple[RunTest, ...]
    #: What the folders hold that could not be read, and what was decided when they were merged, a line each.
    problems: tuple[str, ...] = ()
    #: A file of a record's: by the end of an artefact's name (``histograms.json``), or by its whole path as
    #: ``record.artefacts`` has it. None: it is not there, or too large.
    read: Callable[[Record, str], bytes | None] = field(default=_nothing, repr=False)

    @cached_property
    def records(self) -> tuple[Record, ...]:
        """The records that count."""
        return tuple(test.record for test in self.tests if test.record is not None)

    @cached_property
    def counts(self) -> dict[ResultState, int]:
        """How many tests came to each state, all states in their order."""
        found = Counter(test.state for test in self.tests)
        return {state: found[state] for state in STATES}

    @property
    def counts_text(self) -> str:
        """``6 tests: 4 passed, 1 failed, 1 not run``."""
        said = ", ".join(f"{number} {WORDS[state]}" for state, number in self.counts.items() if number)
        return f"{len(self.tests)} test{'s' if len(self.tests) != 1 else ''}: {said or 'none'}"

    @cached_property
    def pools(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(test.key.pool for test in self.tests))

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """The keys of all tests, each once."""
        return tuple(dict.fromkeys(test.key for test in self.tests))

    @cached_property
    def selected(self) -> tuple[Key, ...]:
        """Those that the runs are to measure; a session before may have measured others."""
        asked = {str(text) for run in self.runs for text in run.content.get("definitions") or {}}
        return tuple(key for key in self.keys if str(key) in asked)

    @cached_property
    def repeats(self) -> Mapping[Key, int]:
        """How often each key was to be measured."""
        found: dict[Key, int] = {}
        for test in self.tests:
            found[test.key] = max(found.get(test.key, 1), test.repeat)
        return found

    @cached_property
    def sweeps(self) -> tuple[DepthSweep, ...]:
        """Profiles that were measured at several queue depths."""
        return tuple(depth_sweeps(self.records, self.matrix, self.selected))

    @cached_property
    def marking(self) -> str | None:
        """``SIMULATED`` and the like, of any of the runs."""
        found = dict.fromkeys(run.content.get("marking") for run in self.runs)
        return ", ".join(str(one) for one in found if one) or None

    def once(self, make: Callable[[RunContent], _T]) -> _T:
        """What ``make`` makes of this content, made once for all who ask."""
        if make not in self._made:
            self._made[make] = make(self)
        found: _T = self._made[make]
        return found

    @cached_property
    def _made(self) -> dict[Callable[[RunContent], Any], Any]:
        return {}

    def first_start_s(self, run: RunFacts) -> float | None:
        """When the first test of ``run`` that counts began, since the epoch; None: there is none.

        run.json says when the last session began: of a run that is gone on with that is later.
        """
        starts = (one.started_at_epoch_ms / 1000 for one in self.records if self.run_of(one) is run)
        return min((start for start in starts if 0 < start < LATEST_S), default=None)

    def run_of(self, record: Record) -> RunFacts:
        """The run that ``record`` is of."""
        return next((run for run in self.runs if run.run_id == record.run_id), self.runs[0])

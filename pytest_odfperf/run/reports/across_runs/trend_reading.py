"""Reads the folders of many runs for the courses of their figures: of each no more than that needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.compare.compared_figures import RunFigures, figures_of
from pytest_odfperf.measure.compare.run_likeness import RunDescription, describe, facts_of_run
from pytest_odfperf.report.content.result_state import ResultState, state_of
from pytest_odfperf.run.before.earlier_results import by_test, read_records_of
from pytest_odfperf.run.before.selection import stored_matrix
from pytest_odfperf.store.run_dir import RunDir

#: Most of a record; nothing of it is in a course.
_UNREAD = ("guests", "limits", "over_repeats", "health", "beside", "fairness")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRun:
    """A run's figures and what they were measured with."""

    run_dir: RunDir
    content: Mapping[str, Any]
    figures: RunFigures
    counts: Mapping[ResultState, int]
    #: Of the guests: fio and kernel.
    software: tuple[str, ...]

    @property
    def started_at(self) -> str:
        return str(self.content.get("started_at") or "")

    @property
    def definitions(self) -> Mapping[str, str]:
        found = self.content.get("definitions")
        return found if isinstance(found, Mapping) else {}

    @property
    def facts(self) -> dict[str, str]:
        return facts_of_run(self.content)

    def describe(self) -> RunDescription:
        """Raises `InputError`, `ValueError`."""
        return describe(self.content, stored_matrix(self.run_dir, dict(self.content)))

    @property
    def versions(self) -> dict[str, str]:
        """What a run ran with, by name."""
        found = self.content.get("found")
        cluster = found.get("versions") if isinstance(found, Mapping) else None
        versions = {str(name): str(value) for name, value in (cluster or {}).items()}
        for text in self.software:
            # As the guests say it: "fio-3.39", "kernel 5.14.0-570".
            name, _, value = text.replace("fio-", "fio ", 1).partition(" ")
            versions[name] = f"{versions[name]} + {value}" if name in versions else value
        nodes = found.get("node_software") if isinstance(found, Mapping) else None
        if nodes and isinstance(nodes, list | tuple):
            versions["nodes"] = " + ".join(map(str, nodes))
        own = self.content.get("versions")
        if isinstance(own, Mapping) and own.get("pytest-odfperf"):
            versions["pytest-odfperf"] = str(own["pytest-odfperf"])
        return versions


def _lean(plain: dict[str, Any]) -> None:
    for name in _UNREAD:
        plain.pop(name, None)
    jobs = plain.get("jobs")
    if isinstance(jobs, list) and len(jobs) == 1 and isinstance(jobs[0], dict):
        # The record has the same figures.
        jobs[0] |= {"read": None, "write": None, "sync": None}


def read_run(run_dir: RunDir) -> ReadRun:
    """Raises `InputError`, also for a run.json that is damaged, `StoreError`."""
    content = run_dir.read_run()
    place = str(run_dir.path / "run.json")
    try:
        facts_of_run(content)
    except ValueError as error:
        raise InputError(str(error), place=place) from error
    records, _ = read_records_of(run_dir, _lean)
    definitions = {str(key): str(value) for key, value in (content.get("definitions") or {}).items()}
    counted = by_test(records, definitions).values()
    counts = Counter(state_of(record) for record in counted)
    return ReadRun(
        run_dir=run_dir,
        content=content,
        figures=figures_of(counted),
        counts=dict(counts),
        software=tuple(sorted({one for record in counted for one in record.software})),
    )


def alike(runs: Sequence[ReadRun]) -> dict[Key, list[int]]:
    """By key a number for each run: runs with the same number measured the same thing.

    An equal definition is the same. Of others it is looked whether they differ in what counts for figures
    (`describe`), which takes longer. Raises `InputError` for a run.json that can not be read.
    """
    found: dict[Key, list[int]] = {}
    descriptions: dict[int, RunDescription] = {}

    def described(run: int) -> RunDescription:
        if run not in descriptions:
            try:
                descriptions[run] = runs[run].describe()
            except ValueError as error:
                raise InputError(str(error), place=str(runs[run].run_dir.path / "run.json")) from error
        return descriptions[run]

    facts = [tuple(run.facts.items()) for run in runs]
    for text in dict.fromkeys(text for run in runs for text in run.definitions):
        try:
            key = Key.parse(text)
        except InputError:
            continue
        numbers: list[int] = []
        #: Each as the run that had it first.
        known: list[int] = []
        for run, one in enumerate(runs):
            own = one.definitions.get(text)
            number = next(
                (
                    place
                    for place, other in enumerate(known)
                    if facts[other] == facts[run]
                    and (
                        runs[other].definitions[text] == own
                        or described(other).of_keys.get(key) == described(run).of_keys.get(key)
                    )
                ),
                None,
            ) if own is not None else -1  # fmt: skip
            if number is None:
                known.append(run)
                number = len(known) - 1
            numbers.append(number)
        found[key] = numbers
    return found

"""The earlier runs that a run is compared with: read and held against it before anything is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_odfperf.errors import InputError, StoreError
from pytest_odfperf.matrix.definition import METHOD
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.compare.run_likeness import (
    RunDescription,
    describe,
    difference_text,
    software_differences,
)
from pytest_odfperf.measure.record import Record
from pytest_odfperf.run.before.earlier_results import by_test, read_records_of
from pytest_odfperf.run.before.named_runs import find_runs, need_statistics, split_names
from pytest_odfperf.run.before.prepare import facts_json
from pytest_odfperf.run.before.selection import Selection, stored_matrix
from pytest_odfperf.store.run_dir import RunDir

if TYPE_CHECKING:
    from pytest_odfperf.cluster.facts.cluster_facts import ClusterFacts

OPTION = "--odf-baseline"


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """One earlier run; ``records`` are those that count."""

    run_id: str
    path: Path
    records: tuple[Record, ...]
    description: RunDescription


@dataclass(kw_only=True)
class Baselines:
    """All runs to compare with. ``forced``: also if they are unlike the run; ``unlike`` says how they are."""

    runs: tuple[Baseline, ...]
    forced: bool
    #: Whether confirmed regressions fail the run.
    gate: bool = False
    unlike: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """For the options of run.json, so that a run that is gone on with is compared too."""
        return {
            "baseline": [str(run.path) for run in self.runs],
            "gate": self.gate,
            "force_compare": self.forced,
        }

    def check(self, selection: Selection, facts: ClusterFacts) -> None:
        """Raise `InputError` if a run of ``selection`` on this cluster could not be compared with them."""
        content: dict[str, Any] = {
            "method": METHOD,
            "marking": facts.marking,
            "options": selection.to_json(),
            "found": facts_json(facts),
            "definitions": {str(key): "" for key in selection.keys},
        }
        ours = describe(content, selection.matrix)
        faults = []
        for run in self.runs:
            if text := difference_text(ours, run.description):
                self.unlike.append(f"run {run.run_id}: {text}")
                faults.append(
                    InputError(
                        f"{OPTION}: run {run.run_id} is not like this one ({text}); "
                        "--odf-force-compare compares them all the same, and marks it"
                    )
                )
        if faults and not self.forced:
            raise faults[0]

    def refused(self, records: Sequence[Record]) -> dict[Key, str]:
        """Keys whose guests' software differs from a baseline's, which is known only once they are measured.

        None if that is forced; it is in ``unlike`` then.
        """
        found = {
            key: f"run {run.run_id}: {text}"
            for run in self.runs
            for key, text in software_differences(records, run.records).items()
        }
        if not self.forced:
            return found
        self.unlike += [text for text in dict.fromkeys(found.values()) if text not in self.unlike]
        return {}


def read_baselines(
    text: str | None, results: Path, selection: Selection, *, gate: bool = False, forced: bool = False
) -> Baselines | None:
    """The runs that ``--odf-baseline`` names: ids, ``last``, or folders. Raises `InputError`.

    None if it names none, and a run that is gone on with has none. What statistics need is asked for here,
    so that it is missing before anything is measured and not after.
    """
    options = selection.stored.get("options") or {}
    gate, forced = gate or options.get("gate") is True, forced or options.get("force_compare") is True
    names = split_names(text) if text is not None else list(options.get("baseline") or ())
    if not names:
        if gate or forced:
            raise InputError(f"--odf-gate and --odf-force-compare need {OPTION}: runs to compare with")
        return None
    need_statistics(OPTION)
    found = find_runs(names, results, OPTION)
    for run_dir in found:
        if selection.resumed is not None and run_dir.path.samefile(selection.resumed.path):
            raise InputError(f"{OPTION} {run_dir.run_id!r:.80} is the run that is gone on with")
    runs = tuple(_read(run_dir, selection) for run_dir in found)
    return Baselines(runs=runs, forced=forced, gate=gate)


def _read(run_dir: RunDir, selection: Selection) -> Baseline:
    content = run_dir.read_run()
    matrix = stored_matrix(run_dir, content)
    try:
        description = describe(content, matrix)
        records, _ = read_records_of(run_dir)
    except (ValueError, StoreError) as error:
        raise InputError(f"{OPTION}: run {run_dir.run_id} can not be read: {error}") from error
    definitions = {str(name): str(value) for name, value in (content.get("definitions") or {}).items()}
    counted = tuple(by_test(records, definitions).values())
    measured = {record.key for record in counted if record.jobs and record.usable}
    if not measured:
        raise InputError(f"{OPTION}: run {run_dir.run_id} has no valid result")
    if not measured.intersection(selection.keys):
        raise InputError(
            f"{OPTION}: run {run_dir.run_id} has none of the keys that are selected "
            f"({min(map(str, measured))} and {len(measured) - 1} more are there)"
        )
    return Baseline(
        run_id=run_dir.run_id, path=run_dir.path.absolute(), records=counted, description=description
    )

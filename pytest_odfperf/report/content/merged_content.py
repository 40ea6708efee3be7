"""Several runs as one: pools that were spread over controllers, or the halves of a run that was killed.

What makes them one must be alike: the method, the settings of the matrix, the definition of each key that
two of them have. A test that two of them measured counts once, see `_chosen`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.matrix.serial import to_json
from pytest_odfperf.measure.compare.run_likeness import RunDescription, describe, differences, unlike_values
from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.content.run_content import RunContent, RunTest

#: Parts of a matrix that all runs have alike; of those with names, what has the same name.
_WHOLE = ("fio", "guest", "vm", "capacity", "ranking")
_NAMED = {"pools": "name", "vm_sizes": "label", "pvc_sizes": "label", "profiles": "name"}
#: What decides no figure.
_NOT_COMPARED = ("path", "allow_not_ready", "block_sizes", "only")
_SHOWN = 3


def merged(contents: Sequence[RunContent]) -> RunContent:
    """All ``contents``, each of one run, as one; in the order in which the runs began.

    Raises `InputError` that names what differs between two of them.
    """
    ordered = sorted(contents, key=lambda one: str(one.runs[0].content.get("started_at")))
    if len(ordered) == 1:
        return ordered[0]
    notes: list[str] = []
    for number, one in enumerate(ordered):
        for other in ordered[:number]:
            notes += _check_alike(other, one)
    tests, twice = _chosen(ordered)
    if twice:
        more = f" and {len(twice) - 1} more" if len(twice) > 1 else ""
        notes.append(f"complete in two runs, the later one counts: {twice[0]}{more}")
    by_id = {one.runs[0].run_id: one for one in ordered}
    return RunContent(
        runs=tuple(run for one in ordered for run in one.runs),
        matrix=_joined([one.matrix for one in ordered]),
        tests=tests,
        problems=tuple(
            [f"{one.runs[0].run_id}: {problem}" for one in ordered for problem in one.problems] + notes
        ),
        read=lambda record, name: by_id[record.run_id].read(record, name) if record.run_id in by_id else None,
    )


def _check_alike(first: RunContent, second: RunContent) -> list[str]:
    """What differs and does not matter, a line each; raises `InputError` for what does."""
    one, two = first.runs[0], second.runs[0]
    try:
        ours, theirs = (describe(content.runs[0].content, content.matrix) for content in (first, second))
    except ValueError as error:
        raise InputError(f"runs {one.run_id} and {two.run_id} can not be merged: {error}") from error
    found = differences(_of_figures(ours), _of_figures(theirs))
    found += _unlike_settings(first.matrix, second.matrix)
    if not found:
        definitions = [run.content.get("definitions") or {} for run in (one, two)]
        found = [
            f"definition of {key}: {definitions[0][key]:.16}, not {definitions[1][key]:.16}"
            for key in definitions[0]
            if key in definitions[1] and definitions[0][key] != definitions[1][key]
        ]
        if found and (sandbox := unlike_values(first.matrix.sandbox, second.matrix.sandbox, "sandbox")):
            found = sandbox
    if found:
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise InputError(
            f"runs {one.run_id} and {two.run_id} are unlike and can not be merged: "
            f"{'; '.join(found[:_SHOWN])}{more}"
        )
    names = [name for name in ours.versions if ours.versions[name] != theirs.versions.get(name)]
    return [
        f"runs {one.run_id} and {two.run_id}: {name} version {ours.versions[name]}, not "
        f"{theirs.versions[name]}"
        for name in names
        if name in theirs.versions
    ]


def _of_figures(description: RunDescription) -> RunDescription:
    """Without what says how pools ran beside each other, which each result tells, and without versions."""
    kept = {name: description.of_run[name] for name in ("method", "marking")}
    return replace(description, of_run=kept, versions={})


def _unlike_settings(first: Matrix, second: Matrix) -> list[str]:
    """Settings of which keys that only one of them has are made, too."""
    ours, theirs = to_json(first), to_json(second)
    found = [text for name in _WHOLE for text in unlike_values(ours[name], theirs[name], name)]
    for part, label in _NAMED.items():
        others = {entry[label]: entry for entry in theirs[part]}
        for entry in ours[part]:
            if (other := others.get(entry[label])) is not None:
                found += unlike_values(_compared(entry), _compared(other), f"{part}.{entry[label]}")
    return found


def _compared(entry: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in entry.items() if name not in _NOT_COMPARED}


def _joined(matrices: Sequence[Matrix]) -> Matrix:
    """One matrix with the pools, sizes and profiles of all."""

    def every(name: str, label: str) -> tuple[object, ...]:
        found: dict[object, object] = {}
        for matrix in matrices:
            for entry in getattr(matrix, name):
                found.setdefault(getattr(entry, label), entry)
        return tuple(found.values())

    parts = {name: every(name, label) for name, label in _NAMED.items()}
    limits = tuple(dict.fromkeys(limit for matrix in matrices for limit in matrix.limits))
    concurrency = tuple(dict.fromkeys(number for matrix in matrices for number in matrix.concurrency))
    return replace(matrices[0], limits=limits, concurrency=concurrency, **parts)  # type: ignore[arg-type]


def _chosen(contents: Sequence[RunContent]) -> tuple[tuple[RunTest, ...], list[str]]:
    """The tests that count, and those that two runs completed.

    All repeats of a test are of one run: their intervals are over one run's repeats. It is the one with the
    most complete ones, then with the most results, then the one that measured last.
    """
    of_test: dict[tuple[Key, str], list[list[Record]]] = {}
    asked: dict[Key, int] = {}
    for content in contents:
        own: dict[tuple[Key, str], list[Record]] = {}
        for test in content.tests:
            asked[test.key] = max(asked.get(test.key, 1), test.repeat)
            if test.record is not None:
                own.setdefault((test.key, test.record.test.partition("[")[0]), []).append(test.record)
        for place, records in own.items():
            of_test.setdefault(place, []).append(records)
    of_key: dict[Key, list[Record]] = {key: [] for key in asked}
    twice = []
    for (key, name), choices in of_test.items():
        of_key[key] += sorted(choices, key=_weight)[-1]
        if sum(any(record.complete for record in records) for records in choices) > 1:
            twice.append(f"{name}[{key}]")
    tests: list[RunTest] = []
    for key in _in_order(asked, contents):
        records = sorted(of_key[key], key=lambda record: record.repeat)
        there = {record.repeat for record in records}
        tests += [RunTest(key=key, repeat=record.repeat, record=record) for record in records]
        missing = (repeat for repeat in range(1, asked[key] + 1) if repeat not in there)
        tests += [RunTest(key=key, repeat=repeat, record=None) for repeat in missing]
    return tuple(tests), twice


def _weight(records: list[Record]) -> tuple[int, int, int]:
    complete = sum(record.complete for record in records)
    return complete, len(records), max(record.ended_at_epoch_ms for record in records)


def _in_order(keys: Mapping[Key, int], contents: Sequence[RunContent]) -> list[Key]:
    """Pools in the order of the joined matrix, and of each pool the keys as their runs have them."""
    pools = [pool.name for content in contents for pool in content.matrix.pools]
    place = {name: number for number, name in reversed(list(enumerate(pools)))}
    return sorted(keys, key=lambda key: place.get(key.pool, len(pools)))

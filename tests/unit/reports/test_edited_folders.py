"""run.json and journals that somebody edited: one line that names the place, or every report all the same."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from report_runs.everything import everything_plan
from report_runs.everything_beside import hostile_run_json, write_journals

from pytest_odfperf.errors import InputError
from pytest_odfperf.measure.record import Record
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.run.reports.output_table import OUTPUTS
from pytest_odfperf.run.reports.run_reading import read_run_content
from pytest_odfperf.store.run_dir import RunDir

WRONG: tuple[Any, ...] = (7, "text", [], {}, None, [1], {"a": 1}, -0.5)
JOURNALS = ("loads.jsonl", "health.jsonl", "outages.jsonl", "undeleted.jsonl", "counters.jsonl")
BEGAN_S = 1793606405.0
LOADS = [
    {"at": BEGAN_S + after_s, "process": "gw0", "pool": "rep3", "load": load}
    for after_s, load in ((0, "booting"), (9, "working"), (90, "deleting"))
]
COUNTERS: dict[str, Any] = {
    "at": BEGAN_S,
    "name": "openshift-storage/ocs",
    "pools": {"rep3": [1, 2, 3, 4]},
    "recovered": 5,
    "recovering": [1.0, 2.0],
    "osds": {"0": [True, True]},
}


def places(of: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Each place in plain JSON; of alike entries of an object or a list the first two."""
    if above:
        yield above
    if isinstance(of, dict):
        few = list(of) if len(above) < 2 else list(of)[:12]
        for name in few:
            yield from places(of[name], (*above, name))
    elif isinstance(of, list):
        for number, one in enumerate(of[:2]):
            yield from places(one, (*above, number))


def wrong(of: Any, place: tuple[Any, ...], number: int) -> Any:
    """A value of another kind than the one that is at ``place``."""
    there = of
    for step in place:
        there = there[step]
    others = [one for one in WRONG if type(one) is not type(there)]
    return others[number % len(others)]


def changed(of: Any, place: tuple[Any, ...], value: Any) -> Any:
    made = copy.deepcopy(of)
    within = made
    for step in place[:-1]:
        within = within[step]
    within[place[-1]] = value
    return made


@pytest.fixture(scope="module")
def journals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("journals")
    write_journals(folder)
    found = {
        name: [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()[:3]]
        for name in JOURNALS
        if (folder / name).exists()
    }
    return {"loads.jsonl": LOADS, "counters.jsonl": [COUNTERS, COUNTERS | {"at": BEGAN_S + 10}], **found}


@pytest.fixture
def run_dir(
    make_run: Callable[..., RunDir], make_record: Callable[..., Record], monkeypatch: pytest.MonkeyPatch
) -> RunDir:
    monkeypatch.setattr("pytest_odfperf.run.reports.drawing_script.drawing_script", lambda: None)
    return make_run([make_record(), make_record("rep3:small:150Gi:1:random-rw:64k", status="failed")])


def reported(run_dir: RunDir, place: object) -> None:
    refused = None
    try:
        content = read_run_content(run_dir)
    except InputError as error:
        refused = str(error)
    else:
        for output in OUTPUTS:
            if output.name in ("report.html", "junit.xml", "metrics.prom", "summary.md"):
                made = output.make(content)
                assert isinstance(made, str), place
    if refused is not None:
        assert "\n" not in refused
        assert "run.json" in refused, place


def test_a_run_json_is_refused_in_one_line_or_all_is_made(
    run_dir: RunDir,
) -> None:
    path = run_dir.path / "run.json"
    hostile = hostile_run_json(everything_plan(), {})
    plain = json.loads(path.read_text()) | {name: hostile[name] for name in ("found", "left", "outages")}
    every = [place for place in places(plain) if place[:1] != ("matrix",)]
    assert len(every) > 100
    for number, place in enumerate(every):
        path.write_text(json.dumps(changed(plain, place, wrong(plain, place, number))))
        reported(run_dir, place)


def test_lines_of_journals_that_say_something_else_break_nothing(
    run_dir: RunDir, journals: dict[str, list[dict[str, Any]]]
) -> None:
    for name in JOURNALS:
        for number, place in enumerate(places(journals[name])):
            lines = changed(journals[name], place, wrong(journals[name], place, number))
            (run_dir.path / name).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
            reported(run_dir, (name, place))
        (run_dir.path / name).unlink()


@pytest.mark.parametrize("value", ["", None, True, [], 10**400])
def test_a_figure_of_a_doubt_is_a_number(
    run_dir: RunDir, make_record: Callable[..., Record], value: object, tmp_path: Path
) -> None:
    doubt = Doubt(code="page_cache", level="suspect", text="direct=0", figures={"iops": 1.5})
    plain = make_record(verdict="suspect", doubts=(doubt,)).to_json()
    plain["doubts"][0]["figures"] = {"iops": value}
    run_dir.records.write_text(json.dumps(plain) + "\n")
    (problem,) = read_run_content(run_dir).problems
    assert "doubts[0].figures.iops" in problem

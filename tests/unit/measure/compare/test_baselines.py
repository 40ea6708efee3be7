"""What ``--odf-baseline`` may name, and what it says of what it may not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.reading.load import load_text
from pytest_odfperf.matrix.serial import to_json
from pytest_odfperf.run.before.baselines import Baselines, read_baselines

MATRIX = """
pools: [rep3]
vm_sizes: {small: {vcpus: 2, memory: 4Gi}}
pvc_sizes: [150Gi]
concurrency: [1]
profiles: [random-rw]
block_sizes: [4k]
"""
KEY = Key.parse("rep3:small:150Gi:1:random-rw:4k")


@pytest.fixture
def results(tmp_path: Path, make_record: Any) -> Path:
    """Runs ``a`` and ``b`` of one key, and ``empty`` without a result."""
    matrix = load_text(MATRIX, source="m.yaml", folder=tmp_path, name="m")
    for name in ("a", "b", "empty"):
        folder = tmp_path / "results" / name
        folder.mkdir(parents=True)
        content = {
            "schema": 1,
            "matrix": to_json(matrix),
            "options": {},
            "definitions": {str(key): "ab" * 32 for key in expand(matrix)},
        }
        (folder / "run.json").write_text(json.dumps(content))
        if name != "empty":
            (folder / "results.jsonl").write_text(json.dumps(make_record().to_json()) + "\n")
    (tmp_path / "results" / "latest").symlink_to("b")
    return tmp_path / "results"


def read(text: str | None, results: Path, **selection: Any) -> Baselines | None:
    given = SimpleNamespace(**({"resumed": None, "stored": {}, "keys": (KEY,)} | selection))
    return read_baselines(text, results, given)  # type: ignore[arg-type]


def test_runs_are_named_by_id_by_last_and_by_folder(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(results.parent)
    for text, ids in (
        ("a", ["a"]),
        ("last", ["b"]),
        ("latest", ["b"]),
        ("a,last", ["a", "b"]),
        ("results/a", ["a"]),
        ("results/latest,./results/a/", ["b", "a"]),
        (str(results / "a"), ["a"]),
    ):
        found = read(text, results)
        assert found is not None
        assert [run.run_id for run in found.runs] == ids, text
        assert [record.key for record in found.runs[0].records] == [KEY]
    assert read(None, results) is None


def test_a_run_that_is_compared_with_nothing_loads_no_statistics() -> None:
    """Nor does one that ranks pools: numpy and scipy are an extra, and take half a second."""
    modules = (
        "plugin.session",
        "plugin.controller_hooks",
        "plugin.output.comparing",
        "run.confirm.confirm_stage",
    )
    code = "; ".join(f"import pytest_odfperf.{name}" for name in modules)
    check = "import sys; print([name for name in ('numpy', 'scipy') if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {check}"], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "[]\n", done.stderr


def test_a_run_that_is_gone_on_with_keeps_its_baseline(results: Path) -> None:
    stored = {"options": {"baseline": [str(results / "a")], "gate": True, "force_compare": False}}
    found = read(None, results, stored=stored)
    assert found is not None
    assert ([run.run_id for run in found.runs], found.gate, found.forced) == (["a"], True, False)
    assert found.to_json() == stored["options"]
    with pytest.raises(InputError, match="is the run that is gone on with"):
        read("a", results, resumed=SimpleNamespace(path=results / "a"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gone", "--odf-baseline 'gone': run 'gone' is not in "),
        ("a,gone", "--odf-baseline 'gone': run 'gone' is not in "),
        ("a,", "--odf-baseline: a run's name is empty (RUN,RUN,...)"),
        (",", "--odf-baseline: a run's name is empty (RUN,RUN,...)"),
        (" ", "--odf-baseline: a run's name is empty (RUN,RUN,...)"),
        ("a,a", "--odf-baseline names run a twice"),
        ("b,last", "--odf-baseline names run b twice"),
        ("empty", "--odf-baseline: run empty has no valid result"),
        ("./nowhere/run", "--odf-baseline './nowhere/run': is no folder of a run"),
        ("/", "--odf-baseline '/': run '' is not in /"),
        ("/etc", "--odf-baseline '/etc': run 'etc' is not in /"),
        ("a\nb", "--odf-baseline 'a\\nb': run 'a\\nb' is not in "),
        ("/a\0b", "--odf-baseline '/a\\x00b': "),
        (f"/{'x' * 5000}", "--odf-baseline '/xxx"),
    ],
)
def test_what_is_no_run_is_said_in_one_line(results: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as raised:
        read(text, results)
    assert str(raised.value).startswith(said)


@pytest.mark.parametrize(
    "damage",
    [
        {"definitions": None},
        {"definitions": ["x"]},
        {"found": 5},
        {"matrix": {}},
        {"schema": 9},
        {"definitions": {"other:small:150Gi:1:random-rw:4k": ""}},
    ],
)
def test_a_damaged_run_is_said_with_its_place(results: Path, damage: dict[str, Any]) -> None:
    path = results / "a" / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **damage}))
    if damage == {"definitions": None}:
        # Nothing says which keys are alike, but there are results.
        assert read("a", results) is not None
        return
    with pytest.raises(InputError, match=r"run a can not be read: |run\.json"):
        read("a", results)


def test_a_run_without_one_of_the_selected_keys_is_refused_and_torn_lines_are_not(results: Path) -> None:
    with (results / "a" / "results.jsonl").open("a") as file:
        file.write('{"torn')
    assert read("a", results) is not None
    other = Key.parse("rep2:small:150Gi:1:random-rw:4k")
    with pytest.raises(
        InputError, match=f"has none of the keys that are selected .{KEY} and 0 more are there"
    ):
        read("a", results, keys=(other,))

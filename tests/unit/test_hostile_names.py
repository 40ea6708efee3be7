"""Names that would leave their place are refused where they come in, in one line, or arrive as they were.

What YAML, HTML, CSV and labels make of hostile values is in test_cloudinit, test_html, test_results_csv and
test_names; texts that come from a cluster or a guest in a run are in tests/plugin/outputs/test_hostile_texts.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_odfperf.errors import InputError, OdfError, one_line
from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.overrides import add_storage_classes, override_fio
from pytest_odfperf.matrix.reading.load import load_matrix, load_text
from pytest_odfperf.matrix.reading.matrix_check import check
from pytest_odfperf.matrix.serial import from_json, to_json
from pytest_odfperf.store.run_dir import RunDir, check_run_id

NAMES = {
    "parent": "..",
    "path": "../../etc/cron.d/x",
    "absolute": "/etc/passwd",
    "dot": ".hidden",
    "slash": "a/b",
    "backslash": "a\\b",
    "quote": "a'b",
    "double quote": 'a"b',
    "line end": "a\nb",
    "carriage return": "a\rb",
    "tab": "a\tb",
    "null": "a\x00b",
    "escape": "a\x1b[31mb",
    "shell": "$(reboot)",
    "backticks": "`reboot`",
    "variable": "${HOME}",
    "semicolon": "a;reboot",
    "unicode": "a\u00e9",
    "full width": "\uff11",
    "right to left": "a\u202eb",
    "long": "a" * 300,
    "option": "-rf",
    "colon": "a:b",
    "node id": "a::b[c]",
    "markup": "<b>",
    "formula": "=cmd()",
    "space": "a b",
    "empty": "",
    "only a dash": "-",
}


def document(**changes: Any) -> str:
    plain: dict[str, Any] = {
        "pools": [{"name": "p", "storage_class": "sc"}],
        "vm_sizes": {"small": {"vcpus": 1, "memory": "1Gi"}},
        "pvc_sizes": ["10Gi"],
        "concurrency": [1],
        "profiles": ["random-rw"],
        "block_sizes": ["4k"],
    }
    return json.dumps({**plain, **changes})


PLACES = {
    "pool": lambda name: document(pools=[{"name": name, "storage_class": "sc"}]),
    "pool alone": lambda name: document(pools=[name]),
    "storage class": lambda name: document(pools=[{"name": "p", "storage_class": name}]),
    "backend": lambda name: document(pools=[{"name": "p", "storage_class": "sc", "backend": name}]),
    "VM size": lambda name: document(vm_sizes={name: {"vcpus": 1, "memory": "1Gi"}}),
    "PVC size": lambda name: document(pvc_sizes=[name]),
    "memory": lambda name: document(vm_sizes={"small": {"vcpus": 1, "memory": name}}),
    "profile": lambda name: document(profiles=[name]),
    "block size": lambda name: document(block_sizes=[name]),
    "name": lambda name: document(name=name),
    "namespace": lambda name: document(namespace=name),
    "user": lambda name: document(guest={"user": name}),
    "package": lambda name: document(guest={"packages": [name]}),
    "data source": lambda name: document(guest={"data_source": name}),
    "data source's namespace": lambda name: document(guest={"data_source_namespace": name}),
    "root storage class": lambda name: document(guest={"root_storage_class": name}),
    "file size": lambda name: document(fio={"file_size": name}),
    "only": lambda name: document(pools=[{"name": "p", "storage_class": "sc", "only": {"profiles": [name]}}]),
    "field": lambda name: document(**{name: 1}),
    "cluster": lambda name: document(cluster=name),
}

#: What is harmless there: a package's version is after a colon.
FINE = {("package", "colon")}


@pytest.mark.parametrize("place", PLACES)
def test_no_hostile_name_enters_by_a_matrix_file(tmp_path: Path, place: str) -> None:
    for kind, name in NAMES.items():
        if (place, kind) in FINE:
            continue
        with pytest.raises(InputError) as raised:
            load_text(PLACES[place](name), source="m.yaml", folder=tmp_path, name="m")
        assert str(raised.value).startswith("m.yaml:"), (kind, str(raised.value))
        assert str(raised.value).isprintable(), kind
        assert len(str(raised.value)) < 700, kind


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_no_hostile_name_enters_by_an_option(tmp_path: Path, name: str) -> None:
    matrix = load_text(document(), source="m.yaml", folder=tmp_path, name="m")
    for refused in (
        lambda: check_run_id(name),
        lambda: RunDir.open(tmp_path, name),
        lambda: add_storage_classes(matrix, [name]),
        lambda: override_fio(matrix, [f"file_size={name}"]),
        lambda: override_fio(matrix, [name]),
        lambda: Key.parse(f"{name}:small:10Gi:1:random-rw:4k"),
        lambda: load_matrix(name),
    ):
        with pytest.raises(InputError) as raised:
            refused()
        assert str(raised.value).isprintable()


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_no_hostile_name_enters_by_the_run_json_of_a_resumed_run(tmp_path: Path, name: str) -> None:
    plain = to_json(load_text(document(), source="m.yaml", folder=tmp_path, name="m"))
    changes: list[Any] = [
        lambda tree: tree["pools"][0].update(name=name),
        lambda tree: tree["pools"][0].update(storage_class=name),
        lambda tree: tree["vm_sizes"][0].update(label=name),
        lambda tree: tree["pvc_sizes"][0].update(label=name),
        lambda tree: tree["profiles"][0].update(name=name),
        lambda tree: tree["profiles"][0].update(block_sizes=[name]),
        lambda tree: tree.update(namespace=name),
        lambda tree: tree["guest"].update(user=name),
        lambda tree: tree["guest"].update(data_source=name),
        lambda tree: tree["guest"].update(data_source_namespace=name),
        lambda tree: tree["guest"].update(root_storage_class=name),
    ]
    for change in changes:
        tree = json.loads(json.dumps(plain))
        change(tree)
        with pytest.raises(InputError) as raised:
            check(from_json(tree))
        assert str(raised.value).isprintable()


def test_a_matrix_that_was_read_passes_the_check_of_a_stored_one() -> None:
    for name in ("full", "quick", "overview", "rank", "demo", "demo-ceph"):
        matrix = load_matrix(name)
        assert check(from_json(json.loads(json.dumps(to_json(matrix))))) == matrix


def test_the_raw_files_of_every_key_are_inside_of_the_run(tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path, "run-1")
    run_dir.create()
    for key in expand(load_matrix("demo")):
        path = run_dir.artefacts(key).resolve()
        assert path.is_relative_to(run_dir.path.resolve())
        assert len(path.relative_to(run_dir.path.resolve()).parts) == 6


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb", "a b"),
        ("a\r\n\r\n  b\n", "a b"),
        ("a  b", "a  b"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("right\u202eleft\u2066", r"right\u202eleft\u2066"),
        ("a\u2028b\u0085c", "a b c"),
        ("file\udcff", r"file\udcff"),
        ("\x00", r"\x00"),
        ("gr\u00fc\u00dfe \u4f60", "gr\u00fc\u00dfe \u4f60"),
    ],
)
def test_every_message_is_one_line_that_a_terminal_can_take(text: str, line: str) -> None:
    assert one_line(text) == line
    assert str(OdfError(text)) == line
    assert line.isprintable()
    line.encode()


def test_a_message_of_a_machine_is_cut() -> None:
    assert len(str(OdfError("x" * 1_000_000))) < 5000

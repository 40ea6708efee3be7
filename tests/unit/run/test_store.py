"""What is written is on the disk, whole, in the right order; what is wrong on the disk is told."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_odfperf.errors import InputError, StoreError
from pytest_odfperf.measure.record import Record
from pytest_odfperf.run.before.earlier_results import by_test, read_earlier, read_records_of
from pytest_odfperf.run.controller.open_run import new_run_id
from pytest_odfperf.run.plan import Plan
from pytest_odfperf.run.worker.recorder import Recorder
from pytest_odfperf.store import journal
from pytest_odfperf.store.checkpoint import Checkpoint
from pytest_odfperf.store.durable import replace_file
from pytest_odfperf.store.run_dir import RunDir, check_run_id

MakeRecord = Callable[..., Record]


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    run_dir = RunDir(tmp_path / "results", "run-1")
    run_dir.create()
    return run_dir


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the system is asked for, in order: fsync, rename and mkdir, by the names of their files."""
    found: list[str] = []

    def name(descriptor: int) -> str:
        return Path(f"/proc/self/fd/{descriptor}").readlink().name

    real = {one: getattr(os, one) for one in ("fsync", "rename", "replace", "mkdir", "write")}
    monkeypatch.setattr(os, "fsync", lambda fd: (found.append(f"fsync {name(fd)}"), real["fsync"](fd))[1])

    def renamed(how: str) -> Callable[..., Any]:
        def call(old: Any, new: Any, **more: Any) -> Any:
            found.append(f"rename {Path(new).name}")
            return real[how](old, new, **more)

        return call

    for how in ("rename", "replace"):
        monkeypatch.setattr(os, how, renamed(how))
    return found


def steps(calls: list[str], pid: str = str(os.getpid())) -> list[str]:
    return [call.replace(pid, "PID") for call in calls]


def test_a_replaced_file_is_synced_before_it_has_its_name_and_its_folder_after(
    tmp_path: Path, calls: list[str]
) -> None:
    replace_file(tmp_path / "run.json", b"{}")
    assert steps(calls) == ["fsync .run.json.PID.new", "rename run.json", f"fsync {tmp_path.name}"]


def test_a_new_journal_is_synced_with_its_folder_and_a_line_by_itself(
    tmp_path: Path, calls: list[str]
) -> None:
    for number in range(2):
        journal.append(tmp_path / "a.jsonl", {"n": number})
    assert calls == ["fsync a.jsonl", f"fsync {tmp_path.name}", "fsync a.jsonl"]


def test_every_new_folder_is_synced_into_the_one_above(run_dir: RunDir, calls: list[str]) -> None:
    run_dir.write(run_dir.path / "fast" / "tiny" / "vm-fio.json", b"{}")
    assert steps(calls) == [
        "fsync run-1", "fsync fast", "fsync .vm-fio.json.PID.new", "rename vm-fio.json", "fsync tiny",
    ]  # fmt: skip


def plan(run_dir: RunDir, checkpoint: Path, definitions: dict[str, str]) -> Plan:
    return Plan(
        run_id="run-1", run_dir=str(run_dir.path), checkpoint_dir=str(checkpoint), matrix_json={},
        selected=(), definitions=definitions, done={}, pool_problems={}, pool_notes={}, estimates_s={},
        kubeconfig=None, owner={},
        volume_modes={}, marking=None, client_key_private="", client_key_public="",
    )  # fmt: skip


def test_the_record_is_on_the_disk_before_its_mark(
    run_dir: RunDir, tmp_path: Path, make_record: MakeRecord, calls: list[str]
) -> None:
    record = make_record()
    recorder = Recorder(plan(run_dir, tmp_path / "cache", {}), "gw0")
    recorder.write(record)
    assert calls == ["fsync results.jsonl", "fsync run-1"]
    recorder.mark_done(record)
    assert calls[-2:] == ["fsync done-run-1-gw0.jsonl", "fsync cache"]


@pytest.mark.parametrize("at", ["fsync", "replace"])
def test_a_failed_replacement_leaves_the_old_file_and_no_other(
    run_dir: RunDir, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    run_dir.write_json("run.json", {"old": 1})

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, at, full)
        if at == "replace":
            patch.setattr(os, "rename", full)
            patch.setattr(Path, "replace", full)
        with pytest.raises(
            StoreError, match=r"run.json can not be written: No space left on device"
        ) as raised:
            run_dir.write_json("run.json", {"new": 1})
    assert "\n" not in str(raised.value)
    assert json.loads((run_dir.path / "run.json").read_text()) == {"old": 1}
    assert [path.name for path in run_dir.path.iterdir()] == ["run.json"]


def test_a_write_that_is_cut_short_is_an_error_and_the_next_line_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl"
    journal.append(path, {"n": 1})
    real, done = os.write, []

    def short(descriptor: int, data: bytes) -> int:
        if done:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done.append(1)
        return real(descriptor, data[:3])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", short)
        with pytest.raises(OSError, match="No space"):
            journal.append(path, {"n": 2})
    journal.append(path, {"n": 3})
    assert journal.read(path) == ([{"n": 1}, {"n": 3}], 1)


def test_a_run_folder_that_is_gone_is_not_made_anew(run_dir: RunDir, make_record: MakeRecord) -> None:
    run_dir.path.rename(run_dir.results / "moved")
    with pytest.raises(StoreError, match="the run's folder is gone"):
        run_dir.write_json("run.json", {})
    with pytest.raises(StoreError, match=r"results.jsonl can not be written: No such file"):
        Recorder(plan(run_dir, run_dir.results, {}), "gw0").write(make_record())
    assert not run_dir.path.exists()


# -- what counts on a resume


KEY = "rep3:small:150Gi:1:random-rw:4k"


def lines(run_dir: RunDir, *records: Record) -> None:
    for record in records:
        journal.append(run_dir.records, record.to_json())


def test_a_crash_that_is_recorded_after_the_result_does_not_undo_it(make_record: MakeRecord) -> None:
    passed, crashed = make_record(), make_record(status="failed", reason="the worker died", read=None)
    assert passed.definition is not None
    found = by_test([passed, crashed], {KEY: passed.definition})
    assert list(found.values()) == [passed]


def test_a_result_of_another_definition_is_no_longer_one(make_record: MakeRecord) -> None:
    old, new = make_record(definition="old"), make_record(definition="new", status="failed")
    assert list(by_test([old, new], {KEY: "new"}).values()) == [new]
    assert list(by_test([old, new], {KEY: "old"}).values()) == [old]
    assert list(by_test([old, new], {}).values()) == [new]


def test_a_lost_cache_or_a_crash_before_the_mark_loses_nothing(
    run_dir: RunDir, tmp_path: Path, make_record: MakeRecord
) -> None:
    record = make_record()
    lines(run_dir, record)
    for folder in (None, tmp_path / "none"):
        earlier = read_earlier(run_dir, folder)
        assert earlier.done({KEY: "ab" * 32}) == {record.test: "ab" * 32}
        assert earlier.lines == ()


def test_a_mark_without_its_record_is_measured_again_and_said(run_dir: RunDir, tmp_path: Path) -> None:
    Checkpoint(tmp_path / "cache", "run-1").add("gw0", "odfperf::t[a]", "d")
    earlier = read_earlier(run_dir, tmp_path / "cache")
    assert earlier.done({}) == {}
    assert earlier.lines == (
        "1 tests completed, but their records are gone: measured again, odfperf::t[a] first",
    )


def test_a_run_whose_id_begins_as_anothers_does_not_lend_it_its_marks(tmp_path: Path) -> None:
    Checkpoint(tmp_path, "run-1-b").add("gw0", "odfperf::t[a]", "d")
    Checkpoint(tmp_path, "run-16").add("gw0", "odfperf::t[b]", "d")
    assert Checkpoint(tmp_path, "run-1").read() == ({}, 0)


def test_all_that_can_not_be_read_is_told_in_one_line_each(
    run_dir: RunDir, tmp_path: Path, make_record: MakeRecord
) -> None:
    record = make_record()
    lines(run_dir, record)
    with run_dir.records.open("ab") as file:
        file.write(b'\xff\x00\n{"key": "\x1b[31m"}\n' + b"[" * 100_000 + b"\n" + b'{"schema": 1, "ke')
    cache = tmp_path / "cache"
    (cache / "done-run-1-gw1.jsonl").mkdir(parents=True)
    os.mkfifo(cache / "done-run-1-gw2.jsonl")
    (cache / "done-run-1-gw3.jsonl").write_bytes(b"\x00\n[]\n")
    earlier = read_earlier(run_dir, cache)
    assert earlier.records == (record,)
    assert len(earlier.lines) == 2
    assert "4 lines are no record and left out (first: line 2: " in earlier.lines[0]
    assert "4 lines are not readable" in earlier.lines[1]
    assert all(line.isprintable() for line in earlier.lines)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.mkdir(), "is not a file"),
        (lambda path: os.mkfifo(path), "is not a file"),
        (lambda path: path.symlink_to("/dev/zero"), "is not a file"),
        (lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
    ],
    ids=["folder", "FIFO", "endless", "loop"],
)
def test_records_that_are_no_file_are_refused(
    run_dir: RunDir, make: Callable[[Path], object], said: str
) -> None:
    make(run_dir.records)
    with pytest.raises(StoreError, match=said):
        read_records_of(run_dir)


# -- run.json and latest

MATRIX: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty; the run can not be resumed, its results are in results.jsonl"),
        (b'{"schema": 1, "run', "Unterminated string"),
        (b"\xff\xfe", "Expecting value"),
        (b"[" * 100_000, "recursion"),
        (b"9" * 5000, "Exceeds the limit"),
        (b"[]", "is not the run.json of a run (schema is missing)"),
        (b"{}", "is not the run.json of a run (schema is missing)"),
        (b'{"schema": "\\u001b[31m"}', r"schema '\x1b[31m'"),
        (b'{"schema": true}', "with schema True; this version reads schema 1"),
        (
            b'{"schema": 2, "versions": {"pytest-odfperf": "7.0"}}',
            "was written by pytest-odfperf '7.0' with schema 2; this version reads schema 1: "
            "resume the run with the version that began it",
        ),
    ],
)
def test_a_run_json_that_can_not_be_used_is_one_line(run_dir: RunDir, content: bytes, said: str) -> None:
    (run_dir.path / "run.json").write_bytes(content)
    with pytest.raises(InputError) as raised:
        RunDir.open(run_dir.results, "last").read_run()
    assert said in str(raised.value)
    assert str(run_dir.path / "run.json") in str(raised.value)
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("target", ["gone", "../elsewhere/run-1", "/etc", "latest", "run-1/../run-2"])
def test_a_latest_that_points_to_no_run_here_is_said(run_dir: RunDir, tmp_path: Path, target: str) -> None:
    run_dir.write_json("run.json", {"schema": 1})
    outside = tmp_path / "elsewhere" / "run-1"
    outside.mkdir(parents=True)
    (outside / "run.json").write_text('{"schema": 1}')
    link = run_dir.results / "latest"
    link.unlink()
    link.symlink_to(target)
    with pytest.raises(InputError, match=r"latest points to no run in .* \(known: run-1\)"):
        RunDir.open(run_dir.results, "last")
    # It is ours to replace.
    RunDir(run_dir.results, "run-2").create()
    assert link.readlink() == Path("run-2")


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch], ids=["folder", "file"])
def test_a_latest_that_is_no_link_is_left_alone_and_said_before_anything_is_made(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    make(tmp_path / "latest")
    with pytest.raises(InputError, match="latest is not a link to the latest run: move it away"):
        RunDir(tmp_path, "run-1").create()
    assert [path.name for path in tmp_path.iterdir()] == ["latest"]


def test_alien_folders_are_no_runs(run_dir: RunDir) -> None:
    for name in ("Run 2", ".latest-77", "x" * 40, "-rf"):
        (run_dir.results / name).mkdir()
        (run_dir.results / name / "run.json").write_text("{}")
    with pytest.raises(InputError, match=r"\(known: none\)"):
        RunDir.open(run_dir.results, "Run 2")


def test_runs_that_begin_in_one_second_have_ids_of_their_own() -> None:
    ids = [check_run_id(new_run_id()) for _ in range(40)]
    assert len(set(ids)) > 30
    assert all(re.fullmatch(r"perf-[0-9]{8}-[0-9]{6}-[0-9a-f]{4}", run_id) for run_id in ids)


def test_files_that_are_written_together_are_all_there_or_none(tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path, "r1")
    run_dir.create()
    folder = run_dir.path / "pool" / "key"
    first = {f"{number}.json": b"x" * number for number in range(40)}
    run_dir.write_all(folder, first)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first
    with pytest.raises(StoreError):
        run_dir.write_all(folder, {"1.json": b"new", "a" * 300: b"too long a name"})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first

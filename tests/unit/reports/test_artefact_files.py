"""The raw files of a run are read for its reports, and nothing else is, whatever its records name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_odfperf.measure.record import Record
from pytest_odfperf.run.reports.artefact_files import LARGEST_BYTES, ArtefactFiles

MakeRecord = Callable[..., Record]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "run-2").mkdir()
    (tmp_path / "run-2" / "secret.txt").write_text("secret")
    folder = tmp_path / "run" / "pool"
    folder.mkdir(parents=True)
    (folder / "vm-1-series.csv").write_text("of vm-1")
    (folder / "vm-0").mkdir()
    (tmp_path / "run" / "out").symlink_to(tmp_path)
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    os.mkfifo(folder / "pipe.txt")
    with (folder / "large.txt").open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    return tmp_path / "run"


def read(run: Path, make_record: MakeRecord, path: str, name: str | None = None) -> bytes | None:
    return ArtefactFiles(run)(make_record(artefacts=("pool/gone.csv", path)), name or path)


def test_a_file_is_found_by_the_end_of_its_path_or_all_of_it(run: Path, make_record: MakeRecord) -> None:
    for name in ("vm-1-series.csv", "pool/vm-1-series.csv"):
        assert read(run, make_record, "pool/vm-1-series.csv", name) == b"of vm-1"
    assert read(run, make_record, "pool/vm-1-series.csv", "series.csv") is None
    # Also where the results folder is reached by a link.
    (run.parent / "latest").symlink_to(run)
    assert read(run.parent / "latest", make_record, "pool/vm-1-series.csv") == b"of vm-1"


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt", "pool/../../secret.txt", "../run-2/secret.txt", "out/secret.txt", "pool/link.txt",
        "/etc/passwd", "pool/vm-0", "pool/pipe.txt", "pool/large.txt", "pool/gone.csv", "pool/\0", "", "..",
    ],
)  # fmt: skip
def test_nothing_else_is_read(run: Path, make_record: MakeRecord, path: str) -> None:
    assert read(run, make_record, path) is None

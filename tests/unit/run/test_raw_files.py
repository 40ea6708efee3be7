"""Raw files of a key: on the disk when its measurement is made, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pytest

from pytest_odfperf.errors import FioError, StoreError
from pytest_odfperf.store.run_dir import RunDir


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    run_dir = RunDir(tmp_path / "results", "one")
    run_dir.create()
    return run_dir


def test_files_are_there_also_if_no_figure_can_be_made_of_them(run_dir: RunDir) -> None:
    folder = run_dir.path / "pool" / "4k"
    with contextlib.suppress(FioError), run_dir.writing(folder, {"raw": b"x" * 100_000}) as derived:
        derived["series"] = "1,2\n"
        raise FioError("truncated", "the answer is cut")
    assert {path.name: path.stat().st_size for path in folder.iterdir()} == {"raw": 100_000, "series": 4}


def test_a_disk_that_takes_nothing_is_worse_than_what_else_is_wrong(run_dir: RunDir) -> None:
    shutil.rmtree(run_dir.path)
    told = None
    try:
        with run_dir.writing(run_dir.path / "pool", {"raw": b"x"}) as derived:
            derived["series"] = ""
            raise FioError("truncated", "the answer is cut")
    except (FioError, StoreError) as error:
        told = error
    assert isinstance(told, StoreError)
    assert not run_dir.path.exists()

"""Folders of runs, as their controllers and workers leave them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from report_runs.everything import make_everything

from pytest_odfperf.matrix.definition import METHOD
from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.reading.load import load_text
from pytest_odfperf.matrix.serial import to_json
from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.run.reports.run_reading import read_run_content
from pytest_odfperf.store import journal
from pytest_odfperf.store.run_dir import RunDir

MATRIX = """
pools: [rep3, never-begun]
vm_sizes: {small: {vcpus: 2, memory: 4Gi}}
pvc_sizes: [150Gi]
concurrency: [1]
profiles: [random-rw]
block_sizes: [4k, 64k]
fio: {runtime: 60s, file_size: 1G}
"""

MakeRun = Callable[..., RunDir]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Make the folder of a run: run.json and the records given, each with the definition of its key."""

    def make(
        records: Iterable[Record] = (),
        *,
        run_id: str = "perf-1",
        matrix: str = MATRIX,
        options: Mapping[str, Any] | None = None,
        definition: str = "ab" * 32,
        pools: Iterable[str] | None = None,
        ended: bool = True,
        **more: Any,
    ) -> RunDir:
        run_dir = RunDir(tmp_path / "results", run_id)
        run_dir.create()
        found = load_text(matrix, source="m.yaml", folder=tmp_path, name="m")
        keys = [key for key in expand(found) if pools is None or key.pool in pools]
        content: dict[str, Any] = {
            "schema": 1,
            "method": METHOD,
            "run_id": run_id,
            "marking": None,
            "started_at": "2026-11-30T08:00:00.000+00:00",
            "options": {"parallel": None, "filters": [], "repeat": 1, **(options or {})},
            "matrix": to_json(found),
            "definitions": {str(key): definition for key in keys},
            "found": {"server": "https://api.test:6443", "versions": {"odf": "4.20"}},
            "versions": {"pytest-odfperf": "0.1.0"},
        }
        if ended:
            content |= {"ended_at": "2026-11-30T09:00:00.000+00:00", "ended_by": "normal", "left": []}
        run_dir.write_json("run.json", content | more)
        for record in records:
            journal.append(run_dir.records, record.to_json())
        return run_dir

    return make


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> RunContent:
    """A run in which everything went wrong."""
    folder = make_everything(tmp_path_factory.mktemp("everything"))
    return read_run_content(RunDir(folder.parent, folder.name))

"""What reports cost grows as the number of keys does: counted, as seconds say nothing on a busy machine."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from report_runs.folder import make_run
from report_runs.plan import large_plan

from pytest_odfperf.run.reports.output_table import OUTPUTS
from pytest_odfperf.run.reports.run_reading import read_run_content
from pytest_odfperf.run.reports.write_reports import write_reports
from pytest_odfperf.store.run_dir import RunDir


@contextmanager
def counted_calls() -> Iterator[Counter[str]]:
    """By module of ours the functions that were called in this thread."""
    found: Counter[str] = Counter()

    def note(frame: Any, event: str, _: Any) -> None:
        if event == "call" and "pytest_odfperf" in frame.f_code.co_filename:
            found[frame.f_globals["__name__"]] += 1

    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(None)


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Counter[str], int]]:
    """Of runs of 20, 40 and 80 keys: the calls, and the bytes of all that was made."""
    found = []
    for keys in (20, 40, 80):
        folder = make_run(tmp_path_factory.mktemp("run"), large_plan(keys, 2, raw=False))
        run_dir = RunDir(folder.parent, folder.name)
        before = {path for path in folder.rglob("*") if path.is_file()}
        if not found:  # what is read and imported once is no cost of a key
            write_reports(run_dir, read_run_content(run_dir))
        with counted_calls() as calls:
            assert write_reports(run_dir, read_run_content(run_dir)) == []
        made = [path for path in folder.rglob("*") if path.is_file() and path not in before]
        assert len(made) >= len(OUTPUTS) - 4
        found.append((calls, sum(path.stat().st_size for path in made)))
    return found


def test_calls_grow_as_keys_do(costs: list[tuple[Counter[str], int]]) -> None:
    small, middle, large = (calls for calls, _ in costs)
    assert sum(large.values()) > 10_000
    # Twice the keys, twice the growth; four times where each key asks all others.
    grows = {name: (middle[name] - small[name], large[name] - middle[name]) for name in large}
    bad = {name: pair for name, pair in grows.items() if pair[1] > 2.7 * max(pair[0], 400)}
    assert not bad
    first, second = (sum(pair[at] for pair in grows.values()) for at in (0, 1))
    assert second < 2.3 * first


def test_bytes_grow_as_keys_do(costs: list[tuple[Counter[str], int]]) -> None:
    small, middle, large = (size for _, size in costs)
    assert large - middle < 2.3 * (middle - small)

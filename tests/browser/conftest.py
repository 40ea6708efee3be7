"""Pages in a real browser: Debian's Chromium, driven by Playwright. Without them the tests are skipped."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from opened_page import FLAGS, Opened
from report_runs.everything import make_everything
from report_runs.folder import make_run, repeated, write_pages
from report_runs.plan import small_plan

from pytest_odfperf.run.reports.across_runs.compare_runs import compare_runs
from pytest_odfperf.run.reports.across_runs.trend_runs import trend_runs

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for the tests of a file: Playwright's event loop would be in the way of other tests'."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: tools/install-system-packages --tests")
    with playwright.sync_playwright() as tool:
        found = tool.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a made run with all its reports, by its name."""
    results = tmp_path_factory.mktemp("results")
    made: dict[str, Path] = {}
    makers: dict[str, Callable[[], Path]] = {
        "small": lambda: make_run(results, small_plan("small")),
        "everything": lambda: make_everything(results, "everything"),
        "interrupted": lambda: make_run(results, small_plan("interrupted"), ends="interrupted", share=0.4),
    }

    def folder(name: str) -> Path:
        if name not in made:
            made[name] = makers[name]()
            write_pages(made[name])
        return made[name]

    return folder


@pytest.fixture(scope="session")
def several(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A page over several made runs: ``compared``, of two; ``trend``, of eight."""
    results = tmp_path_factory.mktemp("several")
    made: dict[str, Path] = {}

    def page(name: str) -> Path:
        if name not in made:
            made[name] = {"compared": compared, "trend": trend}[name]()
        return made[name]

    def compared() -> Path:
        make_run(results, small_plan("base", raw=False))
        make_run(results, small_plan("now", raw=False, seed=2, faster_pools={"rep2": 0.7, "ec-2-1": 1.3}))
        return compare_runs("base", "now", results, forced=False)[1]

    def trend() -> Path:
        usual = small_plan("day", raw=False, histograms=False, repeats=1)
        names = []
        for number, plan in enumerate(repeated(usual, 8)):
            slower = {"faster_pools": {"rep3": 0.7}, "versions": {"odf": "4.22.0"}} if number > 4 else {}
            names.append(make_run(results, replace(plan, **slower)).name)
        return trend_runs(names, results, [])[1]

    return page


@pytest.fixture
def open_page(browser: Any, runs: Callable[[str], Path]) -> Iterator[Callable[..., Opened]]:
    """Open the report of a run, or a file. At the end no page may have said, asked or thrown anything."""
    opened: list[Opened] = []

    def begin(page: str | Path, fragment: str = "", **context: Any) -> Opened:
        path = runs(page) / "report.html" if isinstance(page, str) else page
        opened.append(Opened(browser, path, fragment, **context))
        return opened[-1]

    yield begin
    troubles = [trouble for one in opened for trouble in one.close()]
    assert troubles == []

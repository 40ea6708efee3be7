"""What reports cost, by number of keys: time and memory to make them, their size, and how the page feels.

``PYTHONPATH=tests/made python tests/bench/report_figures.py --keys 500 5000 50000`` makes runs of so many
keys with five guests each and all their raw files, makes every report of each in a process of its own, opens
the page in Chromium, and prints the figures with the exponents of their growth.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

GUESTS = 5
#: What the page must keep at 4,860 keys.
AIMS = {
    "seconds": 10.0,
    "peak_mb": 400.0,
    "page_mb": 5.0,
    "first_paint_s": 2.0,
    "sort_ms": 150.0,
    "filter_ms": 150.0,
}


def make(results: Path, keys: int) -> Path:
    from report_runs.folder import make_run
    from report_runs.plan import large_plan

    # Hundreds of thousands of series would fill the disk; a page has those of 200 tests at most.
    raw = keys <= 10_000
    return make_run(results, large_plan(keys, GUESTS, run_id=f"keys-{keys}", variety=3, raw=raw))


def measure(folder: Path) -> dict[str, Any]:
    """In this process, which has done nothing else."""
    began_s, began_cpu_s = time.monotonic(), time.process_time()
    from pytest_odfperf.run.reports.output_table import OUTPUTS
    from pytest_odfperf.run.reports.run_reading import read_run_content
    from pytest_odfperf.run.reports.write_reports import write_reports
    from pytest_odfperf.store.run_dir import RunDir

    run_dir = RunDir(folder.parent, folder.name)
    content = read_run_content(run_dir)
    steps = {"reading": time.process_time() - began_cpu_s}
    for output in OUTPUTS:
        before_s = time.process_time()
        problems = write_reports(run_dir, content, outputs=[output])
        assert not problems, problems
        steps[output.name] = time.process_time() - before_s
    if "report.html" not in steps:
        before_s = time.process_time()
        from report_runs.folder import write_page

        write_page(folder, content)
        steps["report.html"] = time.process_time() - before_s
    return {
        "keys": len(content.tests),
        "seconds": time.monotonic() - began_s,
        "cpu_s": time.process_time() - began_cpu_s,
        "peak_mb": _peak_mb(),
        "results_mb": (folder / "results.jsonl").stat().st_size / 1e6,
        "page_mb": (folder / "report.html").stat().st_size / 1e6,
        "steps_cpu_s": {name: round(seconds, 2) for name, seconds in steps.items()},
    }


def _peak_mb() -> float:
    """Of this program alone: ``ru_maxrss`` also counts what its parent had when it was started."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1000


#: The milliseconds until what a click changed is on the screen.
CHANGE = """(selector) => new Promise((done) => {
    const began = performance.now();
    document.querySelector(selector).click();
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
})"""


def look(page_file: Path) -> dict[str, float]:
    """The page in Chromium; the best of some tries, as the machine has other work."""
    from playwright.sync_api import sync_playwright

    sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
    from opened_page import FLAGS

    chromium = shutil.which("chromium")
    with sync_playwright() as tool:
        flags = [*FLAGS, "--enable-precise-memory-info", "--js-flags=--expose-gc"]
        browser = tool.chromium.launch(executable_path=chromium, args=flags)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(120_000)
        paints = []
        for _ in range(3):
            page.goto("about:blank")
            page.goto(page_file.as_uri())
            page.locator("#keys-grid tr[data-place='0']").wait_for(state="attached")
            paints.append(
                page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN")
            )
        page.locator("#keys-grid").scroll_into_view_if_needed()
        page.wait_for_timeout(1500)
        sort = [page.evaluate(CHANGE, '#keys-grid th[data-column="read_iops"] button') for _ in range(6)]
        state = '.counts button[data-state="suspect"]'
        choose = [page.evaluate(CHANGE, state) for _ in range(6)]
        found = {
            "first_paint_s": min(paints) / 1000,
            "sort_ms": sorted(sort)[len(sort) // 2],
            "filter_ms": sorted(choose)[len(choose) // 2],
        } | _memory(page)
        browser.close()
    return found


OPEN = """async (count) => {
    const used = () => { window.gc?.(); return performance.memory.usedJSHeapSize / 1e6; };
    const settle = (ms) => new Promise((done) => setTimeout(done, ms));
    const open = async (place) => {
        const row = document.querySelectorAll("#keys-grid tr[data-place]")[place % 20];
        row.click();
        await settle(15);
    };
    for (let number = 0; number < 20; number += 1) await open(number);
    await settle(500);
    const before = used();
    const grid = document.getElementById("keys-grid");
    for (let number = 0; number < count; number += 1) {
        grid.scrollTop = (number * 997) % Math.max(1, grid.scrollHeight - grid.clientHeight);
        await settle(15);
        await open(number);
    }
    await settle(1000);
    return {heap_before_mb: before, heap_after_mb: used()};
}"""


def _memory(page: Any) -> dict[str, float]:
    found: dict[str, float] = page.evaluate(OPEN, 200)
    return found


def exponent(ones: list[dict[str, Any]], name: str) -> list[float]:
    """Of growth with keys, from each size to the next."""
    return [
        round(math.log(b[name] / a[name]) / math.log(b["keys"] / a["keys"]), 2) for a, b in pairwise(ones)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keys", type=int, nargs="+", default=[500, 5000, 50_000])
    parser.add_argument("--runs", type=Path, help="keep the runs here, and take those that are there")
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    found = []
    with tempfile.TemporaryDirectory(prefix="odf-reports-") as temporary:
        results = options.runs or Path(temporary)
        for keys in options.keys:
            folder = results / f"keys-{keys}"
            if not folder.exists():
                make(results, keys)
            command = [sys.executable, __file__, "--measure", str(folder)]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            one = json.loads(said.splitlines()[-1])
            if not options.no_browser:
                one |= look((folder / "report.html").resolve())
            found.append(one)
            print(json.dumps(one, indent=1), flush=True)
    for name in ("seconds", "cpu_s", "peak_mb", "page_mb"):
        if len(found) > 1:
            print(f"{name} grows with keys to the power of {exponent(found, name)}")
    for name, aim in AIMS.items():
        print(f"{name}: {[round(one[name], 3) for one in found if name in one]} (aim at 4,860 keys: {aim:g})")


if __name__ == "__main__":
    main()

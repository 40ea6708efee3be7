"""Makes a folder: ``PYTHONPATH=tests/made python -m report_runs FOLDER --keys 4860 --guests 5``."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from report_runs.everything import make_everything
from report_runs.folder import make_run
from report_runs.plan import large_plan


def main() -> None:
    parser = argparse.ArgumentParser(prog="report_runs", description=__doc__)
    parser.add_argument("results", type=Path, help="the results folder, in which the run's folder is made")
    parser.add_argument("--run-id", default="made-1")
    parser.add_argument(
        "--everything", action="store_true", help="a small one in which everything goes wrong"
    )
    parser.add_argument("--keys", type=int, default=500)
    parser.add_argument("--guests", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ends", choices=("normal", "interrupted", "running"), default="normal")
    parser.add_argument("--share", type=float, default=1.0, help="of the measurements, if it did not end")
    parser.add_argument("--variety", type=int, help="so many different figures of each pool and job")
    parser.add_argument("--no-raw", action="store_true", help="no series, logs and facts of guests")
    parser.add_argument("--no-histograms", action="store_true")
    options = parser.parse_args()
    began_s = time.monotonic()
    if options.everything:
        folder = make_everything(options.results, options.run_id)
    else:
        plan = large_plan(
            options.keys,
            options.guests,
            run_id=options.run_id,
            seed=options.seed,
            repeats=options.repeats,
            variety=options.variety,
            raw=not options.no_raw,
            histograms=not options.no_histograms,
        )
        folder = make_run(options.results, plan, ends=options.ends, share=options.share)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder}: {size / 1e6:.1f} MB in {time.monotonic() - began_s:.1f} s")


if __name__ == "__main__":
    main()

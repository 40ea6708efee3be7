"""``python -m pytest_odfperf.run.reports FOLDER PARENT``: renews the reports of a run that goes on.

A child of the run's controller, at the lowest priority, that ends with it. What the controller knows of the
run's progress comes by standard input, as JSON; what could not be written is said on standard error.
"""

from __future__ import annotations

import ctypes
import datetime
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from pytest_odfperf.errors import OdfError, one_line
from pytest_odfperf.report.content.run_progress import RunProgress
from pytest_odfperf.run.reports.run_reading import run_content
from pytest_odfperf.run.reports.write_reports import write_reports
from pytest_odfperf.store.run_dir import RunDir

#: ``prctl(2)``.
_PR_SET_PDEATHSIG = 1


def main(path: str, parent: int) -> int:
    """The exit code."""
    _give_way()
    _end_with(parent)
    plain = json.load(sys.stdin)
    folder = Path(path)
    run_dir = RunDir(folder.parent, folder.name)
    progress = RunProgress.from_json(plain, datetime.datetime.now(tz=datetime.UTC))
    try:
        found = run_dir.read_run()
        if "ended_at" in found:
            return 0
        problems = write_reports(run_dir, run_content(run_dir, found, progress=progress), "running")
    except OdfError as error:
        problems = [one_line(str(error))]
    for problem in problems:
        sys.stderr.write(problem + "\n")
    return 1 if problems else 0


def _give_way() -> None:
    """Run only when nobody else wants to; the disk's priority follows the CPU's (``ioprio_set(2)``)."""
    os.nice(19)
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _end_with(parent: int) -> None:
    """Be killed when the process ``parent`` ends; it may have ended already."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))

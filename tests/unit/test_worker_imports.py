"""What a worker of xdist loads: what it measures with, and nothing that only the controller needs."""

from __future__ import annotations

import subprocess
import sys


def test_a_worker_loads_no_reports() -> None:
    """Each of them would pay for it at its start, a tenth of a second of CPU."""
    modules = ("plugin", "plugin.workers.worker_session", "plugin.measuring_hooks", "run.worker.key_run")
    code = "; ".join(f"import pytest_odfperf.{name}" for name in (*modules, "run.worker.group_slot"))
    rooms: tuple[str, ...] = (
        "report.run_page",
        "report.tables",
        "report.pictures",
        "report.content",
        "preflight",
        "sandbox",
    )
    rooms = (*rooms, "run.controller", "run.reports", "run.before")
    check = f"print([room for room in {rooms} if f'pytest_odfperf.{{room}}' in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; {check}"], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "[]\n", done.stdout + done.stderr

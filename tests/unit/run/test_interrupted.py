"""A signal during an import decides the exit code, as at any other time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

#: What a dataclass does at its import, with a signal in the middle.
SCRIPT = """
import sys
from pytest_odfperf.plugin.signals.session_signals import Interrupted
try:
    exec("raise {raised}('SIGHUP')")
except KeyboardInterrupt:
    sys.exit(129)
"""


@pytest.mark.parametrize(("raised", "code"), [("Interrupted", 129), ("KeyboardInterrupt", -2)])
def test_an_interrupted_import_does_not_change_the_exit_code(tmp_path: Path, raised: str, code: int):
    """The second case is why: Python then kills itself by SIGINT."""
    (tmp_path / "interrupted_import.py").write_text(SCRIPT.format(raised=raised))
    done = subprocess.run([sys.executable, "-m", "interrupted_import"], cwd=tmp_path, check=False)
    assert done.returncode == code

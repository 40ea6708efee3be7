"""Each test is a pytest of its own: files in, a command, everything observable out."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

SMALL = """
cluster: kubeconfig
pools:
  - {name: fast, storage_class: fast-sc, volume_mode: Block}
  - {name: slow, storage_class: slow-sc, volume_mode: Filesystem}
vm_sizes:
  small: {vcpus: 2, memory: 4Gi}
pvc_sizes: [10Gi]
concurrency: [1, 2]
profiles: [random-rw]
block_sizes: [4k, 64k]
fio: {runtime: 10s, ramp: 1s, numjobs: 1, iodepth: 4, file_size: 1G}
"""


@dataclass
class Outcome:
    code: int
    out: str
    folder: Path

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@pytest.fixture
def run_pytest(tmp_path: Path) -> Callable[..., Outcome]:
    """Run pytest in an empty folder that has small.yaml; no kubeconfig is to be found from there."""
    (tmp_path / "small.yaml").write_text(SMALL)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST", "KUBE", "CI", "ODFPERF")) and name not in ("BUILD_NUMBER", "COLUMNS")
    }
    environment |= {"HOME": str(tmp_path), "KUBECONFIG": str(tmp_path / "no-such-kubeconfig"), "COLUMNS": "160"}

    def run(*arguments: str, **files: str) -> Outcome:
        for name, content in files.items():
            (tmp_path / name.replace("__", ".")).write_text(content)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:randomly", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Outcome(done.returncode, done.stdout + done.stderr, tmp_path)

    return run

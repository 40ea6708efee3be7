"""Each test is a pytest of its own: files in, a command, everything observable out."""

import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

#: Simulated machines: the whole road, a key in half a second.
SIMULATED = """
cluster: sandbox
namespace: perf
pools: [fast, slow, third]
vm_sizes:
  tiny: {vcpus: 1, memory: 1Gi}
pvc_sizes: [10Gi]
concurrency: [1]
profiles: [random-rw]
block_sizes: [4k, 64k]
fio: {runtime: 10s, ramp: 1s, numjobs: 1, iodepth: 4, file_size: 1G}
sandbox: {machine: simulated, speed: 50, boot_s: 0.1, clone_s: 0.1}
"""


@dataclass
class Outcome:
    code: int
    out: str
    folder: Path

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def run(self) -> Path:
        return (self.folder / "results" / "latest").resolve()

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.run / "results.jsonl").read_text().splitlines()]

    def cases(self) -> list[ET.Element]:
        return ET.parse(self.run / "junit.xml").getroot().findall(".//testcase")


def environment(folder: Path) -> dict[str, str]:
    """Nothing of the session that runs these tests, and no kubeconfig but one that a test writes."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST", "KUBE", "CI", "ODFPERF"))
        and name not in ("BUILD_NUMBER", "COLUMNS")
    }
    return kept | {"HOME": str(folder), "KUBECONFIG": str(folder / "kubeconfig"), "COLUMNS": "160"}


@pytest.fixture
def start_pytest(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start pytest in an empty folder that has small.yaml and sim.yaml, as the leader of its own group."""
    (tmp_path / "small.yaml").write_text(SMALL)
    (tmp_path / "sim.yaml").write_text(SIMULATED)

    def begin(*arguments: str, **files: str) -> subprocess.Popen[str]:
        for name, content in files.items():
            (tmp_path / name.replace("__", ".")).write_text(content)
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=tmp_path,
            env=environment(tmp_path),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # A shell's background job ignores SIGINT, and so would all that it starts.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    return begin


@pytest.fixture
def run_pytest(start_pytest: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> Callable[..., Outcome]:
    """Run pytest to its end."""

    def run(*arguments: str, **files: str) -> Outcome:
        process = start_pytest(*arguments, **files)
        out, _ = process.communicate(timeout=180)
        return Outcome(process.returncode, out, tmp_path)

    return run

"""Volumes of a real Ceph: RBD images, in QEMU machines too."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.ceph

MATRIX = """
cluster: kubeconfig
namespace: odfperf-ceph
pools:
  - {name: limited, backend: ceph}
vm_sizes: {tiny: {vcpus: 1, memory: 512Mi}}
pvc_sizes: [1Gi]
concurrency: [1]
profiles:
  - {name: random-rw, block_sizes: [4k]}
fio: {runtime: 10s, ramp: 2s, iodepth: 4, numjobs: 1, file_size: 128M}
guest: {root_size: 2Gi}
"""


@pytest.mark.qemu
def test_a_qemu_machine_on_an_image_with_a_limit_measures_the_limit(ceph_sandbox, tmp_path) -> None:
    ceph_sandbox.until("health", lambda: ceph_sandbox.health()["status"] == "HEALTH_OK")
    matrix = tmp_path / "matrix.yaml"
    matrix.write_text(MATRIX)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--odf", "--odf-matrix", str(matrix), "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**os.environ, "KUBECONFIG": str(ceph_sandbox.kubeconfig)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    # Whether it is believed is not asked: this machine may be busy with other tests.
    assert run.returncode in (0, 1), run.stdout[-3000:]
    (line,) = (tmp_path / "results" / "latest" / "results.jsonl").read_text().splitlines()
    record = json.loads(line)
    # The second part is short of a warm-up of the throttle; both are of librbd, in QEMU's own process.
    for direction in ("read", "write"):
        assert record[direction]["iops_per_s"] == pytest.approx(200, rel=0.01), direction
    # The image went with its machine, though nobody shut the guest down.
    assert ceph_sandbox.program("rbd", "ls", "rep2").split() == []

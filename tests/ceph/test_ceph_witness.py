"""A real Ceph as a witness: what its counters say for a result, and against one that was disturbed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

pytestmark = [pytest.mark.ceph, pytest.mark.qemu]

PROFILE = """[global]
ioengine=libaio
direct=1
time_based
group_reporting
runtime=${RUNTIME}
ramp_time=${RAMP_TIME}
size=${FILE_SIZE}
filename=fio-testfile
iodepth=${IODEPTH}
numjobs=${NUMJOBS}
lat_percentiles=1
bs=${BLOCK_SIZE}
[a]
rw=randrw
"""
MATRIX = """
cluster: kubeconfig
namespace: odfperf-ceph
pools:
  - {name: limited, backend: ceph}
vm_sizes: {tiny: {vcpus: 1, memory: 512Mi}}
pvc_sizes: [1Gi]
concurrency: [1]
profiles: [mix]
block_sizes: [4k, 8k]
fio: {runtime: 22s, ramp: 2s, iodepth: 4, numjobs: 1, file_size: 128M}
guest: {root_size: 2Gi}
"""
CODES = {"storage_saw_less", "storage_saw_more", "others_io", "osd_lost", "osd_hung"}


def test_counters_speak_for_a_result_and_name_what_disturbed_another(ceph_sandbox, tmp_path) -> None:
    ceph_sandbox.until("health", lambda: ceph_sandbox.health()["status"] == "HEALTH_OK")
    ceph_sandbox.ceph("osd", "pool", "create", "noisy", "8", "8")
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "mix.fio").write_text(PROFILE)
    (tmp_path / "matrix.yaml").write_text(MATRIX)
    output = tmp_path / "output.txt"
    with output.open("wb") as file:
        run = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "pytest",
                "--odf",
                "--odf-matrix",
                "matrix.yaml",
                "-p",
                "no:cacheprovider",
            ],
            cwd=tmp_path,
            env={**os.environ, "KUBECONFIG": str(ceph_sandbox.kubeconfig)},
            stdout=file,
            stderr=file,
        )
    try:
        found = tmp_path / "results" / "latest" / "results.jsonl"
        ends = time.monotonic() + 420
        while not (found.exists() and found.read_text().count("\n")):
            assert run.poll() is None, output.read_text()[-3000:]
            assert time.monotonic() < ends, output.read_text()[-3000:]
            time.sleep(0.5)
        # The second key runs.
        assert ceph_sandbox.fault("noise", "noisy", "--seconds", "25", "--writers", "2").returncode == 0
        time.sleep(6)
        assert ceph_sandbox.fault("kill", "osd.1").returncode == 0
        assert run.wait(420) in (0, 1), output.read_text()[-3000:]
    finally:
        run.kill()
        run.wait()
        ceph_sandbox.fault("quiet")
        ceph_sandbox.fault("start", "osd.1")
        ceph_sandbox.ceph("osd", "pool", "delete", "noisy", "noisy", "--yes-i-really-really-mean-it")
    calm, disturbed = (json.loads(line) for line in found.read_text().splitlines())
    work = calm["storage"]
    assert CODES.isdisjoint(doubt["code"] for doubt in calm["doubts"]), calm["doubts"]
    # An OSD tells of each PG every 5 s: so exactly the same seconds are known.
    for name in ("read_iops", "write_iops", "read_bytes_per_s", "write_bytes_per_s"):
        assert work["own"][name] == pytest.approx(work["guests"][name], rel=0.3), name
    assert calm["read"]["iops_per_s"] + calm["write"]["iops_per_s"] == pytest.approx(200, rel=0.05)
    codes = {doubt["code"] for doubt in disturbed["doubts"]}
    assert {"others_io", "osd_lost"} <= codes, disturbed["doubts"]
    assert disturbed["verdict"] != "valid"
    assert any("osd.1 went down" in event for event in disturbed["storage"]["events"])
    assert "noisy" in [one["pool"] for one in disturbed["storage"]["others"]]
    ceph_sandbox.until("health", lambda: ceph_sandbox.health()["status"] == "HEALTH_OK", 120)

"""A real Ceph as a witness: what its counters say for a result, and against those that were disturbed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from profile_texts import MIX

pytestmark = [pytest.mark.ceph, pytest.mark.qemu]

MATRIX = """
cluster: kubeconfig
namespace: odfperf-ceph
pools:
  - {name: limited, backend: ceph}
vm_sizes: {tiny: {vcpus: 1, memory: 512Mi}}
pvc_sizes: [1Gi]
concurrency: [1]
profiles: [mix]
block_sizes: [BLOCKS]
fio: {runtime: 24s, ramp: 2s, iodepth: 4, numjobs: 1, file_size: 128M}
guest: {root_size: 2Gi}
"""
#: As in conftest.py.
LIMIT_IOPS = 200
#: What its counters may not say of a storage at rest.
CODES = {"storage_saw_less", "storage_saw_more", "others_io", "osd_lost", "osd_hung", "storage_full"}
#: One for each key: what is done to the storage five seconds or more after the key began, and what ends it
#: ten seconds later; one of these codes names it.
FAULTS: tuple[tuple[str, tuple[str, ...], tuple[str, ...], set[str]], ...] = (
    ("4k", (), (), set()),
    ("8k", ("noise", "noisy", "--seconds", "60", "--writers", "2"), ("quiet",), {"others_io"}),
    ("16k", ("kill", "osd.1"), ("start", "osd.1"), {"osd_lost"}),
    ("32k", ("hang", "osd.2"), ("continue", "osd.2"), {"osd_hung"}),
    ("12k", ("out", "osd.0"), ("in", "osd.0"), {"osd_lost"}),
    ("20k", ("full", "rep2"), ("not-full", "rep2"), {"storage_full"}),
)


@pytest.fixture
def measured(ceph_sandbox, tmp_path: Path) -> Iterator[list[dict[str, Any]]]:
    """The records of a run in which each key but the first has a fault."""
    ceph_sandbox.until("health", lambda: ceph_sandbox.health()["status"] == "HEALTH_OK")
    ceph_sandbox.ceph("osd", "pool", "create", "noisy", "8", "8")
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "mix.fio").write_text(MIX)
    blocks = ", ".join(block for block, *_ in FAULTS)
    (tmp_path / "matrix.yaml").write_text(MATRIX.replace("BLOCKS", blocks))
    output = tmp_path / "output.txt"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--odf",
        "--odf-matrix",
        "matrix.yaml",
        "-p",
        "no:cacheprovider",
    ]
    with output.open("wb") as file:
        run = subprocess.Popen(
            command,
            cwd=tmp_path,
            env={**os.environ, "KUBECONFIG": str(ceph_sandbox.kubeconfig)},
            stdout=file,
            stderr=file,
        )
    found = tmp_path / "results" / "latest" / "results.jsonl"

    def records() -> list[dict[str, Any]]:
        return [json.loads(line) for line in found.read_text().splitlines()] if found.exists() else []

    try:
        for number, (_, begin, end, _) in enumerate(FAULTS):
            if begin:
                # An OSD hangs if it worked before, and its counters are seconds late.
                threading.Event().wait(8 if begin[0] == "hang" else 5)
                assert ceph_sandbox.fault(*begin).returncode == 0
                threading.Event().wait(10)
                assert ceph_sandbox.fault(*end).returncode == 0
            ended = f"key {number + 1}: {begin}"
            ceph_sandbox.until(ended, lambda n=number: len(records()) > n or run.poll() is not None, 420)
        ceph_sandbox.until("the end", lambda: run.poll() is not None, 120)
        assert run.returncode in (0, 1), output.read_text()[-3000:]
        assert len(records()) == len(FAULTS), output.read_text()[-3000:]
        yield records()
    finally:
        run.kill()
        run.wait()
        for _, _, end, _ in FAULTS:
            if end:
                ceph_sandbox.fault(*end)
        ceph_sandbox.ceph("osd", "pool", "delete", "noisy", "noisy", "--yes-i-really-really-mean-it")
        ceph_sandbox.until("health", lambda: ceph_sandbox.health()["status"] == "HEALTH_OK", 120)


def test_counters_speak_for_a_result_and_name_what_disturbed_others(ceph_sandbox, measured) -> None:
    calm, *disturbed = measured
    assert CODES.isdisjoint(doubt["code"] for doubt in calm["doubts"]), calm["doubts"]
    # An OSD tells of each PG every 5 s: so exactly the same seconds are known.
    work = calm["storage"]
    for name in ("read_iops", "write_iops", "read_bytes_per_s", "write_bytes_per_s"):
        assert work["own"][name] == pytest.approx(work["guests"][name], rel=0.3), name
    # librbd's limit. Within 1 % on a quiet machine; here other tests take their share.
    rate = calm["read"]["iops_per_s"] + calm["write"]["iops_per_s"]
    assert 0.7 * LIMIT_IOPS < rate < 1.03 * LIMIT_IOPS
    for record, (_, begin, _, codes) in zip(disturbed, FAULTS[1:], strict=True):
        found = {doubt["code"]: doubt["text"] for doubt in record["doubts"]}
        assert codes & found.keys(), (begin, found)
        assert record["verdict"] != "valid", begin
    told = [" ".join(doubt["text"] for doubt in record["doubts"]) for record in disturbed]
    assert "noisy" in told[0]
    assert "osd.1" in told[1]
    assert "osd.0" in told[3]
    # The image went with its machine.
    assert ceph_sandbox.program("rbd", "ls", "rep2").split() == []

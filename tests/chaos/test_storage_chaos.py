"""A storage that is disturbed at random: each fault is noticed and named, no result of its window is clean.

ODF_CHAOS_SEED chooses other times and kinds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml
from campaign.storage_faults import KINDS, broken, changes, draw_faults
from profile_texts import MIX

SEED = int(os.environ.get("ODF_CHAOS_SEED", "1"))
#: Of five keys, a quarter of a minute and more each.
LASTS_S = 105.0


def matrix(seed: int) -> dict[str, object]:
    return {
        "cluster": "sandbox",
        "namespace": "chaos",
        "pools": ["rep3"],
        "vm_sizes": {"tiny": {"vcpus": 1, "memory": "1Gi"}},
        "pvc_sizes": ["10Gi"],
        "concurrency": [1],
        "profiles": ["mix"],
        "block_sizes": ["4k", "8k", "16k", "32k"],
        "fio": {"runtime": "44s", "ramp": "6s", "numjobs": 1, "iodepth": 4, "file_size": "1G"},
        "sandbox": {
            "machine": "simulated",
            "speed": 2,
            "boot_s": 0.1,
            "clone_s": 0.1,
            "storage_classes": {
                "rep3": {
                    "provisioner": "openshift-storage.rbd.csi.ceph.com",
                    "parameters": {"pool": "rep3"},
                    "model": {"read_iops": 3000, "write_iops": 2000},
                }
            },
            "ceph": {"block_pools": {"rep3": {}}, "changes": changes(draw_faults(seed, LASTS_S))},
        },
    }


def test_each_fault_of_the_storage_is_noticed_and_named(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "mix.fio").write_text(MIX)
    (tmp_path / "matrix.yaml").write_text(yaml.safe_dump(matrix(SEED)))
    command = [sys.executable, "-m", "pytest", "--odf", "--odf-matrix", "matrix.yaml"]
    command += ["-p", "no:hypothesispytest", "-p", "no:cacheprovider"]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "KUBE", "CI"))}
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=900, check=False
    )
    run = tmp_path / "results" / "latest"
    assert (run / "results.jsonl").exists(), done.stdout[-2000:]
    records = [json.loads(line) for line in (run / "results.jsonl").read_text().splitlines()]
    loads = [json.loads(line) for line in (run / "loads.jsonl").read_text().splitlines()]
    began_s = min(entry["at"] for entry in loads if entry.get("load") == "booting")
    assert len(records) == 4
    assert all(record["storage"]["unwitnessed"] is None for record in records)
    assert broken(records, draw_faults(SEED, LASTS_S), began_s) == []


def test_a_fault_that_nobody_names_breaks_the_law() -> None:
    """The law can fail."""
    (fault, *_) = draw_faults(SEED, LASTS_S)
    record = {
        "key": "k",
        "started_at_epoch_ms": 0,
        "ended_at_epoch_ms": 1000 * LASTS_S,
        "doubts": [{"code": "stall"}],
    }
    assert len(broken([record], [fault], 0.0)) == 1
    named = {**record, "doubts": [{"code": next(iter(KINDS[fault.kind].codes))}]}
    assert broken([named], [fault], 0.0) == []
    assert len(broken([record], [], 0.0)) == 1

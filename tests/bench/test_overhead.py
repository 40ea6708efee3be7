"""What the plugin adds to fio: between two keys of a group, in requests and tunnels. ``-s`` shows it.

Ten simulated guests, so nothing is measured of real storage or of real boots. The suite that this one follows
lost 33 s between two keys.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_odfperf.sandbox.start import start
from pytest_odfperf.waiting import Stop

pytestmark = pytest.mark.bench

GUESTS = 10
LENGTH_S = 11
BLOCK_SIZES = ["4k", "8k", "16k", "32k", "64k", "128k"]
SANDBOX: dict[str, Any] = {
    "machine": "simulated",
    "speed": 10,
    "boot_s": 0.1,
    "clone_s": 0.1,
    "users": {"runner": "runner"},
    "storage_classes": {"fast": {"default": True}},
}
MATRIX = {
    "cluster": "kubeconfig",
    "namespace": "default",
    "pools": ["fast"],
    "vm_sizes": {"tiny": {"vcpus": 1, "memory": "1Gi"}},
    "pvc_sizes": ["10Gi"],
    "concurrency": [GUESTS],
    "profiles": ["random-rw"],
    "block_sizes": BLOCK_SIZES,
    "fio": {"runtime": "10s", "ramp": "1s", "numjobs": 1, "iodepth": 4, "file_size": "1G"},
}
EVERYTHING = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: everything}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: everything}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: everything}
subjects: [{kind: User, name: runner, apiGroup: rbac.authorization.k8s.io}]
"""


def kubectl(kubeconfig: Path, *arguments: str, text: str | None = None) -> str:
    command = ["kubectl", "--kubeconfig", str(kubeconfig), *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def test_nothing_waits_between_two_keys(tmp_path: Path) -> None:
    sandbox = start(SANDBOX, state_dir=tmp_path / "state", stop=Stop(), deadline_s=120)
    try:
        kubectl(sandbox.kubeconfig, "apply", "-f", "-", text=EVERYTHING)
        (tmp_path / "matrix.yaml").write_text(yaml.safe_dump(MATRIX))
        env = {**os.environ, "KUBECONFIG": str(sandbox.kubeconfig_of("runner"))}
        command = [sys.executable, "-m", "pytest", "--odf", "--odf-matrix", "matrix.yaml"]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
        counted = json.loads(kubectl(sandbox.kubeconfig, "get", "--raw", "/sandbox/requests"))
    finally:
        sandbox.close()
    lines = (tmp_path / "results" / "latest" / "results.jsonl").read_text().splitlines()
    spans = []
    for record in map(json.loads, lines):
        starts = [guest["started_at_epoch_ns"] for guest in record["guests"]]
        # Simulated guests say how long their fio would have taken; this is how long it took.
        took_ns = int(1e9 * LENGTH_S * len({job["phase"] for job in record["jobs"]}) / SANDBOX["speed"])
        spans.append((min(starts), max(starts), max(starts) + took_ns))
    gaps_s = [(after[1] - before[2]) / 1e9 for before, after in pairwise(spans)]
    requests: Counter[str] = Counter()
    for name, count in counted.items():
        user, _, what = name.partition(" ")
        if user == "runner":
            requests[what] = count
    tunnels = requests.pop("get virtualmachineinstances/portforward")
    print(f"\n{GUESTS} guests, {len(spans)} keys in one group")
    print(f"gap between keys: median {statistics.median(gaps_s):.3f} s, max {max(gaps_s):.3f} s")
    print(f"skew of the starts: max {max((last - first) / 1e6 for first, last, _ in spans):.0f} ms")
    print(f"API requests: {requests.total()} of the run, {requests.total() / GUESTS:.1f} per VM life")
    print(", ".join(f"{count} {what}" for what, count in requests.most_common(12)))
    print(f"SSH tunnels opened: {tunnels}, those before a guest's sshd was up included")
    assert len(gaps_s) == len(BLOCK_SIZES) - 1
    # Three creates of each VM; all else is of the run, its pool or its group, and nothing of a key.
    assert requests.total() / GUESTS <= 8

"""``--odf-discover`` as a command: what is on stdout, what it is good for, its exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

RBD, FILE = "openshift-storage.rbd.csi.ceph.com", "vpc.file.csi.ibm.io"
BASE = f"""
cluster: sandbox
namespace: perf
pools: [fast]
vm_sizes: {{tiny: {{vcpus: 1, memory: 1Gi}}}}
pvc_sizes: [1Gi]
concurrency: [1]
profiles: [random-rw]
block_sizes: [4k]
fio: {{runtime: 10s, ramp: 1s, numjobs: 1, iodepth: 4, file_size: 100M}}
sandbox:
  machine: simulated
  nodes: [{{name: a, labels: {{topology.kubernetes.io/zone: z1}}}}]
  storage_classes:
    fast: {{default: true, provisioner: {RBD}, parameters: {{pool: p}}}}
    "yes": {{provisioner: example.com/new, parameters: {{a: "b\\n- name: x  # {{"}}}}
    a.b: {{provisioner: {RBD}, parameters: {{pool: p}}}}
    a-b: {{provisioner: {RBD}, parameters: {{pool: p}}}}
    {"x" * 70}: {{}}
    ibmc-vpc-file-500-iops: {{provisioner: {FILE}}}
    ibmc-vpc-file-eit: {{provisioner: {FILE}}}
    local: {{provisioner: kubernetes.io/no-provisioner}}
  ceph:
    block_pools: {{p: {{spec: {{failureDomain: host, deviceClass: ssd, replicated: {{size: 3}}}}}}}}
"""
#: stdout alone, as in a redirection.
APART = ("sh", "-c", 'exec "$@" 2>err.txt', "sh")


def test_what_is_discovered_can_be_run_as_it_is(run_pytest: Any) -> None:
    found = run_pytest("--odf-discover", "--odf-matrix", "base.yaml", "-v", under=APART, base__yaml=BASE)
    said = Path(found.folder / "err.txt").read_text()
    assert found.code == 0, said
    assert said.splitlines() == ["odfperf: 6 of 8 StorageClasses are proposed"]
    # All that pytest says of itself would be no YAML, and these would be no comments.
    for line in found.out.splitlines():
        assert not line or line.startswith(("#", " ", "extends: ", "pools:", "guest:")), line
    told = "    volume_mode: Filesystem  # by the provisioner: docs/storage-drivers.md"
    assert found.out.splitlines().count(told) == 1
    shown = run_pytest("--odf-dry-run", "--odf-matrix", "my.yaml", my__yaml=found.out)
    assert shown.code == 0, shown.out
    assert "keys     6 keys in 6 groups on 6 pools" in shown.out
    checked = run_pytest("--odf-preflight", "--odf-matrix", "my.yaml", my__yaml=found.out)
    assert checked.code == 0, checked.out
    assert sum(line.startswith("ok   pool ") for line in checked.lines) == 6
    assert not (found.folder / "results").exists()


def test_nothing_to_propose_is_exit_code_1_and_an_empty_file(run_pytest: Any) -> None:
    before, _, _ = BASE.partition("  storage_classes:")
    only = "  storage_classes: {fast: {default: true, provisioner: kubernetes.io/no-provisioner}}\n"
    found = run_pytest("--odf-discover", "--odf-matrix", "none.yaml", under=APART, none__yaml=before + only)
    said = (found.folder / "err.txt").read_text()
    assert (found.code, found.out) == (1, ""), said
    assert "odfperf: 0 of 1 StorageClasses are proposed" in said
    assert "odfperf: fast: no volumes are made on demand" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--odf-discover",), "no cluster: "),
        (("--odf-discover", "--odf-matrix", "none.yaml"), "none.yaml"),
        (("--odf-discover", "--odf-preflight"), "--odf-discover and --odf-preflight exclude each other"),
        (("--odf-discover", "--odf-dry-run"), "--odf-discover and --odf-dry-run exclude each other"),
        (("--odf-discover", "--odf-cleanup", "last"), "--odf-discover and --odf-cleanup exclude each other"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_4(run_pytest: Any, arguments: Any, said: str) -> None:
    found = run_pytest(*arguments, under=APART)
    assert (found.code, found.out) == (4, "")
    (line,) = [line for line in (found.folder / "err.txt").read_text().splitlines() if line]
    assert said in line

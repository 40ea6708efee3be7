"""A cluster with a Ceph that outlives pytest runs, on which they make pools and remove them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_odfperf.cluster.client.connect import connect
from pytest_odfperf.cluster.client.kinds import CEPH_BLOCK_POOL, CEPH_FILESYSTEM, STORAGE_CLASS, Kind
from pytest_odfperf.sandbox.start import start
from pytest_odfperf.waiting import Stop

PLACE = "openshift-storage"
RBD = f"{PLACE}.rbd.csi.ceph.com"
OURS = "app.kubernetes.io/managed-by=pytest-odfperf"
CEPH = {
    "machine": "simulated",
    "speed": 50,
    "boot_s": 0.1,
    "clone_s": 0.1,
    "nodes": {"count": 3, "cpu": 16, "memory": "64Gi"},
    "storage_classes": {
        "odf-rbd": {
            "default": True,
            "provisioner": RBD,
            "parameters": {"pool": "odf-pool", "clusterID": PLACE},
        },
    },
    # Its pools begin with one PG, and are split after a while.
    "ceph": {
        "block_pools": {"odf-pool": {"spec": {"replicated": {"size": 3}}}},
        "settle_s": 0.3,
        "split_s": 3,
    },
    "data_sources": ["centos-stream9"],
}
MATRIX = """
cluster: kubeconfig
namespace: {namespace}
pools:
{pools}
vm_sizes:
  tiny: {{vcpus: 1, memory: 1Gi}}
pvc_sizes: [10Gi]
concurrency: [1]
profiles: [random-rw]
block_sizes: [4k]
fio: {{runtime: 10s, ramp: 1s, numjobs: 1, iodepth: 4, file_size: 1G}}
timeouts: {{delete: 6s, setup: 60s}}
"""
#: The autoscaler of this Ceph is quicker than a real one.
QUICK = {"ODFPERF_PG_QUIET_S": "1"}


@pytest.fixture(scope="module")
def lasting_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Path]]:
    """In the place of the one of other tests: one with a Ceph."""
    state = tmp_path_factory.mktemp("ceph") / "state"
    sandbox = start(CEPH, state_dir=state, stop=Stop(), deadline_s=120)
    cluster = connect(str(sandbox.kubeconfig))
    yield cluster, sandbox.kubeconfig
    cluster.close()
    sandbox.close()


class Pools:
    """Names of one test's own, in a cluster that all tests share, and what is there of them."""

    def __init__(self, bed: Any) -> None:
        self.bed = bed
        self.word = uuid.uuid4().hex[:6]

    def matrix(self, **recipes: str) -> str:
        lines = [
            f"  - {{name: {name}-{self.word}, storage_class: sc-{name}-{self.word}, volume_mode: Block, "
            f"recipe: {{{recipe}}}}}"
            for name, recipe in recipes.items()
        ]
        text = MATRIX.format(namespace=self.bed.namespace, pools="\n".join(lines))
        (self.bed.folder / "made.yaml").write_text(text)
        return "made.yaml"

    def run(self, *options: str, **more: Any) -> Any:
        return self.bed.run(
            *options, "--odf-matrix", "made.yaml", env={**QUICK, **more.pop("env", {})}, **more
        )

    def there(self) -> set[str]:
        """What is there of ours, without the word of this test."""
        return {
            item["metadata"]["name"].removesuffix(f"-{self.word}")
            for kind in (CEPH_BLOCK_POOL, CEPH_FILESYSTEM, STORAGE_CLASS)
            for item in self.bed.calls.items(kind, label_selector=OURS)
            if item["metadata"]["name"].endswith(self.word)
        }

    def get(self, kind: Kind, name: str) -> dict[str, Any]:
        place = None if kind is STORAGE_CLASS else PLACE
        found: dict[str, Any] = self.bed.calls.get(kind, f"{name}-{self.word}", place)
        return found


@pytest.fixture
def pools(bed: Any) -> Iterator[Pools]:
    made = Pools(bed)
    yield made
    for kind in (STORAGE_CLASS, CEPH_FILESYSTEM, CEPH_BLOCK_POOL):
        for item in bed.calls.items(kind, label_selector=OURS):
            bed.calls.delete(kind, item["metadata"]["name"], item["metadata"].get("namespace"))


REP2 = "kind: CephBlockPool, replicas: 2"

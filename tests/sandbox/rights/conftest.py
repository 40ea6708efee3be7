"""A sandbox whose user ``limited`` has exactly the rights of ``deploy/``, or one less."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from pytest_odfperf.cluster.client.kinds import CLAIM, CONFIG_MAP, DATA_VOLUME, LEASE, POD, SECRET, VM
from pytest_odfperf.cluster.facts.rights import Right, rights_of
from pytest_odfperf.errors import OdfError
from pytest_odfperf.run.before.selection import read_selection
from pytest_odfperf.run.controller.open_run import open_run
from pytest_odfperf.run.interrupt import Interrupt
from pytest_odfperf.run.worker.group_slot import GroupSlot
from pytest_odfperf.run.worker.key_run import measure
from pytest_odfperf.sandbox.start import Sandbox
from pytest_odfperf.waiting import Stop

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
NAMESPACE = "odfperf"
IMAGES = "openshift-virtualization-os-images"
USER = f"system:serviceaccount:{NAMESPACE}:odfperf"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
RBD, CEPHFS = "openshift-storage.rbd.csi.ceph.com", "openshift-storage.cephfs.csi.ceph.com"
SANDBOX = {
    "machine": "simulated",
    "speed": 200,
    "boot_s": 0.02,
    "clone_s": 0.02,
    "namespaces": [NAMESPACE],
    "users": {"limited": USER},
    "nodes": {"count": 2, "cpu": 16, "memory": "64Gi"},
    "storage_classes": {
        "fast": {"provisioner": RBD, "parameters": {"pool": "rep3"}, "default": True},
        "slow": {"provisioner": CEPHFS, "parameters": {"fsName": "fs"}},
        "crashing": {"troubles": {"qemu_error": "qemu: no such disk"}},
        "broken": {"provisioning_error": "rpc error: desc = no such pool"},
    },
    "ceph": {"block_pools": {"rep3": {}}, "filesystems": {"fs": {}}},
}
MATRIX = f"""
cluster: kubeconfig
namespace: {NAMESPACE}
pools: [fast, slow]
vm_sizes: {{tiny: {{vcpus: 1, memory: 1Gi, instancetype: u1.micro}}}}
pvc_sizes: [1Gi]
concurrency: [1]
profiles: [random-rw]
block_sizes: [4k]
fio: {{runtime: 10s, ramp: 1s, numjobs: 1, iodepth: 4, file_size: 100M}}
timeouts: {{boot: 60s, ssh: 30s, delete: 20s}}
"""


def shipped() -> list[dict[str, Any]]:
    """The objects of ``deploy/``."""
    return [
        document
        for path in sorted(DEPLOY.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    ]


def without(documents: list[dict[str, Any]], rights: Iterable[Right]) -> list[dict[str, Any]]:
    """``documents`` with single rights taken out of their rules."""
    changed = copy.deepcopy(documents)
    for document in changed:
        if document["kind"] not in ("Role", "ClusterRole"):
            continue
        kept = [right for right in rights_of([document]) if right not in set(rights)]
        document["rules"] = [
            {"apiGroups": [right.group], "resources": [right.resource], "verbs": [right.verb]}
            for right in kept
        ]
    return changed


class Asked(SimpleNamespace):
    """A request: what a test does not say is not asked for."""

    def __getattr__(self, name: str) -> None:
        return None


@dataclass
class Outcome:
    """What a run came to: its error (None: all measured), what it could not delete, what is really left."""

    error: str | None
    left: list[str]
    there: list[str]
    forbidden: Mapping[str, str]


class Rights:
    """The administrator of the sandbox, who gives and takes rights."""

    def __init__(self, sandbox: Sandbox, kube: Any, folder: Path) -> None:
        self.sandbox = sandbox
        self.kube = kube
        self.folder = folder
        self.kubeconfig = sandbox.kubeconfig_of("limited")
        (folder / "matrix.yaml").write_text(MATRIX)

    def apply(self, documents: list[dict[str, Any]]) -> None:
        """As ``oc apply`` does, for the few kinds that are there."""
        for document in documents:
            plural = document["kind"].lower() + "s"
            where = document["metadata"].get("namespace")
            root = "/api/v1" if plural == "serviceaccounts" else RBAC
            path = f"{root}{f'/namespaces/{where}' if where else ''}/{plural}"
            name = document["metadata"]["name"]
            there = [item["metadata"]["name"] for item in self.kube.call("GET", path)["items"]]
            verb, place = ("PUT", f"{path}/{name}") if name in there else ("POST", path)
            self.kube.call(verb, place, document)

    def take(self, *rights: Right) -> None:
        """All shipped rights but these hold from now on."""
        self.apply(without(shipped(), rights))

    def requests(self) -> set[tuple[str, str]]:
        """The verbs and resources that the user has asked for so far."""
        counted = (line.split(" ") for line in self.kube.call("GET", "/sandbox/requests"))
        return {(verb, resource) for user, verb, resource in counted if user == USER}

    def there(self) -> list[str]:
        """Kind and name of what runs have left in the namespace."""
        found = []
        for kind in (VM, POD, DATA_VOLUME, CLAIM, SECRET, CONFIG_MAP, LEASE):
            root = f"/apis/{kind.group}/{kind.version}" if kind.group else "/api/v1"
            path = f"{root}/namespaces/{NAMESPACE}/{kind.plural}?labelSelector=app.kubernetes.io/managed-by"
            found += [f"{kind} {item['metadata']['name']}" for item in self.kube.call("GET", path)["items"]]
        return found

    def clear(self) -> None:
        """Delete what runs have left."""
        for kind in (VM, POD, DATA_VOLUME, CLAIM, SECRET, CONFIG_MAP, LEASE):
            root = f"/apis/{kind.group}/{kind.version}" if kind.group else "/api/v1"
            path = f"{root}/namespaces/{NAMESPACE}/{kind.plural}?labelSelector=app.kubernetes.io/managed-by"
            self.kube.call("DELETE", path)
        self.kube.until(lambda: not self.there())

    def run_in_pods(self) -> Outcome:
        """One key in a pod, as `run`."""
        matrix = self.folder / "matrix.yaml"
        matrix.write_text(MATRIX.replace("instancetype: u1.micro", "machine: pod, image: fio"))
        try:
            return self.run()
        finally:
            matrix.write_text(MATRIX)

    def run(self, *, pool: str = "fast", run_id: str | None = None) -> Outcome:
        """One key of ``pool``, as this process: opened, measured, closed."""
        request = Asked(
            parallel=None, matrix=str(self.folder / "matrix.yaml"), pools=(pool,), filters=(), excludes=(),
            extra_storage_classes=(), allow_not_ready=(), resume=None, run_id=run_id,
            results=str(self.folder), cluster=None, fio=(), cleanup=(), reap=False,
        )  # fmt: skip
        selection, stop = read_selection(request), Stop()
        error, run = None, None
        try:
            with open_run(
                selection,
                run_id=run_id or f"r-{uuid.uuid4().hex[:8]}",
                results=self.folder / "results",
                checkpoint_dir=lambda path: None,
                interrupt=Interrupt(stop),
            ) as run:
                lease = GroupSlot(run.plan, stop)
                try:
                    measure(selection.keys[0], lease)
                finally:
                    lease.release()
        except OdfError as raised:
            error = str(raised)
        content = run.content if run else {}
        return Outcome(error, list(content.get("left", [])), self.there(), run.facts.forbidden if run else {})

    def pytest(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """pytest as a process of its own, with the user's kubeconfig."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "KUBE", "CI"))
        }
        return subprocess.run(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=self.folder,
            env=kept
            | {"KUBECONFIG": str(self.kubeconfig), "HOME": str(self.folder), "COLUMNS": "160"}
            | {"PYTEST_ADDOPTS": "-p no:hypothesispytest"}
            | more,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )


@pytest.fixture(scope="session")
def rights_sandbox(start_sandbox: Callable[[Mapping[str, Any]], Sandbox]) -> Sandbox:
    return start_sandbox(SANDBOX)


@pytest.fixture
def rights(
    rights_sandbox: Sandbox, make_kube: Callable[[Path, str], Any], tmp_path: Path, monkeypatch: Any
) -> Iterator[Rights]:
    """The shipped rights, and nothing else, at the start of each test."""
    kube = make_kube(rights_sandbox.kubeconfig, NAMESPACE)
    made = Rights(rights_sandbox, kube, tmp_path)
    # OpenShift's own binding lets everybody clone.
    kube.call("DELETE", f"{RBAC}/namespaces/{IMAGES}/rolebindings")
    made.apply(shipped())
    monkeypatch.setattr("pytest_odfperf.cluster.client.watch.POLL_S", 0.1)
    monkeypatch.setenv("KUBECONFIG", str(made.kubeconfig))
    yield made
    made.clear()
    made.apply(shipped())

"""A sandbox with a simulated Ceph, and what its storage namespace holds, as clients of the API see it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_odfperf.sandbox.start import Sandbox
from tests.sandbox.conftest import Kube, RefusedError

ROOK = "/apis/ceph.rook.io/v1/namespaces/openshift-storage"
KINDS = {"cephblockpools": "CephBlockPool", "cephfilesystems": "CephFilesystem"}
SECRET = "csi.storage.k8s.io/provisioner-secret-name"
RBD, CEPHFS = "openshift-storage.rbd.csi.ceph.com", "openshift-storage.cephfs.csi.ceph.com"
CONFIG = {
    "machine": "simulated",
    "boot_s": 0.05,
    "nodes": {"count": 3},
    "storage_classes": {
        "root": {"default": True},
        "old": {"provisioner": RBD, "parameters": {"pool": "old"}},
    },
    "ceph": {
        "block_pools": {
            "old": {"phase": "Ready"},
            "lost": {"phase": "Failure"},
            "slow": {"phase": "Progressing"},
        },
        "filesystems": {"fs": {}},
        "settle_s": 0.3,
        "stuck_s": 1.0,
    },
}
FILESYSTEM = {
    "metadataPool": {"replicated": {"size": 3}},
    "dataPools": [{"name": "data0", "replicated": {"size": 2}}],
    "metadataServer": {"activeCount": 1},
}


class Rook:
    """The storage namespace of a sandbox, and a namespace for claims. Names are new for each test."""

    def __init__(self, kube: Kube) -> None:
        self.kube = kube
        self.mark = uuid.uuid4().hex[:6]

    def name(self, text: str) -> str:
        return f"{text}-{self.mark}"

    def get(self, plural: str, name: str) -> Any:
        try:
            return self.kube.call("GET", f"{ROOK}/{plural}/{name}")
        except RefusedError as error:
            if error.code != 404:
                raise
            return None

    def make(self, plural: str, name: str, spec: Any) -> str:
        body = {"apiVersion": "ceph.rook.io/v1", "kind": KINDS[plural], "spec": spec}
        self.kube.call("POST", f"{ROOK}/{plural}", {**body, "metadata": {"name": self.name(name)}})
        return self.name(name)

    def delete(self, plural: str, name: str) -> None:
        self.kube.call("DELETE", f"{ROOK}/{plural}/{name}")

    def until_phase(self, plural: str, name: str, phase: str) -> Any:
        def reached() -> Any:
            found = self.get(plural, name)
            return found if found and (found.get("status") or {}).get("phase") == phase else None

        return self.kube.until(reached, 60.0)

    def until_gone(self, plural: str, name: str) -> None:
        self.kube.until(lambda: self.get(plural, name) is None, 60.0)

    def said(self, name: str, reason: str) -> list[str]:
        events = self.kube.call("GET", "/api/v1/namespaces/openshift-storage/events")["items"]
        return [e["message"] for e in events if (e["involvedObject"]["name"], e["reason"]) == (name, reason)]

    def until_said(self, name: str, reason: str) -> str:
        found: list[str] = self.kube.until(lambda: self.said(name, reason), 60.0)
        return found[0]

    def health(self) -> Any:
        path = f"{ROOK}/cephclusters/ocs-storagecluster-cephcluster"
        return self.kube.call("GET", path)["status"]["ceph"]

    def storage_class(self, name: str, provisioner: str = RBD, **parameters: str) -> str:
        secret = f"rook-csi-{provisioner.split('.')[1]}-provisioner"
        secrets = {
            "csi.storage.k8s.io/provisioner-secret-name": secret,
            "csi.storage.k8s.io/provisioner-secret-namespace": "openshift-storage",
        }
        made = {
            "metadata": {"name": self.name(name)},
            "provisioner": provisioner,
            "parameters": {"clusterID": "openshift-storage", **secrets, **parameters},
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "Immediate",
            "allowVolumeExpansion": True,
        }
        made["parameters"] = {key: text for key, text in made["parameters"].items() if text != "-"}
        self.kube.create("storageclasses", made)
        return self.name(name)

    def claim(self, storage_class: str, mode: str = "Block") -> str:
        spec = {
            "storageClassName": storage_class,
            "accessModes": ["ReadWriteOnce"],
            "volumeMode": mode,
            "resources": {"requests": {"storage": "1Gi"}},
        }
        self.kube.create("persistentvolumeclaims", {"metadata": {"name": storage_class}, "spec": spec})
        return storage_class

    def volume(self, claim: str) -> Any:
        found = self.kube.until_status("persistentvolumeclaims", claim, "phase", "Bound")
        return self.kube.get("persistentvolumes", found["spec"]["volumeName"])


@pytest.fixture(scope="module")
def sandbox(start_sandbox: Callable[[Any], Sandbox]) -> Sandbox:
    return start_sandbox(CONFIG)


@pytest.fixture
def rook(sandbox: Sandbox) -> Iterator[Rook]:
    kube = Kube(sandbox.kubeconfig, f"test-{uuid.uuid4().hex[:8]}")
    kube.create("namespaces", {"metadata": {"name": kube.namespace}})
    yield Rook(kube)
    kube.delete("namespaces", kube.namespace)

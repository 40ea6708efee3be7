"""Real sandbox processes, and a plain HTTP client for what is in them."""

from __future__ import annotations

import json
import ssl
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_odfperf.sandbox.start import Sandbox, start
from pytest_odfperf.waiting import Stop

PATHS = {
    "namespaces": "/api/v1",
    "nodes": "/api/v1",
    "pods": "/api/v1",
    "events": "/api/v1",
    "secrets": "/api/v1",
    "configmaps": "/api/v1",
    "persistentvolumes": "/api/v1",
    "persistentvolumeclaims": "/api/v1",
    "storageclasses": "/apis/storage.k8s.io/v1",
    "virtualmachines": "/apis/kubevirt.io/v1",
    "virtualmachineinstances": "/apis/kubevirt.io/v1",
    "datavolumes": "/apis/cdi.kubevirt.io/v1beta1",
    "datasources": "/apis/cdi.kubevirt.io/v1beta1",
}
SUBRESOURCES = "/apis/subresources.kubevirt.io/v1"


#: Custom resources are not taken without their kind.
KINDS = {
    "virtualmachines": "VirtualMachine",
    "virtualmachineinstances": "VirtualMachineInstance",
    "datavolumes": "DataVolume",
}


class RefusedError(Exception):
    def __init__(self, code: int, text: str) -> None:
        self.code = code
        super().__init__(f"{code} {text}")


class Kube:
    """A namespace of a cluster over HTTP. Objects are JSON."""

    def __init__(self, kubeconfig: Path, namespace: str = "default") -> None:
        document = yaml.safe_load(kubeconfig.read_text())
        cluster = document["clusters"][0]["cluster"]
        self._url = cluster["server"]
        self._token = document["users"][0]["user"]["token"]
        ca = b64decode(cluster["certificate-authority-data"]).decode()
        self._tls = ssl.create_default_context(cadata=ca)
        self._kubeconfig = kubeconfig
        self.namespace = namespace

    def in_namespace(self, namespace: str) -> Kube:
        return Kube(self._kubeconfig, namespace)

    def call(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Any:
        request = urllib.request.Request(
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self._token}",
                "Content-Type": content_type,
                "Accept": "application/json, */*",
            },
        )
        try:
            with urllib.request.urlopen(request, context=self._tls, timeout=20) as response:
                text = response.read().decode()
        except urllib.error.HTTPError as error:
            raise RefusedError(error.code, error.read().decode()) from error
        return json.loads(text) if text else None

    def path(self, plural: str, name: str = "", subresource: str = "") -> str:
        scoped = plural not in ("namespaces", "nodes", "persistentvolumes", "storageclasses")
        where = f"/namespaces/{self.namespace}" if scoped else ""
        return "/".join(p for p in (f"{PATHS[plural]}{where}/{plural}", name, subresource) if p)

    def get(self, plural: str, name: str) -> Any:
        """None if there is none."""
        try:
            return self.call("GET", self.path(plural, name))
        except RefusedError as error:
            if error.code == 404:
                return None
            raise

    def list(self, plural: str) -> list[Any]:
        return self.call("GET", self.path(plural))["items"]

    def create(self, plural: str, obj: Any) -> Any:
        head = {"kind": KINDS[plural], "apiVersion": PATHS[plural][6:]} if plural in KINDS else {}
        return self.call("POST", self.path(plural), {**head, **obj})

    def patch(self, plural: str, name: str, change: Any) -> Any:
        return self.call("PATCH", self.path(plural, name), change, "application/merge-patch+json")

    def delete(self, plural: str, name: str) -> Any:
        return self.call("DELETE", self.path(plural, name))

    def vm_verb(self, name: str, verb: str) -> None:
        self.call("PUT", f"{SUBRESOURCES}/namespaces/{self.namespace}/virtualmachines/{name}/{verb}", {})

    def events(self, name: str) -> list[str]:
        """``reason: message`` of the events about objects of this name."""
        found = [e for e in self.list("events") if e["involvedObject"]["name"] == name]
        return [f"{event['reason']}: {event['message']}" for event in found]

    def until(self, what: Callable[[], Any], deadline_s: float = 60.0) -> Any:
        """The first true value of ``what``."""
        end = time.monotonic() + deadline_s
        while True:
            if found := what():
                return found
            if time.monotonic() > end:
                shown = {
                    plural: [(o["metadata"]["name"], o.get("status")) for o in self.list(plural)]
                    for plural in ("virtualmachines", "virtualmachineinstances", "datavolumes", "pods")
                }
                raise AssertionError(f"not within {deadline_s} s:\n{json.dumps(shown, indent=1)}")
            time.sleep(0.02)

    def until_status(self, plural: str, name: str, field: str, value: Any) -> Any:
        def reached() -> Any:
            obj = self.get(plural, name)
            return obj if obj and (obj.get("status") or {}).get(field) == value else None

        return self.until(reached)

    def until_gone(self, plural: str, name: str) -> None:
        self.until(lambda: self.get(plural, name) is None)


@pytest.fixture(scope="session")
def start_sandbox() -> Iterator[Callable[[Mapping[str, Any]], Sandbox]]:
    """Starts sandboxes; all are closed, and that is verified, at the end."""
    started: list[Sandbox] = []
    with tempfile.TemporaryDirectory(prefix="odfperf-test-") as directory:

        def go(config: Mapping[str, Any]) -> Sandbox:
            state_dir = Path(directory) / f"sandbox-{len(started)}"
            # The first one of QEMU machines may build their image.
            sandbox = start(config, state_dir=state_dir, stop=Stop(), deadline_s=300)
            started.append(sandbox)
            return sandbox

        yield go
        for sandbox in started:
            sandbox.close()


SIMULATED = {
    "machine": "simulated",
    "boot_s": 0.05,
    "clone_s": 0.1,
    "speed": 100,
    "nodes": [
        {"name": "a", "cpu": 8, "memory": "32Gi"},
        {"name": "b", "cpu": 8, "memory": "32Gi"},
        {"name": "sick", "cpu": 64, "memory": "256Gi", "ready": False},
        {"name": "cordoned", "cpu": 64, "memory": "256Gi", "unschedulable": True},
    ],
    "storage_classes": {
        "rep3": {"default": True},
        "late": {"binding_mode": "WaitForFirstConsumer"},
        "broken": {"provisioning_error": "rpc error: code = Internal desc = pool not found"},
        "crashing": {"faults": {"crash": True}},
    },
    "ceph": {"block_pools": {"rep3": {}, "lost": {"phase": "Failure"}}},
}


@pytest.fixture(scope="session")
def simulated(start_sandbox: Callable[[Mapping[str, Any]], Sandbox]) -> Sandbox:
    """One sandbox of simulated machines for all tests."""
    return start_sandbox(SIMULATED)


@pytest.fixture(scope="session")
def make_kube() -> Callable[[Path, str], Kube]:
    """A client of a sandbox: its kubeconfig, and the namespace that it looks at."""
    return Kube


@pytest.fixture
def kube(simulated: Sandbox) -> Iterator[Kube]:
    """A new namespace in it, emptied afterwards."""
    made = Kube(simulated.kubeconfig, f"test-{uuid.uuid4().hex[:8]}")
    made.create("namespaces", {"metadata": {"name": made.namespace}})
    yield made
    made.call("DELETE", made.path("virtualmachines"))
    made.until(lambda: not made.list("virtualmachines") and not made.list("pods"))
    made.delete("namespaces", made.namespace)


def vm_object(name: str = "vm-0", **changes: Any) -> dict[str, Any]:
    """A VM with a cloned root disk ``<name>-root`` and, unless ``data`` is None, a claim ``<name>-data``."""
    wanted = {
        "run_strategy": "Always",
        "cpu": {"cores": 2},
        "memory": "4Gi",
        "resources": {},
        "data": f"{name}-data",
        "root": True,
        "source": "centos-stream9",
        "user_data": "#cloud-config\n",
        "root_class": None,
        **changes,
    }
    volumes: list[Any] = [{"name": "ci", "cloudInitNoCloud": {"userData": wanted["user_data"]}}]
    storage: dict[str, Any] = {"resources": {"requests": {"storage": "30Gi"}}}
    if wanted["root_class"]:
        storage["storageClassName"] = wanted["root_class"]
    ref = {"kind": "DataSource", "name": wanted["source"], "namespace": "openshift-virtualization-os-images"}
    templates = [
        {
            "metadata": {"name": f"{name}-root", "labels": {"disk": "root"}},
            "spec": {"sourceRef": ref, "storage": storage},
        }
    ]
    if wanted["root"]:
        volumes.append({"name": "root", "dataVolume": {"name": f"{name}-root"}})
    if wanted["data"]:
        volumes.append({"name": "data", "persistentVolumeClaim": {"claimName": wanted["data"]}})
    disks = [{"name": v["name"], "serial": f"odfperf{v['name']}", "disk": {"bus": "virtio"}} for v in volumes]
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": {"name": name, "labels": {"on": "vm"}},
        "spec": {
            "runStrategy": wanted["run_strategy"],
            "dataVolumeTemplates": templates if wanted["root"] else [],
            "template": {
                "metadata": {"labels": {"on": "template"}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "domain": {
                        "cpu": wanted["cpu"],
                        "memory": {"guest": wanted["memory"]},
                        "resources": wanted["resources"],
                        "devices": {
                            "autoattachGraphicsDevice": False,
                            "disks": disks,
                            "interfaces": [{"name": "default", "masquerade": {}}],
                        },
                    },
                    "networks": [{"name": "default", "pod": {}}],
                    "volumes": volumes,
                },
            },
        },
    }


@pytest.fixture
def make_vm(kube: Kube) -> Callable[..., Any]:
    """Creates the VM of `vm_object` and its data claim; returns the VM."""

    def make(name: str = "vm-0", *, storage_class: str = "rep3", **changes: Any) -> Any:
        vm = vm_object(name, **changes)
        claims = [
            v["persistentVolumeClaim"]["claimName"]
            for v in vm["spec"]["template"]["spec"]["volumes"]
            if "persistentVolumeClaim" in v
        ]
        for claim in claims:
            kube.create("persistentvolumeclaims", claim_object(claim, storage_class))
        return kube.create("virtualmachines", vm)

    return make


def claim_object(name: str, storage_class: str | None) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "volumeMode": "Block",
        "resources": {"requests": {"storage": "5Gi"}},
    }
    if storage_class is not None:
        spec["storageClassName"] = storage_class
    return {"metadata": {"name": name}, "spec": spec}


@pytest.fixture
def make_claim(kube: Kube) -> Callable[..., Any]:
    def make(name: str, storage_class: str | None = "rep3") -> Any:
        return kube.create("persistentvolumeclaims", claim_object(name, storage_class))

    return make

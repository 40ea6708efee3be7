"""The campaign's own look at the sandbox, over HTTP: it must not see with the eyes of what it judges."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from base64 import b64decode
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

NAMESPACE = "perf"
RUN_LABEL = "odfperf/run-id"

#: Longer than any freeze or restart of a plan.
_AWAY_S = 30.0

_NAMESPACED = {
    "/apis/kubevirt.io/v1": ("virtualmachines", "virtualmachineinstances"),
    "/apis/cdi.kubevirt.io/v1beta1": ("datavolumes",),
    "/apis/coordination.k8s.io/v1": ("leases",),
    "/api/v1": ("persistentvolumeclaims", "secrets", "configmaps", "pods"),
}


class Cluster:
    def __init__(self, kubeconfig: Path) -> None:
        document = yaml.safe_load(kubeconfig.read_text())
        cluster = document["clusters"][0]["cluster"]
        self.kubeconfig = kubeconfig
        self.token = document["users"][0]["user"]["token"]
        self._url = cluster["server"]
        ca = b64decode(cluster["certificate-authority-data"]).decode()
        self._tls = ssl.create_default_context(cadata=ca)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer, once the server is back if it is away. Raises `OSError` (`HTTPError` is one)."""
        end = time.monotonic() + _AWAY_S
        while True:
            try:
                return self._call(method, path, body)
            except urllib.error.HTTPError:
                raise
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def _call(self, method: str, path: str, body: Any) -> Any:
        request = urllib.request.Request(
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, context=self._tls, timeout=20) as response:
            text = response.read().decode()
        return json.loads(text) if text else None

    def write_kubeconfig(self, path: Path, user: Mapping[str, Any]) -> None:
        """A kubeconfig for another user."""
        document = yaml.safe_load(self.kubeconfig.read_text())
        document["users"][0]["user"] = dict(user)
        path.write_text(yaml.safe_dump(document))

    def machines(self, run_id: str) -> list[str]:
        """The paths of a run's VMs and pods; a VM's own pod is none."""
        vms = f"/apis/kubevirt.io/v1/namespaces/{NAMESPACE}/virtualmachines?labelSelector="
        pods = f"/api/v1/namespaces/{NAMESPACE}/pods?labelSelector=odfperf/machine%3Dpod,"
        return [
            f"{path.partition('?')[0]}/{item['metadata']['name']}"
            for path in (vms, pods)
            for item in self.call("GET", f"{path}{RUN_LABEL}%3D{run_id}")["items"]
        ]

    def objects(self) -> dict[str, str]:
        """Everything in the namespace that runs could make, and all volumes: name to the run's id, if any."""
        found = {}
        for prefix, plurals in _NAMESPACED.items():
            for plural in plurals:
                found |= self._items(f"{prefix}/namespaces/{NAMESPACE}/{plural}", plural)
        return found | self._items("/api/v1/persistentvolumes", "persistentvolumes")

    def _items(self, path: str, plural: str) -> dict[str, str]:
        try:
            items = self.call("GET", path)["items"]
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return {}
            raise
        return {f"{plural}/{item['metadata']['name']}": _run_of(item) for item in items}

    def left(
        self, but: Mapping[str, str], deadline_s: float, excused: Collection[str] = ()
    ) -> dict[str, str]:
        """What is there and not in ``but``, once only ``excused`` runs have something or time is over."""
        end = time.monotonic() + deadline_s
        while True:
            found = {name: run for name, run in self.objects().items() if name not in but}
            if set(found.values()) <= set(excused) or time.monotonic() > end:
                return found
            time.sleep(0.3)


def _run_of(item: Mapping[str, Any]) -> str:
    return str((item["metadata"].get("labels") or {}).get(RUN_LABEL, ""))

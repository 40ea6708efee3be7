"""One real Ceph for all tests of this folder, under a sandbox of QEMU machines."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ceph_processes import processes_of

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.ceph.real.ceph_programs import check_room, find_programs
from pytest_odfperf.sandbox.start import start
from pytest_odfperf.waiting import Stop

OSD_BYTES = 4 << 30
PROVISIONER = "openshift-storage.rbd.csi.ceph.com"
LIMIT_IOPS = 200
SANDBOX = {
    "machine": "qemu",
    "image": "minimal",
    "nodes": {"count": 3, "cpu": 4, "memory": "2Gi"},
    "namespaces": ["odfperf-ceph"],
    "ceph": {
        "real": True,
        "osds": 3,
        "osd_size": "4Gi",
        "block_pools": {"rep2": {"spec": {"replicated": {"size": 2}}}},
    },
    "storage_classes": {
        "limited": {
            "provisioner": PROVISIONER,
            "parameters": {"pool": "rep2"},
            "backend": {"iops": LIMIT_IOPS},
        },
    },
}


@dataclass(frozen=True, kw_only=True)
class CephSandbox:
    kubeconfig: Path
    state: Path

    def ceph(self, *arguments: str) -> Any:
        """What the program ``ceph`` says, as JSON."""
        command = ["ceph", "-c", str(self.state / "ceph" / "ceph.conf"), "--format", "json", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return json.loads(done.stdout) if done.stdout.strip() else None

    def program(self, name: str, *arguments: str) -> str:
        """``rbd`` and ``rados``."""
        command = [name, "-c", str(self.state / "ceph" / "ceph.conf"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=90, check=True).stdout

    def fault(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest_odfperf.sandbox", "ceph-fault"]
        command += ["--kubeconfig", str(self.kubeconfig), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    def health(self) -> Mapping[str, Any]:
        return dict(self.ceph("status")["health"])

    def until(self, what: str, holds: Callable[[], Any], seconds: float = 60.0) -> Any:
        """Wait until ``holds`` gives something."""
        ends = time.monotonic() + seconds
        while not (found := holds()):
            assert time.monotonic() < ends, f"{what}: not in {seconds:.0f} s; {self.health()}"
            time.sleep(0.5)
        return found

    def call(self, method: str, path: str, body: Any = None) -> bytes:
        """A request to the API server; `urllib.error.HTTPError` if it refuses."""
        document = yaml.safe_load(self.kubeconfig.read_text())
        cluster = document["clusters"][0]["cluster"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        request = urllib.request.Request(
            cluster["server"] + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {document['users'][0]['user']['token']}",
                "Content-Type": f"application/{'merge-patch+' if method == 'PATCH' else ''}json",
            },
        )
        context = ssl.create_default_context(cadata=authority)
        with urllib.request.urlopen(request, timeout=60, context=context) as answer:
            return bytes(answer.read())

    def metrics(self) -> str:
        """The manager's, on the way that the plugin takes."""
        service = "services/http:rook-ceph-mgr:http-metrics/proxy/metrics"
        return self.call("GET", f"/api/v1/namespaces/openshift-storage/{service}").decode()


def needs_ceph(directory: Path) -> None:
    """Skip with the reason where it can not run."""

    async def look() -> None:
        await find_programs("sandbox.ceph", qemu=True)
        await check_room(directory, 4, OSD_BYTES, "sandbox.ceph")

    try:
        asyncio.run(look())
    except OdfError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def ceph_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CephSandbox]:
    directory = tmp_path_factory.mktemp("ceph")
    needs_ceph(directory)
    sandbox = start(SANDBOX, state_dir=directory / "state", stop=Stop(), deadline_s=600)
    try:
        yield CephSandbox(kubeconfig=sandbox.kubeconfig, state=directory / "state")
    finally:
        sandbox.close()
    assert not processes_of(directory)

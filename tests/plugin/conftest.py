"""Each test is a pytest of its own: files in, a command, everything observable out."""

import base64
import gzip
import html
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import uuid
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_odfperf.cluster.client.calls import ApiError, Calls
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.connect import connect
from pytest_odfperf.cluster.client.kinds import CLAIM, CONFIG_MAP, DATA_VOLUME, LEASE, SECRET, VM, VMI, Kind
from pytest_odfperf.sandbox.start import start
from pytest_odfperf.waiting import Stop

SMALL = """
cluster: kubeconfig
pools:
  - {name: fast, storage_class: fast-sc, volume_mode: Block}
  - {name: slow, storage_class: slow-sc, volume_mode: Filesystem}
vm_sizes:
  small: {vcpus: 2, memory: 4Gi}
pvc_sizes: [10Gi]
concurrency: [1, 2]
profiles: [random-rw]
block_sizes: [4k, 64k]
fio: {runtime: 10s, ramp: 1s, numjobs: 1, iodepth: 4, file_size: 1G}
"""

#: Simulated machines: the whole road, a key in half a second.
SIMULATED = """
cluster: sandbox
namespace: perf
pools: [fast, slow, third]
vm_sizes:
  tiny: {vcpus: 1, memory: 1Gi}
pvc_sizes: [10Gi]
concurrency: [1]
profiles: [random-rw]
block_sizes: [4k, 64k]
fio: {runtime: 10s, ramp: 1s, numjobs: 1, iodepth: 4, file_size: 1G}
sandbox: {machine: simulated, speed: 50, boot_s: 0.1, clone_s: 0.1}
"""


def page_text(path: Path) -> str:
    """A report as text, its compressed data beside it."""
    page = path.read_text()
    packed = re.findall(r'type="application/gzip;base64"(?! id="drawing")[^>]*>([^<]*)<', page)
    drawn = re.sub(r'(?s)<script type="application/gzip;base64".*?</script>', "", page)
    every = [drawn, *(gzip.decompress(base64.b64decode(one)).decode() for one in packed)]
    return "\n".join(
        re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), html.unescape(one)) for one in every
    )


@dataclass
class Outcome:
    code: int
    out: str
    folder: Path

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def run(self) -> Path:
        return (self.folder / "results" / "latest").resolve()

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.run / "results.jsonl").read_text().splitlines()]

    def page(self) -> str:
        """report.html with its data, as people read it."""
        return page_text(self.run / "report.html")

    def report_states(self) -> dict[str, int]:
        """How many tests report.html shows in each state."""
        page = (self.run / "report.html").read_text()
        states, tests = (
            json.loads(re.findall(f'<script type="application/json" id="{name}">([^<]*)<', page)[0])
            for name in ("states", "tests-data")
        )
        return dict(Counter(states[number][0] for number in tests["states"]))

    def cases(self) -> list[ET.Element]:
        return ET.parse(self.run / "junit.xml").getroot().findall(".//testcase")


def environment(folder: Path) -> dict[str, str]:
    """Nothing of the session that runs these tests, and no kubeconfig but one that a test writes."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST", "KUBE", "CI", "ODFPERF"))
        and name not in ("BUILD_NUMBER", "COLUMNS")
    }
    return kept | {
        "HOME": str(folder),
        "KUBECONFIG": str(folder / "kubeconfig"),
        "COLUMNS": "160",
        # The library that draws a report's pictures is made once for all tests.
        "XDG_CACHE_HOME": str(Path(tempfile.gettempdir()) / f"odfperf-tests-{os.getuid()}"),
        # Its plugin imports all of it at the end of every session.
        "PYTEST_ADDOPTS": "-p no:hypothesispytest",
    }


@pytest.fixture
def start_pytest(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start pytest in an empty folder that has small.yaml and sim.yaml, as the leader of its own group."""
    (tmp_path / "small.yaml").write_text(SMALL)
    (tmp_path / "sim.yaml").write_text(SIMULATED)

    def begin(
        *arguments: str,
        env: Mapping[str, str] | None = None,
        under: Sequence[str] = (),
        sigint: Any = signal.SIG_DFL,
        terminal: int | None = None,
        **files: str,
    ) -> subprocess.Popen[str]:
        for name, content in files.items():
            (tmp_path / name.replace("__", ".")).write_text(content)
        return subprocess.Popen(
            [*under, sys.executable, "-m", "pytest", *arguments],
            cwd=tmp_path,
            env=environment(tmp_path) | dict(env or {}),
            stdin=terminal,
            stdout=subprocess.PIPE if terminal is None else terminal,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # A shell's background job ignores SIGINT, and so would all that it starts.
            preexec_fn=lambda: signal.signal(signal.SIGINT, sigint),
        )

    return begin


@pytest.fixture
def run_pytest(start_pytest: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> Callable[..., Outcome]:
    """Run pytest to its end."""

    def run(*arguments: str, **files: Any) -> Outcome:
        process = start_pytest(*arguments, **files)
        out, _ = process.communicate(timeout=180)
        return Outcome(process.returncode, out, tmp_path)

    return run


#: Long enough for a loaded machine; nothing that works takes a tenth of it.
PATIENCE_S = 90.0
NAMESPACE = Kind("Namespace", "", "v1", "namespaces", "CoreV1Api", "namespace")
LASTING = {
    "machine": "simulated",
    "speed": 50,
    "boot_s": 0.1,
    "clone_s": 0.1,
    "storage_classes": {
        "fast": {"default": True},
        "slow": {},
        "third": {},
        "lost": {"provisioner": "openshift-storage.rbd.csi.ceph.com", "parameters": {"pool": "gone"}},
        "held": {"troubles": {"claims_held_s": 3}},
    },
    "ceph": {"block_pools": {"gone": {"phase": "Failure"}}},
    "data_sources": ["centos-stream9"],
}
#: A key takes 3 s there, and 12 s in the pools of LONG.
OUTLIVING = """
cluster: kubeconfig
namespace: {namespace}
pools: [fast, slow]
vm_sizes:
  tiny: {{vcpus: 1, memory: 1Gi}}
pvc_sizes: [10Gi]
concurrency: [1]
profiles: [random-rw]
block_sizes: [4k, 64k]
fio: {{runtime: {runtime}s, ramp: 1s, numjobs: 1, iodepth: 4, file_size: 1G}}
timeouts: {{delete: 60s}}
"""


def until(look: Callable[[], Any], what: str = "it") -> Any:
    """The first true value of ``look``."""
    end = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < end, f"{what} did not happen within {PATIENCE_S:.0f} s"
        time.sleep(0.05)
    return found


class Bed:
    """A namespace of a cluster that outlives the runs in it, and pytest runs against it."""

    def __init__(self, cluster: Cluster, kubeconfig: Path, namespace: str, folder: Path, begin: Any) -> None:
        self.cluster = cluster
        self.kubeconfig = kubeconfig
        self.namespace = namespace
        self.folder = folder
        self.calls = Calls(cluster, Stop())
        self.begin = begin
        self.started: list[subprocess.Popen[str]] = []
        (folder / "long.yaml").write_text(OUTLIVING.format(namespace=namespace, runtime=600))
        (folder / "short.yaml").write_text(OUTLIVING.format(namespace=namespace, runtime=10))

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        env = {"KUBECONFIG": str(self.kubeconfig), "ODFPERF_LEASE_S": "6", **more.pop("env", {})}
        process: subprocess.Popen[str] = self.begin(*arguments, env=env, **more)
        self.started.append(process)
        return process

    def run(self, *arguments: str, **more: Any) -> Outcome:
        return self.end(self.start(*arguments, **more))

    def end(self, process: subprocess.Popen[str]) -> Outcome:
        out, _ = process.communicate(timeout=180)
        return Outcome(process.returncode, out, self.folder)

    def left(self, *kinds: Kind) -> list[str]:
        """Kind and name of what is in the namespace; of a run, unless ``kinds`` are given."""
        wanted = kinds or (CONFIG_MAP, LEASE, VM, VMI, DATA_VOLUME, CLAIM, SECRET)
        return [
            f"{kind} {item['metadata']['name']}"
            for kind in wanted
            for item in self.calls.items(kind, self.namespace, label_selector="odfperf/run-id")
        ]

    def running(self, number: int) -> bool:
        """Whether so many VMs run, and no more are on their way."""
        found = self.calls.items(VMI, self.namespace)
        return len(found) == number and all(
            (item.get("status") or {}).get("phase") == "Running" for item in found
        )

    @staticmethod
    def until(look: Callable[[], Any], what: str = "it") -> Any:
        return until(look, what)

    @staticmethod
    def workers(process: subprocess.Popen[str]) -> list[int]:
        """The pids of the xdist workers."""
        found = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=False
        )
        return [
            pid
            for pid in map(int, found.stdout.split())
            if b"-c" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        ]

    @staticmethod
    def is_gone(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
        except OSError:
            return True

    def finalizers(self, kind: Kind, name: str, finalizers: list[str]) -> None:
        """Set what holds an object."""
        for _ in range(20):
            item = self.calls.get(kind, name, self.namespace)
            item["metadata"]["finalizers"] = finalizers
            try:
                self.calls.replace(kind, self.namespace, item)
            except ApiError as error:
                if error.status != 409:
                    raise
            else:
                return
        pytest.fail(f"{kind} {name} changes all the time")


@pytest.fixture(scope="session")
def lasting_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, Path]]:
    state = tmp_path_factory.mktemp("lasting") / "state"
    sandbox = start(LASTING, state_dir=state, stop=Stop(), deadline_s=120)
    cluster = connect(str(sandbox.kubeconfig))
    yield cluster, sandbox.kubeconfig
    cluster.close()
    sandbox.close()


@pytest.fixture
def bed(lasting_cluster: tuple[Cluster, Path], start_pytest: Any, tmp_path: Path) -> Iterator[Bed]:
    cluster, kubeconfig = lasting_cluster
    namespace = f"bed-{uuid.uuid4().hex[:8]}"
    api = cluster.api("CoreV1Api")
    api.create_namespace({"metadata": {"name": namespace}}, _request_timeout=(5, 30))
    made = Bed(cluster, kubeconfig, namespace, tmp_path, start_pytest)
    yield made
    for process in made.started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    api.delete_namespace(namespace, _request_timeout=(5, 30))

"""Whole runs on a cluster whose API server throttles, breaks, loses answers, freezes and restarts."""

import json
import ssl
import sys
import threading
import time
import urllib.request
from base64 import b64decode

import pytest
import yaml

from pytest_odfperf.sandbox.start import start
from pytest_odfperf.waiting import Deadline, Stop

POOLS = ("fast", "slow")
KEYS = sorted(f"{pool}:tiny:10Gi:1:random-rw:{size}" for pool in POOLS for size in ("4k", "64k"))
TUNNEL = "virtualmachineinstances/portforward"
FAULTS = [
    {"verbs": ["create"], "resources": ["virtualmachines"], "after": 1, "times": 1, "freeze_s": 5},
    {"verbs": ["create"], "resources": ["secrets"], "times": 1, "status": 429, "retry_after_s": 3},
    {"verbs": ["create"], "after": 1, "times": 3, "lost": True},
    {"verbs": ["create"], "after": 1, "times": 2, "status": 500, "message": "etcdserver: timed out"},
    {"verbs": ["list"], "after": 4, "times": 4, "status": 429, "retry_after_s": 1},
    {"verbs": ["list"], "probability": 0.1, "seed": 1, "reset": True},
    {"verbs": ["deletecollection"], "times": 2, "lost": True},
    {"verbs": ["deletecollection"], "after": 2, "times": 1, "reset": True},
    {"verbs": ["watch"], "after": 2, "times": 3, "delay_s": 0.1, "expire": True},
    {"verbs": ["watch"], "after": 2, "times": 3, "delay_s": 0.2, "cut": True},
    {"resources": [TUNNEL], "times": 1, "status": 503},
    {"resources": [TUNNEL], "times": 1, "delay_s": 0.5, "cut": True},
]
MATRIX = "extends: sim.yaml\ncluster: kubeconfig\npools: [fast, slow]\ntimeouts: {api: 60s}\n"


class Cluster:
    """A sandbox that outlives the run, as a cluster does."""

    def __init__(self, folder, **config):
        self.kubeconfig = folder / "kubeconfig"
        self.sandbox = start(
            {
                "machine": "simulated",
                "speed": 50,
                "boot_s": 0.1,
                "clone_s": 0.1,
                "namespaces": ["perf"],
                "storage_classes": {name: {} for name in POOLS},
                **config,
            },
            state_dir=folder / "sandbox",
            stop=Stop(),
            deadline_s=60,
        )
        self.document = yaml.safe_load(self.sandbox.kubeconfig.read_text())
        self.kubeconfig.write_text(self.sandbox.kubeconfig.read_text())
        self.cluster = self.document["clusters"][0]["cluster"]
        self._token = self.document["users"][0]["user"]["token"]

    def call(self, method, path, body=None):
        request = urllib.request.Request(
            self.cluster["server"] + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}"},
        )
        tls = ssl.create_default_context(
            cadata=b64decode(self.cluster["certificate-authority-data"]).decode()
        )
        with urllib.request.urlopen(request, context=tls, timeout=60) as response:
            return json.load(response)

    def left(self):
        """What is in the namespace that the run made."""
        return [
            item["metadata"]["name"]
            for path in (
                "/api/v1/namespaces/perf/configmaps",
                "/api/v1/namespaces/perf/secrets",
                "/api/v1/namespaces/perf/persistentvolumeclaims",
                "/apis/kubevirt.io/v1/namespaces/perf/virtualmachines",
                "/apis/kubevirt.io/v1/namespaces/perf/virtualmachineinstances",
                "/apis/cdi.kubevirt.io/v1beta1/namespaces/perf/datavolumes",
            )
            for item in self.call("GET", path)["items"]
            if item["metadata"].get("labels")
        ]


@pytest.fixture
def make_cluster(tmp_path):
    made = []

    def make(**config):
        made.append(Cluster(tmp_path, **config))
        return made[-1]

    yield make
    for cluster in made:
        cluster.sandbox.close()


def assert_whole(outcome, cluster):
    """Every key passed exactly once, and nothing is left."""
    assert outcome.code == 0, outcome.out
    assert sorted(record["key"] for record in outcome.records()) == KEYS
    assert {record["status"] for record in outcome.records()} == {"passed"}
    assert json.loads((outcome.run / "run.json").read_text())["left"] == []
    assert cluster.left() == []


def test_a_run_outlasts_everything_that_an_api_server_does(run_pytest, make_cluster):
    cluster = make_cluster(api_faults=FAULTS)
    outcome = run_pytest("--odf-parallel=2", "--odf-matrix", "faulty.yaml", faulty__yaml=MATRIX)
    rules = cluster.call("GET", "/sandbox/faults")["rules"]
    cluster.call("DELETE", "/sandbox/faults")
    assert_whole(outcome, cluster)
    assert all(rule["hits"] for rule in rules), rules
    # Seen by the records and by people: the throttled creation of a Secret alone takes 3 s.
    outages = json.loads((outcome.run / "run.json").read_text())["outages"]
    assert outages
    assert all(outage["back"] is not False for outage in outages)
    assert f"odfperf: {max(outages, key=lambda one: one['seconds'])['text']}" in outcome.out
    logs = "".join(path.read_text() for path in outcome.run.glob("*/pool.log"))
    assert ", back" in logs


def test_a_run_outlasts_a_restart_with_tokens_that_live_for_seconds(start_pytest, make_cluster, tmp_path):
    cluster = make_cluster(speed=5)
    plugin = tmp_path / "login.py"
    plugin.write_text(f"""#!{sys.executable}
import json, ssl, time, urllib.request
with open({str(tmp_path / "logins")!r}, "a") as log:
    log.write("x")
request = urllib.request.Request(
    {cluster.cluster["server"] + "/sandbox/tokens"!r}, method="POST",
    data=b'{{"user": "admin", "lifetime_s": 6}}', headers={{"Authorization": "Bearer {cluster._token}"}},
)
tls = ssl.create_default_context(cafile={str(tmp_path / "ca.pem")!r})
end = time.monotonic() + 20
while True:
    try:
        token = json.load(urllib.request.urlopen(request, context=tls, timeout=20))["token"]
        break
    except OSError:
        if time.monotonic() > end:
            raise
        time.sleep(0.2)
version = "client.authentication.k8s.io/v1"
print(json.dumps({{"apiVersion": version, "kind": "ExecCredential", "status": {{"token": token}}}}))
""")
    plugin.chmod(0o755)
    (tmp_path / "ca.pem").write_bytes(b64decode(cluster.cluster["certificate-authority-data"]))
    login = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin)}
    cluster.document["users"][0]["user"] = {"exec": {**login, "interactiveMode": "Never"}}
    cluster.kubeconfig.write_text(yaml.safe_dump(cluster.document))
    process = start_pytest("--odf-parallel=2", "--odf-matrix", "faulty.yaml", faulty__yaml=MATRIX)
    out = []
    reader = threading.Thread(target=lambda: out.append(process.stdout.read()))
    reader.start()
    deadline = Deadline("a record", 120)
    results = tmp_path / "results" / "latest" / "results.jsonl"
    while not (results.exists() and results.read_text().strip()):
        assert process.poll() is None, out
        deadline.check("none yet")
        time.sleep(0.1)
    cluster.call("POST", "/sandbox/restart", {"seconds": 5})
    process.wait(180)
    reader.join()
    from tests.plugin.conftest import Outcome

    assert_whole(Outcome(process.returncode, out[0], tmp_path), cluster)
    assert len((tmp_path / "logins").read_text()) >= 3
    outages = json.loads(((tmp_path / "results" / "latest").resolve() / "run.json").read_text())["outages"]
    assert any(outage["why"] in ("connection refused", "connection reset") for outage in outages), out[0]

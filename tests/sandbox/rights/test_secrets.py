"""No key, token or user data is in anything that a run prints or leaves, whatever goes wrong in it."""

from __future__ import annotations

import json
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

#: A user's plugin: it keeps the client's key for this test, and breaks what it is told to break.
PLUGIN = """
import base64
import os
from pathlib import Path


def pytest_configure_node(node):
    packed = node.workerinput["odfperf"]["client_key_private"]
    Path(os.environ["KEEP"]).write_text(base64.b64decode(packed).decode())


def fail(*arguments, **options):
    raise ZeroDivisionError("a bug in a library")


def pytest_configure(config):
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if os.environ["BREAK"] == "libraries" and worker == "gw0":
        import paramiko
        paramiko.SSHClient.connect = fail
    if os.environ["BREAK"] == "libraries" and worker == "gw1":
        import urllib3
        whole = urllib3.PoolManager.request

        def request(self, method, url, **options):
            if method == "POST" and "/secrets" in url:
                fail(**options)
            return whole(self, method, url, **options)

        urllib3.PoolManager.request = request


def pytest_runtest_teardown(item):
    if os.environ["BREAK"] == "test" and hasattr(item.config, "workerinput"):
        plan = dict(item.config.workerinput["odfperf"])
        header = {"Authorization": "Bearer " + os.environ["TOKEN"]}
        raise ZeroDivisionError(f"{plan} {header}")


def pytest_runtest_logreport(report):
    if os.environ["BREAK"] == "internal":
        plan = Path(os.environ["KEEP"]).read_text()
        header = {"Authorization": "Bearer " + os.environ["TOKEN"]}
        raise ZeroDivisionError(f"{plan} {header}")
"""
#: A user's test that fails with all that it can get in its locals.
TESTS = """
def test_mine(odf_guests, odf_key, odf_result, request):
    connections = [vars(guest) for guest in odf_guests]
    plan = [vars(plugin) for _, plugin in request.config.pluginmanager.list_name_plugin() if plugin]
    leases = [vars(p["_lease"]) for p in plan if "_lease" in p]
    plans = [vars(lease["plan"]) for lease in leases if "plan" in lease]
    assert odf_result is None
"""
#: What is broken; what shows that it was; whether the run fails.
RUNS = {
    "nothing": (("2 passed",), 0),
    "libraries": (("a bug in a library", "private_key = <hidden>", "2 errors"), 1),
    "internal": (("INTERNALERROR", "ZeroDivisionError"), 3),
    "test": (("connections", "'client_key_private': '<hidden>'", "2 failed", "2 errors"), 1),
}


class Spy:
    """What is secret of a run, and the command lines of all processes meanwhile."""

    def __init__(self, rights: Any) -> None:
        self._rights = rights
        self._ended = threading.Event()
        self.user_data: set[str] = set()
        self.commands: set[bytes] = set()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._ended.wait(0.2):
            for item in self._rights.kube.list("secrets"):
                self.user_data.add(item["data"]["userdata"])
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.commands.add(process.read_bytes())
                except OSError:
                    continue

    def close(self) -> None:
        self._ended.set()
        self._thread.join(30)


@pytest.fixture
def spy(rights: Any) -> Iterator[Callable[[], Spy]]:
    spies: list[Spy] = []

    def begin() -> Spy:
        spies.append(Spy(rights))
        return spies[0]

    yield begin
    for one in spies:
        one.close()


def key_lines(pem: str) -> list[bytes]:
    lines = [line for line in pem.splitlines() if line and not line.startswith("-----")]
    assert len(lines) > 3
    return [line.encode() for line in lines if len(line) > 10]


@pytest.mark.parametrize("broken", RUNS)
def test_no_secret_is_in_what_a_run_prints_or_leaves(
    rights: Any, spy: Callable[[], Spy], tmp_path_factory: pytest.TempPathFactory, broken: str
) -> None:
    kept = tmp_path_factory.mktemp("kept") / "client_key"
    token = yaml.safe_load(rights.kubeconfig.read_text())["users"][0]["user"]["token"]
    (rights.folder / "tmp").mkdir()
    (rights.folder / "leaky.py").write_text(PLUGIN)
    (rights.folder / "test_mine.py").write_text(TESTS)
    watching = spy()
    done = rights.pytest(
        "-p", "leaky", "--odf-parallel=2", "--odf-matrix", "matrix.yaml", "-l", "--tb=long", "-vv", "-rA",
        "--log-level=DEBUG", "--log-file=all.log", "-o", "junit_logging=all",
        *(["test_mine.py"] if broken == "test" else []),
        KEEP=str(kept), BREAK=broken, TOKEN=token, TMPDIR=str(rights.folder / "tmp"),
    )  # fmt: skip
    watching.close()
    shown, code = RUNS[broken]
    printed = done.stdout + done.stderr
    assert [text for text in shown if text not in printed] == [], printed
    assert done.returncode == code, printed
    documents = [yaml.safe_load(b64decode(data)) for data in watching.user_data]
    host_keys = [document["ssh_keys"]["ed25519_private"] for document in documents]
    assert host_keys
    secrets = {token.encode(): "the token", b"b3BlbnNzaC1rZXktdjE": "some private key"}
    secrets |= dict.fromkeys(key_lines(kept.read_text()), "the client's private key")
    secrets |= {line: "a guest's host key" for pem in host_keys for line in key_lines(pem)}
    secrets |= {
        data[at : at + 60].encode(): "user data" for data in watching.user_data for at in (0, 600, 1200)
    }
    secrets[b"#cloud-config"] = "user data"
    places = {"output": printed.encode(), "command lines": b"\n".join(watching.commands)}
    places |= {
        str(path.relative_to(rights.folder)): path.read_bytes()
        for path in rights.folder.rglob("*")
        if path.is_file()
    }
    assert {"leaky.py", "all.log", "results/latest/run.json"} <= {*places, "results/latest/run.json"}
    found = {
        f"{what} in {place}"
        for place, content in places.items()
        for secret, what in secrets.items()
        if secret in content
    }
    assert found == set()


def test_a_dry_run_and_a_preflight_show_no_secret(rights: Any) -> None:
    token = yaml.safe_load(rights.kubeconfig.read_text())["users"][0]["user"]["token"]
    for option in ("--odf-dry-run", "--odf-preflight"):
        done = rights.pytest(option, "--odf-matrix", "matrix.yaml", "--odf-parallel", "-vv")
        assert done.returncode == 0, done.stdout
        assert token not in done.stdout + done.stderr
        assert "PRIVATE KEY" not in done.stdout + done.stderr


LOGIN = """#!/bin/sh
echo 'refused the token: eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl' >&2
echo 'password=hunter2-hunter2 Bearer abcdefghijklmnop' >&2
exit 7
"""


def test_what_a_login_plugin_says_is_told_without_its_secrets(rights: Any) -> None:
    plugin = rights.folder / "login"
    plugin.write_text(LOGIN)
    plugin.chmod(0o755)
    config = yaml.safe_load(rights.kubeconfig.read_text())
    version = "client.authentication.k8s.io/v1"
    config["users"][0]["user"] = {
        "exec": {"apiVersion": version, "command": str(plugin), "interactiveMode": "Never"}
    }
    (rights.folder / "exec.json").write_text(json.dumps(config))
    done = rights.pytest("--odf", "--odf-matrix", "matrix.yaml", KUBECONFIG=str(rights.folder / "exec.json"))
    printed = done.stdout + done.stderr
    assert done.returncode == 4, printed
    assert (
        "the login plugin of the kubeconfig failed: exec: process returned 7. refused the token: " in printed
    )
    assert "Traceback" not in printed
    for secret in ("eyJhbGci", "hunter2", "abcdefghijklmnop"):
        assert secret not in printed


def test_a_kubeconfig_that_is_no_yaml_is_quoted_without_its_token(rights: Any) -> None:
    (rights.folder / "bad").write_text("users:\n- user: {token: sha256~very-secret-token, x: [}\n")
    done = rights.pytest("--odf", "--odf-matrix", "matrix.yaml", KUBECONFIG=str(rights.folder / "bad"))
    assert done.returncode == 4
    assert "is not YAML" in done.stdout + done.stderr
    assert "very-secret" not in done.stdout + done.stderr

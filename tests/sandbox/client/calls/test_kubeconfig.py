"""A kubeconfig that is none ends in one line that says the file and what is wrong with it."""

from __future__ import annotations

import base64
import copy
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_odfperf.cluster.client import credentials
from pytest_odfperf.cluster.client.connect import connect
from pytest_odfperf.errors import ClusterError, InterruptedRunError
from pytest_odfperf.sandbox.start import Sandbox
from pytest_odfperf.waiting import Stop

GOOD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "u", "user": {"token": "t"}}],
    "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    "current-context": "x",
}
JUNK = base64.b64encode(b"junk").decode()


def top(**changes: Any) -> str:
    return yaml.safe_dump({**copy.deepcopy(GOOD), **changes})


def cluster(**changes: Any) -> str:
    fields = {"server": "https://127.0.0.1:1"} | {
        name.replace("_", "-"): one for name, one in changes.items()
    }
    return top(clusters=[{"name": "c", "cluster": fields}])


def user(**changes: Any) -> str:
    return top(users=[{"name": "u", "user": {name.replace("_", "-"): one for name, one in changes.items()}}])


def plugin(script: str, **changes: Any) -> str:
    run = {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script]}
    return user(exec={**run, **changes})


WRONG: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "is empty"),
    "text": ("hello", "is not a kubeconfig (a mapping with clusters, users and contexts)"),
    "list": ("[1, 2]", "is not a kubeconfig"),
    "binary": (bytes(range(256)), "is not YAML"),
    "not utf-8": (b"clusters: \xff\xfe", "is not YAML"),
    "broken YAML": ("a: 1\nb: [1", ":2: is not YAML: expected ',' or ']'"),
    "deep": ("[" * 3000, "is not YAML"),
    "a python object": ("a: !!python/object/apply:os.system [id]", ":1: is not YAML: could not determine"),
    "no context": (top(**{"current-context": None}), "current-context"),
    "other context": (top(**{"current-context": "zz"}), "zz"),
    "context is a number": (top(**{"current-context": 5}), "current-context is not a text"),
    "no such cluster": (top(clusters=[]), "there is no cluster 'c' (there: none)"),
    "no such user": (top(users=[]), "there is no user 'u' (there: none)"),
    "a name twice": (top(users=[{"name": "u"}, {"name": "u"}]), "user 'u' is there twice"),
    "as is a list": (user(**{"as": ["jane"]}), "user 'u': as is not a text"),
    "clusters is a text": (top(clusters="x"), "clusters is not a list"),
    "users is a number": (top(users=5), "users is not a list"),
    "contexts is a mapping": (top(contexts={"a": 1}), "contexts is not a list"),
    "cluster without a name": (top(clusters=[None]), "clusters[0] has no name"),
    "user is a text": (top(users=[{"name": "u", "user": "me"}]), "user 'u' is not a mapping"),
    "no server": (top(clusters=[{"name": "c", "cluster": {}}]), "server None is not an address"),
    "server is a number": (cluster(server=5), "server is not a text"),
    "server is words": (cluster(server="not a url"), "server 'not a url' is not an address such as https://"),
    "server of another kind": (cluster(server="ftp://x"), "server 'ftp://x' is not an address"),
    "server with a line end": (cluster(server="https://a\nb"), r"server 'https://a\nb' is not an address"),
    "server with an escape": (cluster(server="https://\x1b[31m"), r"server 'https://\x1b[31m' is not an"),
    "server with a wrong port": (cluster(server="https://h:99999"), "server 'https://h:99999' is not an"),
    "server half IPv6": (cluster(server="https://[::1"), "server 'https://[::1' is not an address"),
    "CA not base64": (cluster(certificate_authority_data="%%%"), "certificate-authority-data is not base64"),
    "CA is junk": (cluster(certificate_authority_data=JUNK), "no certificate in PEM form"),
    "CA is a list": (cluster(certificate_authority=[1]), "certificate-authority is not a text"),
    "CA file is not there": (cluster(certificate_authority="/no/such.pem"), "does not exist: /no/such.pem"),
    "insecure perhaps": (cluster(insecure_skip_tls_verify="perhaps"), "is not true or false"),
    "proxy": (cluster(proxy_url="nonsense"), "does not begin with http:// or https://"),
    "token is a number": (user(token=5), "user 'u': token is not a text"),
    "token with a line end": (user(token="hid\nden"), "the token is not a text that can be sent"),
    "token file is a folder": (user(tokenFile="/tmp"), "tokenFile /tmp: is not a file"),
    "client certificate is not there": (
        user(client_certificate="/no/such", client_key="/k"),
        "does not exist: /no/such",
    ),
    "client certificate is junk": (
        user(client_certificate_data=JUNK, client_key_data=JUNK),
        "client certificate and key do not fit, or are not in PEM form",
    ),
    "plugin is a text": (user(exec="sh"), "exec is not a mapping"),
    "plugin is not there": (
        plugin("", command="/no/such/plugin"),
        "plugin of the kubeconfig failed: [Errno 2]",
    ),
    "plugin fails": (plugin("echo oops >&2; echo more >&2; exit 3"), "process returned 3. oops more"),
    "plugin says garbage": (plugin("echo hi; echo there"), "failed to decode process output"),
    "plugin says bytes": (plugin(r"printf '\377\376'"), "can't decode byte 0xff"),
    "plugin says a list": (plugin("echo []"), "malformed response"),
    "unknown login": (user(auth_provider={"name": "gcp"}), "the official client does not understand it"),
    "nobody there": (top(), "the cluster at https://127.0.0.1:1 can not be used"),
}


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "FIRST_S", 60.0)


def refused(path: Path) -> str:
    with pytest.raises(ClusterError) as raised:
        connect(str(path))
    message = str(raised.value)
    assert message.isprintable()
    assert "hid" not in message
    return message


@pytest.mark.parametrize(("content", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_one_line(tmp_path: Path, content: str | bytes, said: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    message = refused(path)
    assert said in message
    assert str(path) in message or "can not be used" in message


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.mkdir(), "is not a file"),
        (lambda path: os.mkfifo(path), "is not a file"),
        (lambda path: path.symlink_to("/dev/zero"), "is not a file"),
        (lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
        (lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_RDWR), 1 << 30), "is larger than 16 MiB"),
        (lambda path: None, "no such file"),
    ],
    ids=["folder", "FIFO", "endless", "loop", "huge", "nothing"],
)
def test_what_is_no_file_is_one_line(tmp_path: Path, make: Callable[[Path], object], said: str) -> None:
    path = tmp_path / "kubeconfig"
    make(path)
    assert said in refused(path)


def wait_until_gone(mark: Path) -> None:
    end = time.monotonic() + 30
    while Path(f"/proc/{mark.read_text().strip()}/cmdline").exists():
        assert time.monotonic() < end, "the plugin still runs"
        time.sleep(0.05)


def test_a_login_plugin_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "FIRST_S", 1.0)
    path, mark = tmp_path / "kubeconfig", tmp_path / "pid"
    path.write_text(plugin(f"echo $$ > {mark}; exec sleep 1000"))
    assert "the login plugin of the kubeconfig did not end within 1 s" in refused(path)
    wait_until_gone(mark)


def test_an_interrupt_ends_a_login_plugin_that_hangs(tmp_path: Path) -> None:
    path, mark, stop = tmp_path / "kubeconfig", tmp_path / "pid", Stop()
    path.write_text(plugin(f"echo $$ > {mark}; exec sleep 1000"))

    def interrupt() -> None:
        end = time.monotonic() + 30
        while not (mark.exists() and mark.read_text().strip()) and time.monotonic() < end:
            time.sleep(0.02)
        stop.set()

    threading.Thread(target=interrupt).start()
    with pytest.raises(InterruptedRunError):
        connect(str(path), stop=stop)
    wait_until_gone(mark)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_not_asked_for_a_server_on_this_machine(
    client_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for other in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, "socks5://127.0.0.1:1" if name == "ALL_PROXY" else "http://127.0.0.1:1")
    connect(str(client_sandbox.kubeconfig)).close()


def test_a_proxy_of_the_kubeconfig_holds(client_sandbox: Sandbox, tmp_path: Path) -> None:
    document = yaml.safe_load(client_sandbox.kubeconfig.read_text())
    document["clusters"][0]["cluster"]["proxy-url"] = "http://127.0.0.1:1"
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    assert "Unable to connect to proxy" in refused(path)

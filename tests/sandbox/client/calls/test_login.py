"""Kubeconfigs, and credentials that end in the middle of a run: real tokens of a real server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pytest_odfperf.cluster.client.calls import ApiError, Calls
from pytest_odfperf.cluster.client.connect import connect
from pytest_odfperf.cluster.client.kinds import CONFIG_MAP, SECRET
from pytest_odfperf.cluster.client.watch import Objects
from pytest_odfperf.errors import ClusterError
from pytest_odfperf.vm.labels import run_labels, run_selector
from pytest_odfperf.waiting import Deadline, Stop

THREADS = 20


class Plugin:
    """A login plugin as clouds have them: a script that prints an ExecCredential, and counts its calls."""

    def __init__(self, folder: Path) -> None:
        self._token = folder / "plugin-token"
        self._expires = folder / "plugin-expires"
        self._log = folder / "plugin-log"
        script = folder / "plugin"
        script.write_text(
            "#!/bin/sh\n"
            f"echo called >> {self._log}\n"
            "sleep 0.2\n"
            f"[ -s {self._token} ] || {{ echo the identity provider is away >&2; exit 1; }}\n"
            'printf \'{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",\'\n'
            f'printf \'"status":{{"token":"%s"%s}}}}\' "$(cat {self._token})" "$(cat {self._expires})"\n'
        )
        script.chmod(0o755)
        self._expires.write_text("")
        self.user = {
            "exec": {
                "apiVersion": "client.authentication.k8s.io/v1",
                "command": str(script),
                "interactiveMode": "Never",
            }
        }

    def give(self, issued: dict[str, Any], *, says_when: bool = False) -> None:
        self._token.write_text(issued["token"])
        self._expires.write_text(f',"expirationTimestamp":"{issued["expires"]}"' if says_when else "")

    def fail(self) -> None:
        self._token.write_text("")

    @property
    def calls(self) -> int:
        return len(self._log.read_text().splitlines())


@pytest.fixture
def plugin(tmp_path: Path) -> Plugin:
    return Plugin(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "file is empty"),
        ("a: [", "is not YAML"),
        ("apiVersion: v1", "current-context"),
        ("only text", "no cluster"),
    ],
)
def test_a_kubeconfig_that_can_not_be_used_is_one_line(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    with pytest.raises(ClusterError, match=words) as caught:
        connect(str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("token", "words"), [("wrong", "401 Unauthorized.*log in again"), ("right", "")])
def test_a_wrong_token_is_said_when_it_is_connected(
    server: Any, tmp_path: Path, token: str, words: str
) -> None:
    path = server.kubeconfig(tmp_path, {"token": "bench-token" if token == "right" else token})
    if words:
        with pytest.raises(ClusterError, match=words):
            connect(str(path))
    else:
        connect(str(path)).close()


def test_a_wrong_address_is_said_soon(server: Any, tmp_path: Path) -> None:
    path = server.kubeconfig(tmp_path, {"token": "bench-token"})
    path.write_text(path.read_text().replace(server.running.url, "https://127.0.0.1:1"))
    began_s = time.monotonic()
    with pytest.raises(ClusterError, match=r"refused.*is the address right"):
        connect(str(path))
    assert time.monotonic() - began_s < 60


def test_a_certificate_that_is_not_trusted_is_said_at_once_and_not_tried_again(
    server: Any, make_server: Callable[[str], Any], tmp_path: Path
) -> None:
    other = make_server("other")
    path = server.kubeconfig(tmp_path, {"token": "bench-token"})
    path.write_text(path.read_text().replace(str(server.running.ca_file), str(other.running.ca_file)))
    with pytest.raises(ClusterError, match=r"certificate verify failed.*certificate-authority") as caught:
        connect(str(path), outage_s=8, in_mid_run=True)
    assert "times" not in str(caught.value)


def test_one_thread_asks_the_login_plugin_for_all(server: Any, tmp_path: Path, plugin: Plugin) -> None:
    plugin.give(server.sandbox("POST", "tokens", {"user": "bench"}))
    cluster = connect(str(server.kubeconfig(tmp_path, plugin.user)))
    assert plugin.calls == 1
    fresh = server.sandbox("POST", "tokens", {"user": "bench"})
    server.sandbox("DELETE", "tokens", {"token": _token(cluster)})
    plugin.give(fresh)
    together = threading.Barrier(THREADS)

    def work(_: int) -> int:
        together.wait(20)
        return len(Calls(cluster, Stop()).items(SECRET, "ns"))

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(work, range(THREADS))) == [0] * THREADS
    assert plugin.calls == 2
    cluster.close()


def test_a_token_that_says_when_it_ends_is_renewed_before_that(
    server: Any, tmp_path: Path, plugin: Plugin
) -> None:
    """The client takes one of less than five minutes for expired at each call."""
    plugin.give(server.sandbox("POST", "tokens", {"user": "bench", "lifetime_s": 60}), says_when=True)
    cluster = connect(str(server.kubeconfig(tmp_path, plugin.user)))
    plugin.give(server.sandbox("POST", "tokens", {"user": "bench", "lifetime_s": 60}), says_when=True)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _: Calls(cluster, Stop()).items(CONFIG_MAP, "ns"), range(5 * THREADS)))
    # Once to connect, once before the first call, and perhaps again where the machine is very slow.
    assert plugin.calls <= 2 + int(time.monotonic() - cluster_made_s(cluster)) // 10
    cluster.close()


def cluster_made_s(cluster: Any) -> float:
    return float(cluster._credentials._renewed_s) - 10


def test_a_token_file_is_read_again(server: Any, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(server.sandbox("POST", "tokens", {"user": "bench", "lifetime_s": 1.5})["token"])
    cluster = connect(str(server.kubeconfig(tmp_path, {"tokenFile": str(file)})))
    calls = Calls(cluster, Stop())
    calls.items(CONFIG_MAP, "ns")
    file.write_text(server.sandbox("POST", "tokens", {"user": "bench"})["token"])
    deadline = Deadline("the first token to end", 20)
    while len(server.running.tokens.valid()) > 4:
        deadline.check("it has not")
        time.sleep(0.1)
    calls.items(CONFIG_MAP, "ns")
    cluster.close()


def test_a_new_token_that_is_late_is_waited_for(server: Any, tmp_path: Path) -> None:
    """Whoever renews the file, or logs in by hand again, may be later than the end of the old one."""
    file = tmp_path / "token"
    issued = server.sandbox("POST", "tokens", {"user": "bench"})["token"]
    file.write_text(issued)
    cluster = connect(str(server.kubeconfig(tmp_path, {"tokenFile": str(file)})))
    server.sandbox("DELETE", "tokens", {"token": issued})
    fresh = server.sandbox("POST", "tokens", {"user": "bench"})["token"]
    timer = threading.Timer(1.0, file.write_text, (fresh,))
    timer.start()
    Calls(cluster, Stop()).items(CONFIG_MAP, "ns")
    timer.join()
    cluster.close()


def test_a_login_that_fails_is_named_when_the_time_is_over(
    server: Any, tmp_path: Path, plugin: Plugin
) -> None:
    issued = server.sandbox("POST", "tokens", {"user": "bench"})
    plugin.give(issued)
    cluster = connect(str(server.kubeconfig(tmp_path, plugin.user)), outage_s=1)
    server.sandbox("DELETE", "tokens", {"token": issued["token"]})
    plugin.fail()
    words = r"401 Unauthorized.*the login gave nothing new: .*provider is away.*tried for \d+ s"
    with pytest.raises(ApiError, match=words):
        Calls(cluster, Stop()).items(CONFIG_MAP, "ns")
    plugin.give(server.sandbox("POST", "tokens", {"user": "bench"}))
    Calls(cluster, Stop(), outage_s=20).items(CONFIG_MAP, "ns")
    cluster.close()


def test_a_watch_goes_on_with_a_new_token(server: Any, tmp_path: Path, plugin: Plugin) -> None:
    first = server.sandbox("POST", "tokens", {"user": "bench"})
    plugin.give(first)
    cluster = connect(str(server.kubeconfig(tmp_path, plugin.user)))
    with Objects(cluster, "ns", run_selector("r1"), (CONFIG_MAP,)) as objects:

        def until(name: str) -> None:
            objects.wait(
                lambda: True if name in objects.of(CONFIG_MAP) else None,
                Deadline(name, 20),
                Stop(),
                lambda: str(objects.of(CONFIG_MAP)),
            )

        Calls(cluster, Stop()).create(CONFIG_MAP, "ns", config_map("before"))
        until("before")
        server.until_streaming()
        plugin.give(server.sandbox("POST", "tokens", {"user": "bench"}))
        server.sandbox("DELETE", "tokens", {"token": first["token"]})
        server.fault(verbs=["watch"], times=1, cut=True)
        deadline = Deadline("another login", 20)
        while plugin.calls == 1:
            deadline.check("none")
            time.sleep(0.05)
        admin = server.client(server.running.admin_token)
        Calls(admin, Stop()).create(CONFIG_MAP, "ns", config_map("after"))
        until("after")
        admin.close()
    assert plugin.calls == 2
    cluster.close()


def config_map(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": run_labels("r1")}, "data": {}}


def _token(cluster: Any) -> str:
    return str(cluster.configuration.auth_settings()["BearerToken"]["value"]).removeprefix("Bearer ")

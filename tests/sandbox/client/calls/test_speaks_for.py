"""A kubeconfig with ``as``: whose rights count, in calls, watches and tunnels of a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_odfperf.cluster.client.calls import ApiError, Calls
from pytest_odfperf.cluster.client.connect import connect
from pytest_odfperf.cluster.client.kinds import CONFIG_MAP
from pytest_odfperf.cluster.client.watch import Objects
from pytest_odfperf.errors import ClusterError
from pytest_odfperf.guest.tunnel import Tunnel, TunnelError
from pytest_odfperf.vm.labels import run_selector
from pytest_odfperf.waiting import Deadline, Stop

ACCOUNT = "system:serviceaccount:ns:perf"
TUNNEL = {
    "apiGroups": ["subresources.kubevirt.io"],
    "resources": ["virtualmachineinstances/portforward"],
    "verbs": ["get"],
}
READ = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list", "watch"]}


def allow(admin: Any, name: str, subject: dict[str, str], rule: dict[str, Any]) -> None:
    rbac = admin.api("RbacAuthorizationV1Api")
    rbac.create_namespaced_role("ns", {"metadata": {"name": name}, "rules": [rule]}, _request_timeout=5)
    binding = {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [subject],
    }
    rbac.create_namespaced_role_binding("ns", binding, _request_timeout=5)


def config_maps(cluster: Any) -> list[str]:
    return [item["metadata"]["name"] for item in Calls(cluster, Stop()).items(CONFIG_MAP, "ns")]


def refused(cluster: Any) -> str:
    """The words of a tunnel that is refused."""
    with pytest.raises(TunnelError) as caught:
        Tunnel.open(cluster, "ns", "nobody", 22).close()
    return str(caught.value)


def test_rights_are_those_of_whom_it_speaks_for_everywhere(server: Any, admin: Any, tmp_path: Path) -> None:
    token = server.running.admin_token
    allow(admin, "reads", {"kind": "ServiceAccount", "name": "perf", "namespace": "ns"}, READ)
    allow(admin, "tunnels", {"kind": "Group", "name": "second"}, TUNNEL)
    server.running.requests.clear()
    plain = connect(str(server.kubeconfig(tmp_path, {"token": token, "as": ACCOUNT})))
    assert config_maps(plain) == ["kube-root-ca.crt"]
    with pytest.raises(ApiError, match=f'User "{ACCOUNT}" cannot list resource "configmaps"'):
        Calls(plain, Stop()).items(CONFIG_MAP, "default")
    with Objects(plain, "ns", run_selector("r"), (CONFIG_MAP,)) as objects:
        deadline = Deadline("the list of a watch", 20)
        objects.wait(lambda: True, deadline, Stop(), lambda: "nothing")
        server.until_streaming()
    assert f'User "{ACCOUNT}" cannot get resource "virtualmachineinstances/portforward"' in refused(plain)
    plain.close()
    grouped = {"token": token, "as": ACCOUNT, "as-groups": ["first", "second"], "as-uid": "7"}
    cluster = connect(str(server.kubeconfig(tmp_path, {**grouped, "as-user-extra": {"why": ["a", "b"]}})))
    assert "404" in refused(cluster), "the second group counts in the tunnel"
    cluster.close()
    assert {user for user, _, _ in server.running.requests} == {ACCOUNT}


@pytest.mark.parametrize(
    ("speaks", "words"),
    [
        ({"as": "jane"}, 'users "jane" is forbidden: User "bench" cannot impersonate resource "users"'),
        (
            {"as": ACCOUNT},
            'serviceaccounts "perf" is forbidden: User "bench" cannot impersonate resource '
            '"serviceaccounts" in API group "" in the namespace "ns"',
        ),
        ({"as": "bob", "as-groups": ["ok", "system:masters"]}, 'cannot impersonate resource "groups"'),
        ({"as": "bob", "as-uid": "1"}, 'cannot impersonate resource "uids" in API group "authentication.k8s'),
        (
            {"as": "bob", "as-user-extra": {"A/b": ["c"]}},
            'cannot impersonate resource "userextras/a/b" in API group "authentication.k8s.io"',
        ),
    ],
)
def test_who_may_not_speak_for_another_is_told_so(
    server: Any, admin: Any, tmp_path: Path, speaks: dict[str, Any], words: str
) -> None:
    rbac = admin.api("RbacAuthorizationV1Api")
    rule = {"apiGroups": [""], "resources": ["users", "groups"], "verbs": ["impersonate"]}
    role = {"metadata": {"name": "speak"}, "rules": [{**rule, "resourceNames": ["bob", "ok"]}]}
    rbac.create_cluster_role(role, _request_timeout=5)
    binding = {
        "metadata": {"name": "speak"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "speak"},
        "subjects": [{"kind": "User", "name": "bench"}],
    }
    rbac.create_cluster_role_binding(binding, _request_timeout=5)
    token = server.sandbox("POST", "tokens", {"user": "bench"})["token"]
    with pytest.raises(ClusterError) as caught:
        connect(str(server.kubeconfig(tmp_path, {"token": token, **speaks})))
    assert words in str(caught.value)


def test_a_token_file_with_a_line_end_is_read_and_read_again(server: Any, tmp_path: Path) -> None:
    file = tmp_path / "token"
    old = server.sandbox("POST", "tokens", {"user": "bench"})["token"]
    file.write_text(f"  {old}\n\n")
    cluster = connect(str(server.kubeconfig(tmp_path, {"tokenFile": "token", "token": "wrong"})))
    file.write_text(server.sandbox("POST", "tokens", {"user": "bench"})["token"] + "\n")
    server.sandbox("DELETE", "tokens", {"token": old})
    assert config_maps(cluster) == ["kube-root-ca.crt"]
    cluster.close()

"""Who may do what, and the answers of portforward before it is a WebSocket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

BENCH = "token-of-bench"
RBAC = "rbac.authorization.k8s.io"
FORWARD = "/apis/subresources.kubevirt.io/v1/namespaces/{}/virtualmachineinstances/{}/portforward/22"


def allow(api: Any, verbs: list[str], resources: list[str], group: str = "", **more: Any) -> None:
    rule = {"apiGroups": [group], "resources": resources, "verbs": verbs, **more}
    api.create("roles", "may", rules=[rule])
    api.create(
        "rolebindings",
        "bench-may",
        roleRef={"apiGroup": RBAC, "kind": "Role", "name": "may"},
        subjects=[{"kind": "User", "apiGroup": RBAC, "name": "bench"}],
    )


def test_a_wrong_token_is_unauthorized(api: Any) -> None:
    answer = api.as_user("wrong").call("GET", api.path("configmaps"))
    assert (answer.code, answer.body["reason"]) == (401, "Unauthorized")


def test_without_a_token_only_version_and_health_are_answered(api: Any) -> None:
    nobody = api.as_user(None)
    answer = nobody.call("GET", api.path("configmaps"))
    assert (answer.code, answer.body["reason"]) == (403, "Forbidden")
    assert "system:anonymous" in answer.body["message"]
    assert nobody.call("GET", "/apis").code == 403
    assert nobody.call("GET", "/version").body["major"] == "1"
    assert nobody.call("GET", "/readyz").code == 200


def test_a_role_binding_works_at_once_and_ends_at_once(api: Any) -> None:
    bench = api.as_user(BENCH)
    refused = bench.call("GET", api.path("configmaps"))
    assert refused.code == 403
    assert (
        f'cannot list resource "configmaps" in API group "" in the namespace "{api.namespace}"'
        in (refused.body["message"])
    )
    allow(api, ["list"], ["configmaps"])
    assert bench.call("GET", api.path("configmaps")).code == 200
    assert bench.call("GET", api.path("configmaps", watch="1")).code == 403
    assert bench.call("GET", api.path("secrets")).code == 403
    assert bench.call("GET", "/api/v1/configmaps").code == 403
    api.call("DELETE", api.path("rolebindings", "bench-may"))
    assert bench.call("GET", api.path("configmaps")).code == 403


def test_a_rule_with_names_covers_those_objects_only(api: Any) -> None:
    api.create("configmaps", "mine")
    api.create("configmaps", "other")
    allow(api, ["get"], ["configmaps"], resourceNames=["mine"])
    bench = api.as_user(BENCH)
    assert bench.call("GET", api.path("configmaps", "mine")).code == 200
    assert bench.call("GET", api.path("configmaps", "other")).code == 403


def test_delete_of_one_does_not_allow_deletion_of_a_collection(api: Any) -> None:
    api.create("configmaps", "one")
    allow(api, ["delete"], ["configmaps"])
    bench = api.as_user(BENCH)
    assert bench.call("DELETE", api.path("configmaps", labelSelector="a=b")).code == 403
    assert bench.call("DELETE", api.path("configmaps", "one")).code == 200


def test_an_access_review_says_what_the_server_does(api: Any) -> None:
    allow(api, ["create"], ["virtualmachines"], group="kubevirt.io")
    bench = api.as_user(BENCH)

    def review(verb: str, namespace: str) -> bool:
        attributes = {
            "verb": verb,
            "group": "kubevirt.io",
            "resource": "virtualmachines",
            "namespace": namespace,
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        answer = bench.call("POST", path, {"spec": {"resourceAttributes": attributes}})
        assert answer.code == 201
        return bool(answer.body["status"]["allowed"])

    assert review("create", api.namespace)
    assert not review("delete", api.namespace)
    assert not review("create", "default")


@pytest.fixture
def closed_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_portforward_without_the_right_is_forbidden(api: Any) -> None:
    assert api.as_user(BENCH).call("GET", FORWARD.format(api.namespace, "one")).code == 403


def test_portforward_to_no_instance_is_not_found(api: Any) -> None:
    assert api.call("GET", FORWARD.format(api.namespace, "none")).code == 404


def test_portforward_to_an_instance_without_an_interface_is_a_bad_request(api: Any) -> None:
    api.create("virtualmachineinstances", "one")
    assert api.call("GET", FORWARD.format(api.namespace, "one")).code == 400


def test_portforward_to_a_closed_port_is_an_internal_error(api: Any, closed_port: int) -> None:
    where = {"sandbox.odfperf/port-22": f"127.0.0.1:{closed_port}"}
    api.create("virtualmachineinstances", "one", metadata={"annotations": where})
    answer = api.call("GET", FORWARD.format(api.namespace, "one"))
    assert (answer.code, answer.body["reason"]) == (500, "InternalError")
    assert "connection refused" in answer.body["message"]


def test_portforward_to_a_port_where_no_guest_listens_dials_nobody(api: Any) -> None:
    api.create("virtualmachineinstances", "one")
    # An address of the loopback, which would answer if it were dialed.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        status = {"status": {"interfaces": [{"ipAddress": "127.0.0.1"}]}}
        path = api.path("virtualmachineinstances", "one", "status")
        assert api.call("PATCH", path, status, Content_Type="application/merge-patch+json").code == 200
        port = listening.getsockname()[1]
        answer = api.call("GET", FORWARD.format(api.namespace, "one").replace("/22", f"/{port}"))
    assert (answer.code, answer.body["reason"]) == (500, "InternalError")
    assert f"dialing VM: dial tcp 127.0.0.1:{port}: connect: connection refused" in answer.body["message"]


@pytest.fixture
def open_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield int(listening.getsockname()[1])


@pytest.mark.parametrize(("offered", "chosen"), [("plain.kubevirt.io", "plain.kubevirt.io"), ("other", None)])
def test_portforward_is_upgraded_whatever_subprotocol_is_offered(
    api: Any, open_port: int, offered: str, chosen: str | None
) -> None:
    where = {"sandbox.odfperf/port-22": f"127.0.0.1:{open_port}"}
    api.create("virtualmachineinstances", "one", metadata={"annotations": where})
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol": offered,
    }
    with api.send("GET", FORWARD.format(api.namespace, "one"), headers=upgrade) as response:
        assert response.status == 101
        assert response.headers.get("Sec-WebSocket-Protocol") == chosen

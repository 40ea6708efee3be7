"""One request to the API server, through the official client's connections but not through its models.

The client's classes for each group of the API import every model of it: two thirds of a second of CPU in
each process, for answers that are read as plain JSON anyway. Its ``ApiClient`` has the rest: addresses,
credentials and their renewal, certificates, proxies.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import POD, Kind

_METHODS = {
    "get": "GET",
    "list": "GET",
    "create": "POST",
    "replace": "PUT",
    "delete": "DELETE",
    "delete_collection": "DELETE",
}


class RefusedRequestError(Exception):
    """An answer that is no success, as it came."""

    def __init__(self, status: int, reason: str | None, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body
        super().__init__(f"{status} {reason or ''}".rstrip())


def bound(
    cluster: Cluster, kind: Kind, verb: str, namespace: str | None, name: str | None
) -> Callable[..., Any]:
    """What sends the request for ``verb`` on ``kind``; see `send` for its arguments."""
    return partial(send, cluster, _METHODS[verb], _place(kind, namespace, name))


def _place(kind: Kind, namespace: str | None, name: str | None) -> str:
    path = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    if namespace is not None:
        path += f"/namespaces/{quote(namespace, safe='')}"
    path += f"/{kind.plural}"
    return path if name is None else f"{path}/{quote(name, safe='')}"


def pod_log(cluster: Cluster, namespace: str, pod: str) -> Callable[..., Any]:
    """What asks for the log of a pod; see `send`."""
    return partial(send, cluster, "GET", f"{_place(POD, namespace, pod)}/log")


def service_proxy(cluster: Cluster, namespace: str, service: str, path: str) -> Callable[..., Any]:
    """What asks a service for ``path``, through the API server; see `send`."""
    at = f"/api/v1/namespaces/{quote(namespace, safe='')}/services/{quote(service, safe='')}/proxy/{path}"
    return partial(send, cluster, "GET", at, accept="*/*")


def send(
    cluster: Cluster,
    method: str,
    path: str,
    *,
    timeout_s: tuple[float, float],
    accept: str = "application/json",
    body: Mapping[str, Any] | None = None,
    base: str | None = None,
    **query: Any,
) -> Any:
    """Send a request; the open answer of urllib3, whose ``data`` is the body.

    ``timeout_s``: to connect, and between two pieces of the answer. ``query``: its parameters, spelled as the
    official client spells them (``label_selector``). ``base``: another server that takes the same credential,
    and whose certificate the same authority vouches for. Raises `RefusedRequestError` and urllib3's errors.
    """
    from urllib3 import Timeout

    client = cluster.client
    headers = {**client.default_headers, "Accept": accept}
    # Runs the refresh hook of tokens that expire. The client has called this scheme by several names.
    for settings in client.configuration.auth_settings().values():
        if settings.get("in") == "header" and settings.get("value"):
            headers[settings["key"]] = settings["value"]
    url = (base or str(client.configuration.host)).rstrip("/") + path
    if query:
        url += "?" + urlencode({_camel(name): _text(value) for name, value in query.items()})
    options: dict[str, Any] = {}
    if body is not None:
        headers["Content-Type"] = "application/json"
        options["body"] = json.dumps(body)
    answer = client.rest_client.pool_manager.request(
        method,
        url,
        headers=headers,
        timeout=Timeout(connect=timeout_s[0], read=timeout_s[1]),
        preload_content=False,
        **options,
    )
    if not 200 <= answer.status <= 299:
        raise RefusedRequestError(answer.status, answer.reason, answer.headers, answer.data)
    return answer


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

"""A WebSocket to the API server, with the official client's address, credentials, certificates and proxy."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from typing import Any, Protocol

from pytest_odfperf.errors import OdfError
from pytest_odfperf.redaction import redact


class Trouble(Protocol):
    """What somebody who waits for the API server meets."""

    def failed(self, why: str, since_s: float) -> None: ...

    def ended(self, *, back: bool | None) -> None: ...


class Outages(Protocol):
    """Where the API server's outages are told."""

    def met(self) -> Trouble: ...


class Impersonation(Protocol):
    """Headers that say whom a request speaks for."""

    @property
    def headers(self) -> Sequence[tuple[str, str]]: ...


class ClusterAccess(Protocol):
    """What is needed of a cluster: the official client's Configuration, with its address and credentials."""

    @property
    def configuration(self) -> Any: ...

    @property
    def impersonation(self) -> Impersonation:
        """Whom the tunnel speaks for."""

    @property
    def credential(self) -> tuple[object, ...]: ...

    @property
    def outage_s(self) -> float:
        """How long the API server may be away, or a credential that it refuses take to be renewed."""

    @property
    def outages(self) -> Outages: ...

    def log_in_again(self, refused: tuple[object, ...]) -> bool:
        """Whether there are other credentials than ``refused`` now."""


class TunnelError(OdfError):
    """The tunnel could not be opened; ``status`` is the API server's HTTP status, None if it gave none.

    ``distrusted``: the server showed a certificate that can not be trusted.
    """

    def __init__(
        self, problem: str, status: int | None = None, *, cause: str = "", distrusted: bool = False
    ) -> None:
        self.status = status
        self.distrusted = distrusted
        #: What is the matter with the API server, in a few words; None if it is the guest that is not there.
        self.outage = cause or (str(status) if status in (401, 429, 502, 503, 504) else None)
        super().__init__(redact(problem))


def open_websocket(
    cluster: ClusterAccess, path: str, subprotocols: Sequence[str], *, timeout_s: float
) -> Any:
    """A WebSocket to ``path`` of the API server. Raises `TunnelError` with the server's words.

    A credential that is refused is renewed once.
    """
    used = cluster.credential
    try:
        return _connect(cluster, path, subprotocols, timeout_s)
    except TunnelError as error:
        if error.status != 401 or not cluster.log_in_again(used):
            raise
    return _connect(cluster, path, subprotocols, timeout_s)


def _connect(cluster: ClusterAccess, path: str, subprotocols: Sequence[str], timeout_s: float) -> Any:
    import ssl

    import websocket

    configuration = cluster.configuration
    base = str(configuration.host).rstrip("/")
    scheme, _, rest = base.partition("://")
    url = f"{'wss' if scheme == 'https' else 'ws'}://{rest}{path}"
    connection: Any = websocket.WebSocket(
        sslopt=_tls(configuration) if scheme == "https" else {},
        sockopt=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        skip_utf8_validation=True,
    )
    connection.settimeout(timeout_s)
    try:
        connection.connect(
            url,
            # A list: a group is a header, and there may be several.
            header=[f"{name}: {value}" for name, value in _headers(cluster)],
            subprotocols=list(subprotocols),
            suppress_origin=True,
            **_proxy(configuration),
        )
    except websocket.WebSocketBadStatusException as error:
        raise TunnelError(_words(error), error.status_code) from error
    except (websocket.WebSocketException, OSError) as error:
        distrusted = isinstance(error, ssl.SSLCertVerificationError)
        problem = f"{type(error).__name__}: {error}"
        raise TunnelError(problem, cause=_cause(error), distrusted=distrusted) from error
    return connection


def _cause(error: Exception) -> str:
    import ssl

    import websocket

    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, TimeoutError | websocket.WebSocketTimeoutException):
        return "no answer"
    return "TLS failed" if isinstance(error, ssl.SSLError) else "connection reset"


def _headers(cluster: ClusterAccess) -> list[tuple[str, str]]:
    headers = list(cluster.impersonation.headers)
    # Runs the refresh hook of tokens that expire. The client has called this scheme by both names.
    for settings in cluster.configuration.auth_settings().values():
        if settings.get("in") == "header" and settings.get("value"):
            return [("Authorization", settings["value"]), *headers]
    return headers


def _tls(configuration: Any) -> dict[str, Any]:
    import ssl

    options: dict[str, Any] = {}
    if configuration.verify_ssl:
        options["cert_reqs"] = ssl.CERT_REQUIRED
        if configuration.ssl_ca_cert:
            options["ca_certs"] = configuration.ssl_ca_cert
        if configuration.assert_hostname is not None:
            options["check_hostname"] = configuration.assert_hostname
    else:
        options |= {"cert_reqs": ssl.CERT_NONE, "check_hostname": False}
    if configuration.cert_file:
        options["certfile"] = configuration.cert_file
    if configuration.key_file:
        options["keyfile"] = configuration.key_file
    if getattr(configuration, "tls_server_name", None):
        options["server_hostname"] = configuration.tls_server_name
    return options


def _proxy(configuration: Any) -> dict[str, Any]:
    """The proxy that the client itself would use."""
    from urllib.parse import unquote, urlsplit

    if not configuration.proxy:
        # The library would take one of the environment, and heeds the list only beside a proxy.
        return {"http_proxy_host": "none", "http_proxy_port": 1, "proxy_type": "http", "http_no_proxy": ["*"]}
    # Without a list the library has one of its own: that of the environment, or this machine.
    direct = [host.strip() for host in (configuration.no_proxy or "none.invalid").split(",")]
    options: dict[str, Any] = {"http_no_proxy": direct}
    proxy = urlsplit(configuration.proxy)
    options |= {
        "http_proxy_host": proxy.hostname,
        "http_proxy_port": proxy.port,
        # The library knows no TLS to the proxy itself; what passes through it is encrypted anyway.
        "proxy_type": proxy.scheme if proxy.scheme.startswith("socks") else "http",
    }
    if proxy.username:
        options["http_proxy_auth"] = (unquote(proxy.username), unquote(proxy.password or ""))
    return options


def _words(error: Any) -> str:
    body = error.resp_body or b""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    try:
        message = json.loads(text).get("message")
    except (ValueError, AttributeError):
        message = None
    return f"{error.status_code}: {message or ' '.join(text.split())[:300] or 'no reason given'}"

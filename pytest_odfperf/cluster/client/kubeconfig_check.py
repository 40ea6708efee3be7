"""Whether a kubeconfig can be one, before the official client stumbles over it.

The client checks little. What is wrong ends in whatever its code meets, or in a refused call much later: a
login plugin that fails, for one, is written to a log and then ignored. What kubectl refuses is refused
(client-go, ``tools/clientcmd/validation.go``): who could use such a file would be somebody else here.
"""

from __future__ import annotations

import base64
import ipaddress
import ssl
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pytest_odfperf.cluster.client.impersonation import Headers, Impersonation
from pytest_odfperf.cluster.client.kubeconfig_entries import Entries, KubeconfigError

_TEXTS = (
    "server", "certificate-authority", "certificate-authority-data", "tls-server-name", "proxy-url", "token",
    "tokenFile", "username", "password", "client-certificate", "client-certificate-data", "client-key",
    "client-key-data",
)  # fmt: skip
_FLAGS = ("insecure-skip-tls-verify", "disable-compression")
_LARGEST_TOKEN_BYTES = 1 << 20


def check_entries(entries: Entries) -> Impersonation:
    """Raise `KubeconfigError` for the first thing in the entries that kubectl would not take either.

    Returns whom the user speaks for.
    """
    cluster, user = f"cluster {entries.cluster_name!r:.60}", f"user {entries.user_name!r:.60}"
    for what, entry in ((cluster, entries.cluster), (user, entries.user)):
        _check_fields(what, entry)
    _check_server(cluster, entries.cluster.get("server"))
    _check_proxy(entries.cluster.get("proxy-url"))
    if entries.cluster.get("insecure-skip-tls-verify") and (found := _ca(entries.cluster)):
        raise KubeconfigError(f"{cluster}: insecure-skip-tls-verify and {found[0]} exclude each other")
    _check_login(user, entries.user)
    try:
        return Impersonation.of(entries.user)
    except ValueError as error:
        raise KubeconfigError(f"{user}: {error}") from error


def read_token(user: Mapping[str, Any]) -> str | None:
    """The user's token. That of a file goes before one that stands in the kubeconfig, if it can be read.

    White space around the file's is no part of it (client-go, ``transport/token_source.go``). Raises
    `KubeconfigError`.
    """
    inline: str | None = user.get("token")
    if (place := user.get("tokenFile")) is None:
        return inline
    try:
        file = Path(place)
        found = file.stat()
        if not stat.S_ISREG(found.st_mode):
            raise KubeconfigError(f"tokenFile {place}: is not a file")
        if found.st_size > _LARGEST_TOKEN_BYTES:
            raise KubeconfigError(f"tokenFile {place}: is larger than {_LARGEST_TOKEN_BYTES >> 20} MiB")
        token = file.read_text(encoding="utf-8").strip()
        if not token:
            raise KubeconfigError(f"tokenFile {place}: is empty")
    except (OSError, UnicodeDecodeError, KubeconfigError) as error:
        if inline is not None:
            return inline
        if isinstance(error, KubeconfigError):
            raise
        why = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise KubeconfigError(f"tokenFile {place}: can not be read: {why or error}") from error
    return token


def _ca(cluster: Mapping[str, Any]) -> list[str]:
    return [name for name in cluster if name.startswith("certificate-authority")]


def _check_fields(what: str, entry: Mapping[str, Any]) -> None:
    for name, kind, form in (
        *((name, str, "a text") for name in _TEXTS),
        *((name, Mapping, "a mapping") for name in ("exec", "auth-provider")),
        *((name, bool, "true or false") for name in _FLAGS),
    ):
        if name in entry and not isinstance(entry[name], kind):
            raise KubeconfigError(f"{what}: {name} is not {form}")
    for name in _TEXTS:
        try:
            if name.endswith("-data"):
                base64.b64decode(entry.get(name) or "", validate=True)
        except ValueError as error:
            raise KubeconfigError(f"{what}: {name} is not base64: {error}") from error
        if name.endswith("-data") and entry.keys() >= {name, name.removesuffix("-data")}:
            raise KubeconfigError(f"{what}: {name.removesuffix('-data')} and {name} exclude each other")


def _check_login(what: str, user: Mapping[str, Any]) -> None:
    if "token" in user and ("username" in user or "password" in user):
        raise KubeconfigError(f"{what}: token and username or password exclude each other")
    if "exec" in user and "auth-provider" in user:
        raise KubeconfigError(f"{what}: exec and auth-provider exclude each other")
    certificate = [name for name in ("client-certificate", "client-certificate-data") if name in user]
    if certificate and not any(name in user for name in ("client-key", "client-key-data")):
        raise KubeconfigError(f"{what}: {certificate[0]} without client-key or client-key-data")


def _check_server(what: str, server: object) -> None:
    try:
        parts = urlsplit(server) if isinstance(server, str) and server.isprintable() else None
        usable = parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)
        if parts is not None:
            _ = parts.port
    except ValueError:
        usable = False
    if not usable:
        raise KubeconfigError(f"{what}: server {server!r:.100} is not an address such as https://host:6443")


def _check_proxy(proxy: str | None) -> None:
    if proxy and not proxy.startswith(("http://", "https://")):
        raise KubeconfigError(
            f"the proxy {proxy!r:.80} (proxy-url, or HTTPS_PROXY and ALL_PROXY of the environment) does not "
            "begin with http:// or https://"
        )


def settle_proxy(configuration: Any, proxy_url: str | None) -> None:
    """Take a proxy as kubectl does: ``proxy_url`` of the kubeconfig, else what the environment says.

    No proxy of the environment (``HTTPS_PROXY``) is asked for a server on this machine
    (golang.org/x/net/http/httpproxy). A login in the proxy's address is used.
    """
    if proxy_url is not None:
        configuration.proxy = proxy_url
    elif _is_loopback(configuration.host):
        configuration.proxy = None
    if configuration.proxy and not configuration.proxy_headers:
        proxy = urlsplit(configuration.proxy)
        if proxy.username:
            from urllib3.util import make_headers

            login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
            configuration.proxy_headers = make_headers(proxy_basic_auth=login)


def _is_loopback(server: str) -> bool:
    host = urlsplit(server).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_configuration(configuration: Any, headers: Headers = ()) -> None:
    """Raise `KubeconfigError` if what the client made of the kubeconfig can not be used for a connection.

    ``headers``: what is sent with each request beside the credentials.
    """
    for name in ("tls_server_name", "proxy"):
        if not isinstance(getattr(configuration, name, None), str | None):
            raise KubeconfigError(f"{name.replace('_', '-')} is not a text")
    _check_proxy(configuration.proxy)
    names = [name for name, _ in headers]
    if configuration.proxy and str(configuration.host).startswith("http:") and len(set(names)) < len(names):
        # The HTTP library makes one header of those of one name on this way, and one group of two.
        raise KubeconfigError("several as-groups can not be sent through a proxy to a server without TLS")
    for value in configuration.api_key.values():
        # What it is must not be shown.
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise KubeconfigError("the token is not a text that can be sent")
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if configuration.ssl_ca_cert:
        try:
            trust.load_verify_locations(configuration.ssl_ca_cert)
        except OSError as error:
            raise KubeconfigError(
                f"the certificate authority is no certificate in PEM form: {error}"
            ) from error
    if configuration.cert_file:
        try:
            trust.load_cert_chain(configuration.cert_file, configuration.key_file)
        except OSError as error:
            raise KubeconfigError(
                f"client certificate and key do not fit, or are not in PEM form: {error}"
            ) from error

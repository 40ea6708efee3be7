"""Whether a kubeconfig can be one, before the official client stumbles over it.

The client checks little. What is wrong ends in whatever its code meets, or in a refused call much later: a
login plugin that fails, for one, is written to a log and then ignored.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import ssl
import stat
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pytest_odfperf.errors import ClusterError

_LARGEST_BYTES = 16 << 20
_TEXTS = (
    "server", "certificate-authority", "certificate-authority-data", "tls-server-name", "proxy-url", "token",
    "tokenFile", "username", "password", "client-certificate", "client-certificate-data", "client-key",
    "client-key-data",
)  # fmt: skip
_LISTS = (("clusters", "cluster"), ("users", "user"), ("contexts", "context"))


class KubeconfigError(ClusterError):
    """What is wrong with a kubeconfig; says the file and the place in it."""


def check_kubeconfig(kubeconfig: str | None, context: str | None) -> str | None:
    """Raise `KubeconfigError` for the first thing that is no kubeconfig in the files that hold for us.

    What is not there is left to the client, which says it well. Only the cluster that is used is looked into;
    returns its ``proxy-url``, which older versions of the client do not read.
    """
    proxy: str | None = None
    named: dict[str, dict[str, Any]] = {"clusters": {}, "users": {}, "contexts": {}}
    current = context
    for path in (kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config").split(os.pathsep):
        if path and (content := _read(path)):
            _collect(path, content, named)
            current = current or content.get("current-context")
            if not isinstance(current, str | None):
                raise KubeconfigError(f"{path}: current-context is not a text")
    used = named["contexts"].get(current or "") or {}
    for plural, singular in _LISTS[:2]:
        name = used.get(singular)
        entry = named[plural].get(name) if isinstance(name, str) else None
        if entry is not None:
            _check_fields(f"{singular} {name!r:.60}", entry)
            if singular == "cluster":
                _check_server(f"{singular} {name!r:.60}", entry.get("server"))
                proxy = entry.get("proxy-url") or None
                _check_proxy(proxy)
    return proxy


def _read(path: str) -> dict[str, Any] | None:
    import yaml

    try:
        file = Path(path).expanduser()
        found = file.stat()
        # Opening a FIFO would wait for its writer.
        if not stat.S_ISREG(found.st_mode):
            raise KubeconfigError(f"{path}: is not a file")
        if found.st_size > _LARGEST_BYTES:
            raise KubeconfigError(f"{path}: is larger than {_LARGEST_BYTES >> 20} MiB")
        content = yaml.safe_load(file.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KubeconfigError(f"{path}: can not be read: {error.strerror or error}") from error
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise KubeconfigError(f"{path}{line}: is not YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        raise KubeconfigError(f"{path}: is not YAML: {error}") from error
    if content is not None and not isinstance(content, dict):
        raise KubeconfigError(f"{path}: is not a kubeconfig (a mapping with clusters, users and contexts)")
    return content


def _collect(path: str, content: dict[str, Any], named: dict[str, dict[str, Any]]) -> None:
    """Add the entries of one file; of two of one name the first holds, as for the client."""
    for plural, singular in _LISTS:
        entries = content.get(plural)
        if entries is not None and not isinstance(entries, list):
            raise KubeconfigError(f"{path}: {plural} is not a list")
        for number, entry in enumerate(entries or ()):
            name = entry.get("name") if isinstance(entry, dict) else None
            if not isinstance(name, str):
                raise KubeconfigError(f"{path}: {plural}[{number}] has no name")
            inside = entry.get(singular)
            if not isinstance(inside, dict | None):
                raise KubeconfigError(f"{path}: {singular} {name!r:.60} is not a mapping")
            named[plural].setdefault(name, inside)


def _check_fields(what: str, entry: dict[str, Any]) -> None:
    for name, kind, form in (
        *((name, str, "a text") for name in _TEXTS),
        *((name, dict, "a mapping") for name in ("exec", "auth-provider")),
        ("insecure-skip-tls-verify", bool, "true or false"),
    ):
        if not isinstance(entry.get(name), kind | None):
            raise KubeconfigError(f"{what}: {name} is not {form}")
    for name in _TEXTS:
        try:
            if name.endswith("-data"):
                base64.b64decode(entry.get(name) or "", validate=True)
        except ValueError as error:
            raise KubeconfigError(f"{what}: {name} is not base64: {error}") from error


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


def check_configuration(configuration: Any) -> None:
    """Raise `KubeconfigError` if what the client made of the kubeconfig can not be used for a connection."""
    for name in ("tls_server_name", "proxy"):
        if not isinstance(getattr(configuration, name, None), str | None):
            raise KubeconfigError(f"{name.replace('_', '-')} is not a text")
    _check_proxy(configuration.proxy)
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

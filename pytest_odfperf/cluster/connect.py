"""The way to the cluster, as the official client goes it: kubeconfig, in-cluster account, proxies, TLS."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from pytest_odfperf.errors import ClusterError
from pytest_odfperf.waiting import Stop

#: Connections kept open at once; the client's default of 10 is less than a group's VMs and watches.
_CONNECTIONS = 32


class Cluster:
    """A configured client. Made once per process; its parts may be used by several threads."""

    def __init__(self, client: Any, log_in: Callable[[Any], None] | None = None) -> None:
        """``log_in`` puts fresh credentials into a configuration; None: there are none but these."""
        self.client = client
        self._log_in = log_in
        self._apis: dict[str, Any] = {}
        self._lock = threading.Lock()

    @property
    def configuration(self) -> Any:
        return self.client.configuration

    @property
    def server(self) -> str:
        """The API server's address."""
        return str(self.configuration.host).rstrip("/")

    def api(self, name: str) -> Any:
        """The client's class ``name`` (``CoreV1Api``, ...), made once."""
        import kubernetes.client

        with self._lock:
            if name not in self._apis:
                self._apis[name] = getattr(kubernetes.client, name)(self.client)
            return self._apis[name]

    @property
    def authorization(self) -> str:
        """The header's value; reading it renews a token that is known to expire."""
        for settings in self.configuration.auth_settings().values():
            if settings.get("in") == "header" and settings.get("value"):
                return str(settings["value"])
        return ""

    def log_in_again(self, refused: str) -> bool:
        """Whether there are other credentials than ``refused`` now.

        The client asks a login plugin again only if the last answer said when it expires.
        """
        with self._lock:
            if self.authorization == refused and self._log_in is not None:
                self._log_in(self.configuration)
            return self.authorization != refused

    def close(self) -> None:
        self.client.close()


def connect(
    kubeconfig: str | None = None, *, context: str | None = None, stop: Stop | None = None
) -> Cluster:
    """The cluster of ``kubeconfig``, else of $KUBECONFIG or ~/.kube/config, else the one we run in.

    Raises `ClusterError`, one line, if there is none, or if its API server does not answer or does not know
    us.
    """
    from kubernetes.client import ApiClient, Configuration

    from pytest_odfperf.cluster.calls import ApiError, Calls

    configuration = Configuration()

    def log_in(fresh: Any) -> None:
        _load(fresh, kubeconfig, context)

    log_in(configuration)
    # Off: `Calls` repeats what can be repeated, and looks at the stop meanwhile.
    configuration.retries = False
    configuration.connection_pool_maxsize = _CONNECTIONS
    cluster = Cluster(ApiClient(configuration), log_in)
    try:
        Calls(cluster, stop or Stop(), attempts=2).version()
    except ApiError as error:
        cluster.close()
        raise ClusterError(
            f"the cluster at {cluster.server} can not be used: {error}{_advice(error)}"
        ) from error
    return cluster


def _load(configuration: Any, kubeconfig: str | None, context: str | None) -> None:
    import yaml
    from kubernetes import config

    try:
        load_kube_config: Any = config.load_kube_config
        load_kube_config(config_file=kubeconfig, context=context, client_configuration=configuration)
    except (config.ConfigException, yaml.YAMLError, OSError, LookupError, TypeError, ValueError) as error:
        # The client checks little: a file that is no kubeconfig ends in whatever its code stumbles over.
        in_cluster = "KUBERNETES_SERVICE_HOST" in os.environ
        if kubeconfig is None and context is None and in_cluster:
            try:
                load_incluster: Any = config.load_incluster_config
                load_incluster(client_configuration=configuration)
            except config.ConfigException as inner:
                raise ClusterError(
                    f"no cluster: neither a kubeconfig ({error}) nor in-cluster ({inner})"
                ) from inner
            return
        where = kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
        raise ClusterError(
            f"no cluster: {where}: {' '.join(str(error).split())}; log in (oc login, or set KUBECONFIG), "
            "or measure on this machine with --odf-cluster sandbox"
        ) from error


def _advice(error: Any) -> str:
    if error.status == 401:
        return "; log in again (the token has expired or is wrong)"
    if error.status is None:
        return "; is the address right, and is there a proxy in between?"
    return ""

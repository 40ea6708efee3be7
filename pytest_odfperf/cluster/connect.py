"""The way to the cluster, as the official client goes it: kubeconfig, in-cluster account, proxies, TLS."""

from __future__ import annotations

import os
import threading
from functools import partial
from typing import Any

from pytest_odfperf.cluster.credentials import Credential, Credentials, credential
from pytest_odfperf.cluster.kubeconfig import (
    KubeconfigError,
    check_configuration,
    check_kubeconfig,
    settle_proxy,
)
from pytest_odfperf.cluster.login import LoginError, log_in
from pytest_odfperf.cluster.outages import Outages
from pytest_odfperf.errors import ClusterError, InterruptedRunError
from pytest_odfperf.redaction import redact
from pytest_odfperf.waiting import Stop

#: Connections kept open at once; the client's default of 10 is less than a group's VMs and watches.
_CONNECTIONS = 32
#: How long an API server that is away is waited for, unless the matrix says something else.
OUTAGE_S = 120.0
#: The same for the first call of all: a wrong address shall be said soon.
START_S = 3.0


class Cluster:
    """A configured client. Made once per process; its parts may be used by several threads."""

    def __init__(
        self, client: Any, credentials: Credentials | None = None, *, outage_s: float = OUTAGE_S
    ) -> None:
        """``credentials`` None: those of the client's configuration never change."""
        self.client = client
        #: How long each call waits for an API server that is away.
        self.outage_s = outage_s
        self.outages = Outages()
        #: Whether a refused credential was good before, so that a new one can be expected.
        self.was_known = False
        self._credentials = credentials
        self._apis: dict[str, Any] = {}
        self._lock = threading.Lock()

    @property
    def configuration(self) -> Any:
        return self.client.configuration

    @property
    def server(self) -> str:
        """The API server's address, without a password."""
        return redact(str(self.configuration.host).rstrip("/"))

    def api(self, name: str) -> Any:
        """The client's class ``name`` (``CoreV1Api``, ...), made once."""
        import kubernetes.client

        with self._lock:
            if name not in self._apis:
                self._apis[name] = getattr(kubernetes.client, name)(self.client)
            return self._apis[name]

    @property
    def credential(self) -> Credential:
        """What a call that is made now shows to the server."""
        return credential(self.configuration)

    @property
    def login_problem(self) -> str | None:
        """Why the last login gave nothing new."""
        return self._credentials.problem if self._credentials is not None else None

    def log_in_again(self, refused: Credential, stop: Stop | None = None) -> bool:
        """Whether there are other credentials than ``refused`` now. One login at a time, whoever asks."""
        if self._credentials is None:
            return False
        files = self.configuration.cert_file, self.configuration.key_file
        renewed = self._credentials.log_in_again(self.configuration, refused, stop or Stop())
        if files != (self.configuration.cert_file, self.configuration.key_file):
            # Its pool of connections holds the names of the old files.
            self.client.rest_client = type(self.client.rest_client)(self.configuration)
        return renewed

    def close(self) -> None:
        self.client.close()


def connect(
    kubeconfig: str | None = None,
    *,
    context: str | None = None,
    stop: Stop | None = None,
    outage_s: float = OUTAGE_S,
    in_mid_run: bool = False,
) -> Cluster:
    """The cluster of ``kubeconfig``, else of $KUBECONFIG or ~/.kube/config, else the one we run in.

    Raises `ClusterError`, one line, if there is none, or if its API server does not answer or does not know
    us: after a few seconds, ``in_mid_run`` only when ``outage_s`` is over, as each later call.
    """
    from kubernetes.client import ApiClient, Configuration

    from pytest_odfperf.cluster.calls import ApiError, Calls

    configuration = Configuration()
    credentials = Credentials(partial(_load, kubeconfig, context))
    credentials.fill(configuration, stop or Stop())
    # Off: `Calls` repeats what can be repeated, and looks at the stop meanwhile.
    configuration.retries = False
    configuration.connection_pool_maxsize = _CONNECTIONS
    cluster = Cluster(ApiClient(configuration), credentials, outage_s=outage_s)
    cluster.was_known = in_mid_run
    try:
        Calls(cluster, stop or Stop(), outage_s=outage_s if in_mid_run else START_S).version()
    except ApiError as error:
        cluster.close()
        raise ClusterError(
            f"the cluster at {cluster.server} can not be used: {error}{_advice(error)}"
        ) from error
    cluster.was_known = True
    return cluster


def _load(
    kubeconfig: str | None, context: str | None, configuration: Any, seconds: float, stop: Stop
) -> None:
    import yaml
    from kubernetes import config

    def load() -> None:
        load_kube_config: Any = config.load_kube_config
        # The client reads $KUBECONFIG when it is imported; a process may set it later.
        place = kubeconfig or os.environ.get("KUBECONFIG") or None
        load_kube_config(config_file=place, context=context, client_configuration=configuration)

    try:
        proxy_url = check_kubeconfig(kubeconfig, context)
        log_in(load, seconds, stop)
        settle_proxy(configuration, proxy_url)
        check_configuration(configuration)
    except InterruptedRunError:
        raise
    except Exception as error:
        # The client checks little: a file that is no kubeconfig ends in whatever its code stumbles over.
        in_cluster = "KUBERNETES_SERVICE_HOST" in os.environ
        if kubeconfig is None and context is None and in_cluster:
            try:
                load_incluster: Any = config.load_incluster_config
                load_incluster(client_configuration=configuration)
                settle_proxy(configuration, None)
            except config.ConfigException as inner:
                raise ClusterError(
                    f"no cluster: neither a kubeconfig ({redact(str(error))}) nor in-cluster ({inner})"
                ) from inner
            return
        where = kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
        said = str(error)
        known = (KubeconfigError, LoginError, config.ConfigException, yaml.YAMLError, OSError, ValueError)
        if not isinstance(error, known):
            said = f"the official client does not understand it ({type(error).__name__}: {error})"
        if not said.startswith(where):
            said = f"{where}: {said}"
        raise ClusterError(
            f"no cluster: {redact(said)}; log in (oc login, or set KUBECONFIG), or measure on this machine "
            "with --odf-cluster sandbox"
        ) from error


def _advice(error: Any) -> str:
    if error.status == 401:
        return "; log in again (the token has expired or is wrong)"
    if error.is_distrust:
        return "; give the kubeconfig the certificate-authority of this server"
    if error.status is None:
        return "; is the address right, and is there a proxy in between?"
    return ""

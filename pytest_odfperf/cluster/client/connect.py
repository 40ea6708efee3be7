"""The way to the cluster, as the official client goes it: kubeconfig, in-cluster account, proxies, TLS."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from pytest_odfperf.cluster.client.calls import ApiError, Calls
from pytest_odfperf.cluster.client.configured_client import OUTAGE_S, Cluster
from pytest_odfperf.cluster.client.credentials import Credentials
from pytest_odfperf.cluster.client.kubeconfig_check import (
    KubeconfigError,
    check_configuration,
    check_kubeconfig,
    settle_proxy,
)
from pytest_odfperf.cluster.client.login import LoginError, log_in
from pytest_odfperf.errors import ClusterError, InterruptedRunError
from pytest_odfperf.redaction import redact
from pytest_odfperf.waiting import Stop

#: Connections kept open at once; the client's default of 10 is less than a group's VMs and watches.
_CONNECTIONS = 32
#: The same for the first call of all: a wrong address shall be said soon.
START_S = 3.0


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

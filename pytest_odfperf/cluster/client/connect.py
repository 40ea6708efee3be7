"""The way to the cluster, as the official client goes it: kubeconfig, in-cluster account, proxies, TLS."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from pytest_odfperf.cluster.client.calls import ApiError, Calls
from pytest_odfperf.cluster.client.configured_client import OUTAGE_S, Cluster
from pytest_odfperf.cluster.client.credentials import Credentials
from pytest_odfperf.cluster.client.impersonation import Impersonation
from pytest_odfperf.cluster.client.kubeconfig_check import (
    check_configuration,
    check_entries,
    read_token,
    settle_proxy,
)
from pytest_odfperf.cluster.client.kubeconfig_entries import Entries, KubeconfigError, read_entries
from pytest_odfperf.cluster.client.login import LoginError, log_in
from pytest_odfperf.errors import ClusterError, InterruptedRunError
from pytest_odfperf.redaction import redact
from pytest_odfperf.waiting import Stop

#: Connections kept open at once; the client's default of 10 is less than a group's VMs and watches.
_CONNECTIONS = 32
#: The same for the first call of all: a wrong address shall be said soon.
START_S = 3.0
_LOG_IN = "log in (oc login, or set KUBECONFIG), or measure on this machine with --odf-cluster sandbox"


class NoClusterError(ClusterError):
    """There is no kubeconfig that can be used, nor an account of a pod."""


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
    who = credentials.fill(configuration, stop or Stop())
    # Off: `Calls` repeats what can be repeated, and looks at the stop meanwhile.
    configuration.retries = False
    configuration.connection_pool_maxsize = _CONNECTIONS
    cluster = Cluster(ApiClient(configuration), credentials, impersonation=who, outage_s=outage_s)
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
    place: str | None, context: str | None, configuration: Any, seconds: float, stop: Stop
) -> Impersonation:
    """Fill ``configuration`` from the kubeconfig, else from the pod's account; whom to speak for."""
    import yaml
    from kubernetes import config

    # The client reads $KUBECONFIG when it is imported; a process may set it later.
    where = place or os.environ.get("KUBECONFIG") or "~/.kube/config"
    try:
        entries = read_entries(where, context)
        if entries is None:
            return _load_in_cluster(where, configuration)
        who = check_entries(entries)
        log_in(partial(_fill, where, entries, configuration), seconds, stop)
        settle_proxy(configuration, entries.cluster.get("proxy-url"))
        check_configuration(configuration, who.headers)
    except (InterruptedRunError, NoClusterError):
        raise
    except Exception as error:
        # The client checks little: a file that is no kubeconfig ends in whatever its code stumbles over.
        said = str(error)
        known = (KubeconfigError, LoginError, config.ConfigException, yaml.YAMLError, OSError, ValueError)
        if not isinstance(error, known):
            said = f"the official client does not understand it ({type(error).__name__}: {error})"
        if not said.startswith(where):
            said = f"{where}: {said}"
        raise NoClusterError(f"no cluster: {redact(said)}; {_LOG_IN}") from error
    return who


def _fill(where: str, entries: Entries, configuration: Any) -> None:
    """What may start a login plugin."""
    from kubernetes import config

    token = read_token(entries.user)
    if entries.logs_in_by_file and token is None:
        load_file: Any = config.load_kube_config
        load_file(config_file=where, context=entries.context, client_configuration=configuration)
    else:
        load: Any = config.load_kube_config_from_dict
        load(entries.plain(token), context=entries.context, client_configuration=configuration)


def _load_in_cluster(where: str, configuration: Any) -> Impersonation:
    from kubernetes import config

    problem = f"{where}: no such file"
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        try:
            load: Any = config.load_incluster_config
            load(client_configuration=configuration)
            settle_proxy(configuration, None)
            return Impersonation()
        except config.ConfigException as error:
            problem += f", nor the account of a pod: {error}"
    raise NoClusterError(f"no cluster: no kubeconfig ({redact(problem)}); {_LOG_IN}")


def _advice(error: Any) -> str:
    if error.status == 401:
        return "; log in again (the token has expired or is wrong)"
    if error.is_distrust:
        return "; give the kubeconfig the certificate-authority of this server"
    if error.status is None:
        return "; is the address right, and is there a proxy in between?"
    return ""

"""The ConfigMap that owns everything of a run: deleting it lets the garbage collector delete the rest."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_odfperf.cluster.causes.refusals import advice
from pytest_odfperf.cluster.client.calls import ApiError, Calls, JsonObject
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import CONFIG_MAP
from pytest_odfperf.cluster.facts.rights import GRANT
from pytest_odfperf.errors import ClusterError
from pytest_odfperf.vm.labels import RUN
from pytest_odfperf.vm.manifests import run_object
from pytest_odfperf.vm.names import run_object_name
from pytest_odfperf.vm.spec import Owner
from pytest_odfperf.waiting import Stop

#: In the object's data: who made the run, as ``user@host``.
ACCOUNT = "account"


def create_run(
    cluster: Cluster, namespace: str, run_id: str, data: Mapping[str, str], *, stop: Stop | None = None
) -> Owner:
    """Make the run's object, or take it over if the run left one (a resume). Raises `ClusterError`."""
    calls = Calls(cluster, stop or Stop())
    try:
        return _owner(calls.create(CONFIG_MAP, namespace, run_object(run_id, namespace, dict(data))))
    except ApiError as error:
        if error.status == 404:
            raise ClusterError(
                f"namespace {namespace} does not exist in {cluster.server}: create it, or name another"
            ) from error
        if error.status == 403:
            raise ClusterError(f"{error}; {advice(error)}") from error
        if not (error.status == 409 and error.reason == "AlreadyExists"):
            raise
    name = run_object_name(run_id)
    try:
        there = calls.get(CONFIG_MAP, name, namespace)
    except ApiError as error:
        if error.status != 403:
            raise
        raise ClusterError(
            f"ConfigMap {namespace}/{name} is left of this run and can not be read: {error.message}; {GRANT}"
        ) from error
    if (there["metadata"].get("labels") or {}).get(RUN) != run_id:
        raise ClusterError(f"ConfigMap {namespace}/{name} exists and is not this run's: use another run id")
    if there["metadata"].get("deletionTimestamp"):
        raise ClusterError(
            f"ConfigMap {namespace}/{name} is being deleted: run {run_id} has not ended yet; try again"
        )
    return _owner(there)


def find_owner(cluster: Cluster, namespace: str, run_id: str, *, stop: Stop | None = None) -> Owner | None:
    """The run's object; None if there is none, or it is being deleted. Raises `ClusterError`."""
    try:
        there = Calls(cluster, stop or Stop()).get(CONFIG_MAP, run_object_name(run_id), namespace)
    except ApiError as error:
        if error.status == 404:
            return None
        raise
    return None if there["metadata"].get("deletionTimestamp") else _owner(there)


def delete_run(cluster: Cluster, namespace: str, run_id: str, *, stop: Stop | None = None) -> bool:
    """Delete the run's object; all that it owns follows by and by. False if there was none."""
    return Calls(cluster, stop or Stop()).delete(CONFIG_MAP, run_object_name(run_id), namespace)


def _owner(config_map: JsonObject) -> Owner:
    return Owner(config_map["metadata"]["name"], config_map["metadata"]["uid"])

"""Which cluster the run talks to. From here on nobody knows which one it is."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_odfperf.errors import InputError
from pytest_odfperf.run.before.selection import Selection
from pytest_odfperf.waiting import Stop

if TYPE_CHECKING:
    from pytest_odfperf.cluster.client.configured_client import Cluster
    from pytest_odfperf.cluster.facts.cluster_facts import ClusterFacts
    from pytest_odfperf.run.before.setup.pool_setup import SetUp

#: The first start may build the guest image.
SANDBOX_START_S = 600.0


@dataclass(frozen=True, kw_only=True)
class OpenedCluster:
    """A cluster that answered; ``kubeconfig`` None: what the official client finds by itself."""

    cluster: Cluster
    facts: ClusterFacts
    kubeconfig: str | None
    #: Whether it is still there when the run has ended.
    lasts: bool = True
    #: What became of the pools that were to be made; None: none were.
    set_up: SetUp | None = None


@contextmanager
def open_cluster(
    selection: Selection, stop: Stop, make_pools: Callable[[Cluster], SetUp] | None = None
) -> Generator[OpenedCluster]:
    """Connect to the cluster that the selection names, and read what a run must know of it.

    ``make_pools`` is called between the two. Raises `ClusterError` or `InputError` in one line.
    """
    from pytest_odfperf.cluster.facts.cluster_facts import read_facts

    with open_access(selection, stop) as (cluster, kubeconfig):
        set_up = make_pools(cluster) if make_pools is not None else None
        facts = read_facts(cluster, selection.matrix, stop=stop)
        if set_up is not None:
            facts = replace(facts, pool_problems={**facts.pool_problems, **set_up.problems})
        yield OpenedCluster(
            cluster=cluster,
            facts=facts,
            kubeconfig=kubeconfig,
            lasts=selection.cluster != "sandbox",
            set_up=set_up,
        )


@contextmanager
def open_access(selection: Selection, stop: Stop) -> Generator[tuple[Cluster, str | None]]:
    """Connect to the cluster that the selection names, starting the sandbox if it is that.

    The client, and its kubeconfig as in `OpenedCluster`. Raises as `open_cluster`.
    """
    from pytest_odfperf.cluster.client.connect import connect

    outage_s = selection.matrix.timeouts.api_s
    if selection.cluster == "sandbox":
        from pytest_odfperf.sandbox.start import start

        with tempfile.TemporaryDirectory(prefix="odfperf-") as state:
            config = _sandbox_config(selection)
            sandbox = start(config, state_dir=Path(state), stop=stop, deadline_s=SANDBOX_START_S)
            try:
                kubeconfig = str(sandbox.kubeconfig)
                yield connect(kubeconfig, stop=stop, outage_s=outage_s), kubeconfig
            finally:
                sandbox.close()
    else:
        yield connect(None, stop=stop, outage_s=outage_s), None


def connect_for_cleanup(cluster: str, stop: Stop) -> Cluster:
    """The cluster that earlier runs may have left something on. Raises `InputError` and `ClusterError`."""
    from pytest_odfperf.cluster.client.connect import connect

    if cluster == "sandbox":
        raise InputError("--odf-cleanup: a sandbox ends with its run, so nothing of that run can be left")
    return connect(stop=stop)


def _sandbox_config(selection: Selection) -> dict[str, object]:
    """The matrix's own settings, and what any matrix needs of a cluster: its namespace, classes, image."""
    matrix = selection.matrix
    config = dict(matrix.sandbox or {})
    classes = dict(config.get("storage_classes") or {})
    for pool in matrix.pools:
        if not (selection.makes_pools and pool.recipe is not None and pool.recipe.makes):
            classes.setdefault(pool.storage_class, {})
    config["storage_classes"] = classes
    config["data_sources"] = [*(config.get("data_sources") or ()), matrix.guest.data_source]
    config["namespaces"] = [*(config.get("namespaces") or ()), matrix.namespace]
    return config

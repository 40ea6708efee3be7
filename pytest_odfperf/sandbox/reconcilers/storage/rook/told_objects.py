"""The pools and file systems of the configuration. A simulated Ceph has had them for long."""

from __future__ import annotations

from pytest_odfperf.errors import InputError
from pytest_odfperf.sandbox.ceph.ceph import Ceph
from pytest_odfperf.sandbox.ceph.simulated.simulated_ceph import SimulatedCeph
from pytest_odfperf.sandbox.config.parse_config import STORAGE_NAMESPACE, CephConfig
from pytest_odfperf.sandbox.reconcilers.api_client import Api, ApiError
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import (
    CEPH_BLOCK_POOL,
    CEPH_FILESYSTEM,
    Kind,
    Obj,
)
from pytest_odfperf.sandbox.reconcilers.storage.rook.pool_rules import is_erasure_coded, is_replicated
from pytest_odfperf.sandbox.reconcilers.storage.rook.rook_status import pool_info
from pytest_odfperf.sandbox.reconcilers.storage.rook.wanted_pools import (
    pool_name,
    wanted_filesystem,
    wanted_pool,
)

_USUAL = {"replicated": {"size": 3}}


def told_object(kind: Kind, name: str, config: CephConfig) -> Obj:
    """One object of the configuration, its spec filled in where it says nothing."""
    named = config.block_pools if kind is CEPH_BLOCK_POOL else config.filesystems
    spec = dict(named[name].spec)
    if kind is CEPH_FILESYSTEM:
        spec = {
            "metadataPool": _USUAL,
            "dataPools": [{"name": "data0", **_USUAL}],
            "metadataServer": {"activeCount": 1},
            **spec,
        }
    elif not is_replicated(spec) and not is_erasure_coded(spec):
        spec = {**_USUAL, **spec}
    finalizer = f"{kind.kind.lower()}.ceph.rook.io"
    return {
        "metadata": {"name": name, "namespace": STORAGE_NAMESPACE, "finalizers": [finalizer]},
        "spec": spec,
    }


async def create_told(api: Api, kind: Kind, name: str, config: CephConfig, ceph: Ceph) -> None:
    """Create the object; with its status if the Ceph is simulated, for a real one has to make its pools.

    Raises `InputError` if Rook's CRDs do not take it.
    """
    made = told_object(kind, name, config)
    try:
        await api.create(kind, made)
    except ApiError as error:
        part = "block_pools" if kind is CEPH_BLOCK_POOL else "filesystems"
        raise InputError(str(error), place=f"sandbox.ceph.{part}.{name}") from error
    if not isinstance(ceph, SimulatedCeph):
        return
    if kind is CEPH_BLOCK_POOL:
        ceph.keep_steady(wanted_pool(pool_name(made), made["spec"], "rbd"))
    else:
        ceph.keep_steady_filesystem(wanted_filesystem(made))
    named = config.block_pools if kind is CEPH_BLOCK_POOL else config.filesystems
    status: Obj = {"phase": named[name].phase, "observedGeneration": 1}
    if kind is CEPH_BLOCK_POOL:
        ids = {pool.name: pool.pool_id for pool in await ceph.pools()}
        status |= {"info": pool_info(made["spec"]), "poolID": ids.get(pool_name(made))}
    await api.patch_status(kind, (STORAGE_NAMESPACE, name), status)

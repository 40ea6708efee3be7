"""CephBlockPools and CephFilesystems of recipes, as Rook takes them (``ceph.rook.io/v1``)."""

from __future__ import annotations

from typing import Any

from pytest_odfperf.matrix.values.recipe import MdsSettings, Recipe
from pytest_odfperf.quantity import format_bytes, format_millicores
from pytest_odfperf.storage.made_labels import MADE_BY, made_labels
from pytest_odfperf.storage.site import StorageSite

#: The autoscaler gives a pool its PGs by this. Without one it begins with a single PG, on a single OSD.
USUAL_RATIO = 0.1
#: Of a pool that holds only what RBD knows of images.
_METADATA_RATIO = 0.01
_MOST_METADATA_PGS = 16
#: What Rook calls the first data pool, after the file system: as ODF does.
DATA_POOL = "data0"
#: What a pool that is made for the metadata of another's images is called, after that.
METADATA_POOL = "-metadata"


def block_pool(recipe: Recipe, name: str, pool: str, account: str, site: StorageSite) -> dict[str, Any]:
    """The CephBlockPool of ``recipe``, made for ``pool`` of the matrix."""
    return _object(
        "CephBlockPool", name, pool, account, site, _pool_spec(recipe, site) | {"enableRBDStats": True}
    )


def rbd_metadata_pool(
    recipe: Recipe, name: str, pool: str, account: str, site: StorageSite
) -> dict[str, Any]:
    """A replicated pool beside an erasure coded one, where the cluster has none for the images' metadata."""
    domain = recipe.failure_domain or site.topology.failure_domain
    domains = site.topology.domains(domain, recipe.device_class or site.device_class)
    small = Recipe(
        kind="CephBlockPool",
        replicas=min(3, max(2, domains or 3)),
        failure_domain=recipe.failure_domain,
        device_class=recipe.device_class,
        pg_num=min(recipe.pg_num, _MOST_METADATA_PGS) if recipe.pg_num is not None else None,
        target_size_ratio=None if recipe.pg_num is not None else _METADATA_RATIO,
    )
    return _object(
        "CephBlockPool", name, pool, account, site, _pool_spec(small, site) | {"enableRBDStats": True}
    )


def filesystem(recipe: Recipe, name: str, pool: str, account: str, site: StorageSite) -> dict[str, Any]:
    """The CephFilesystem of ``recipe``: a metadata pool, one data pool, metadata servers."""
    mds = recipe.mds or MdsSettings()
    memory = format_bytes(mds.memory_bytes)
    metadata = Recipe(
        kind="CephBlockPool",
        replicas=recipe.metadata_copies,
        require_safe_replica_size=recipe.metadata_copies > 1,
        failure_domain=recipe.failure_domain,
        device_class=recipe.device_class,
        pg_num=min(recipe.pg_num, _MOST_METADATA_PGS) if recipe.pg_num is not None else None,
        target_size_ratio=None if recipe.pg_num is not None else _METADATA_RATIO,
    )
    spec = {
        "metadataPool": _pool_spec(metadata, site),
        "dataPools": [{"name": DATA_POOL, **_pool_spec(recipe, site)}],
        "preserveFilesystemOnDelete": False,
        "metadataServer": {
            "activeCount": mds.active,
            "activeStandby": mds.standby,
            "resources": {
                "requests": {"cpu": format_millicores(round(mds.cpus * 1000)), "memory": memory},
                "limits": {"memory": memory},
            },
        },
    }
    return _object("CephFilesystem", name, pool, account, site, spec)


def _pool_spec(recipe: Recipe, site: StorageSite) -> dict[str, Any]:
    parameters = dict(recipe.parameters)
    ratio: float | None = USUAL_RATIO if recipe.target_size_ratio is None else recipe.target_size_ratio
    if recipe.pg_num is not None:
        ratio = None
        parameters |= {
            "pg_autoscale_mode": "off",
            "pg_num": str(recipe.pg_num),
            "pgp_num": str(recipe.pg_num),
        }
    if recipe.compression is not None:
        parameters["compression_mode"] = recipe.compression
    spec: dict[str, Any] = {
        "failureDomain": recipe.failure_domain or site.topology.failure_domain,
        "enableCrushUpdates": True,
    }
    if (device_class := recipe.device_class or site.device_class) is not None:
        spec["deviceClass"] = device_class
    if recipe.chunks is not None:
        data, coding = recipe.chunks
        spec["erasureCoded"] = {"dataChunks": data, "codingChunks": coding}
        # The block of an erasure coded pool has no field for it.
        if ratio:
            parameters["target_size_ratio"] = f"{ratio:g}"
    else:
        spec["replicated"] = {
            "size": recipe.replicas,
            "requireSafeReplicaSize": recipe.require_safe_replica_size,
            **({"targetSizeRatio": ratio} if ratio else {}),
        }
    if parameters:
        spec["parameters"] = parameters
    quotas: dict[str, Any] = {}
    if recipe.quota_bytes is not None:
        quotas["maxSize"] = format_bytes(recipe.quota_bytes)
    if recipe.quota_objects is not None:
        quotas["maxObjects"] = recipe.quota_objects
    return spec | ({"quotas": quotas} if quotas else {})


def _object(
    kind: str, name: str, pool: str, account: str, site: StorageSite, spec: dict[str, Any]
) -> dict[str, Any]:
    return {
        "apiVersion": "ceph.rook.io/v1",
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": site.namespace,
            "labels": made_labels(pool),
            "annotations": {MADE_BY: account},
        },
        "spec": spec,
    }

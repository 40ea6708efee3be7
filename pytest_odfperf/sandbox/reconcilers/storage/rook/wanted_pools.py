"""From the specs of Rook's objects to what is asked of Ceph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, get_args

from pytest_odfperf.errors import InputError
from pytest_odfperf.quantity import to_bytes
from pytest_odfperf.sandbox.ceph.ceph import Compression, FilesystemWanted, PoolWanted
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import Obj
from pytest_odfperf.sandbox.reconcilers.storage.rook.pool_rules import is_erasure_coded

#: What Rook places pools by that do not say.
USUAL_DOMAIN = "host"
#: Of ``parameters``, what the wanted pool has fields for.
_OWN_FIELDS = ("pg_num", "pgp_num", "target_size_ratio", "compression_mode")


def pool_name(pool: Obj) -> str:
    """The name that Ceph knows a CephBlockPool by."""
    return str(pool["spec"].get("name") or pool["metadata"]["name"])


def pool_names(filesystem: Obj) -> list[str]:
    """That of its metadata pool, then those of its data pools."""
    name, spec = filesystem["metadata"]["name"], filesystem["spec"]
    metadata = (spec.get("metadataPool") or {}).get("name")
    return [
        _name(name, spec, metadata, "metadata"),
        *(
            _name(name, spec, pool.get("name"), f"data{number}")
            for number, pool in enumerate(spec.get("dataPools") or ())
        ),
    ]


def _name(filesystem: str, spec: Mapping[str, Any], given: str | None, usual: str) -> str:
    if given and spec.get("preservePoolNames"):
        return given
    return f"{filesystem}-{given or usual}"


def wanted_pool(name: str, spec: Mapping[str, Any], application: str) -> PoolWanted:
    """A spec that Rook takes as a pool. What Ceph can not read of ``parameters`` it leaves as it is."""
    parameters = {key: str(text) for key, text in (spec.get("parameters") or {}).items()}
    replicated, coded = spec.get("replicated") or {}, spec.get("erasureCoded") or {}
    coding = (coded.get("dataChunks", 0), coded.get("codingChunks", 0)) if is_erasure_coded(spec) else None
    compression = parameters.get("compression_mode") or spec.get("compressionMode")
    pgs = parameters.get("pg_num", "")
    return PoolWanted(
        name=name,
        replicas=None if coding else replicated.get("size") or None,
        coding=coding,
        pg_num=int(pgs) if pgs.isascii() and pgs.isdecimal() and int(pgs) else None,
        failure_domain=spec.get("failureDomain") or USUAL_DOMAIN,
        device_class=spec.get("deviceClass") or None,
        application=spec.get("application") or application,
        compression=cast("Compression", compression) if compression in get_args(Compression) else None,
        target_size_ratio=_ratio(parameters.get("target_size_ratio"), replicated.get("targetSizeRatio")),
        quota_bytes=_quota(spec.get("quotas") or {}),
        quota_objects=(spec.get("quotas") or {}).get("maxObjects"),
        parameters={key: text for key, text in parameters.items() if key not in _OWN_FIELDS},
        require_safe_size=bool(replicated.get("requireSafeReplicaSize")),
    )


def _ratio(text: str | None, number: float | None) -> float | None:
    try:
        return float(text) if text is not None else number or None
    except ValueError:
        return None


def _quota(quotas: Mapping[str, Any]) -> int | None:
    if (size := quotas.get("maxSize")) is not None:
        try:
            return to_bytes(str(size))
        except InputError:
            return None
    found: int | None = quotas.get("maxBytes")
    return found


def wanted_filesystem(filesystem: Obj) -> FilesystemWanted:
    name, spec = filesystem["metadata"]["name"], filesystem["spec"]
    metadata = spec.get("metadataPool") or {}
    server = spec.get("metadataServer") or {}
    first, *names = pool_names(filesystem)
    return FilesystemWanted(
        name=name,
        metadata_pool=wanted_pool(first, metadata, "cephfs"),
        data_pools=tuple(
            wanted_pool(pool, one, "cephfs") for pool, one in zip(names, spec["dataPools"], strict=True)
        ),
        active_count=server.get("activeCount") or 1,
        active_standby=bool(server.get("activeStandby")),
    )

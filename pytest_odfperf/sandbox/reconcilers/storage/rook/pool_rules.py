"""What Rook's operator refuses of a pool before it asks Ceph, in its words.

An object that is refused stays in the phase that it has; an event tells why (rook ``pkg/operator/ceph/pool``
and ``file``, ``pkg/apis/ceph.rook.io/v1/pool.go``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_odfperf.sandbox.config.ceph_rules import DOMAINS

Spec = Mapping[str, Any]
#: Pools of Ceph's own.
_BUILT_IN = (".rgw.root", ".mgr", ".nfs")
_ROOT = "default"
_COMPRESSION = ("none", "passive", "aggressive", "force")


def is_replicated(spec: Spec) -> bool:
    return _number(spec, "replicated", "size") > 0


def is_erasure_coded(spec: Spec) -> bool:
    return (
        _number(spec, "erasureCoded", "codingChunks") > 0 or _number(spec, "erasureCoded", "dataChunks") > 0
    )


def _number(spec: Spec, part: str, field: str) -> float:
    below = spec.get(part)
    found = below.get(field) if isinstance(below, Mapping) else None
    return found if isinstance(found, int | float) else 0


def block_pool_problem(spec: Spec) -> str | None:
    """What is wrong with the spec of a CephBlockPool; None: nothing."""
    if spec.get("name") in _BUILT_IN and is_erasure_coded(spec):
        return f'invalid CephBlockPool spec: ceph built-in pool "{spec["name"]}" cannot be erasure coded'
    return _kind_problem(spec) or pool_problem(spec)


def _kind_problem(spec: Spec) -> str | None:
    data, coding = _number(spec, "erasureCoded", "dataChunks"), _number(spec, "erasureCoded", "codingChunks")
    size, ratio = _number(spec, "replicated", "size"), _number(spec, "replicated", "targetSizeRatio")
    if not any((data, coding, size, ratio)):
        return "invalid pool spec: either of erasurecoded or replicated fields should be set"
    if (data or coding or (spec.get("erasureCoded") or {}).get("algorithm")) and (size or ratio):
        return "invalid pool spec: both erasurecoded and replicated fields cannot be set at the same time"
    if not size and not ratio and data == 1:
        return "invalid pool spec: erasurecoded.datachunks needs minimum value of 2"
    return None


def pool_problem(spec: Spec) -> str | None:
    """What is wrong with a pool of any object; None: nothing."""
    replicated = spec.get("replicated") or {}
    domain, below = spec.get("failureDomain") or "", replicated.get("subFailureDomain") or ""
    if is_replicated(spec) and is_erasure_coded(spec):
        return "both replication and erasure code settings cannot be specified"
    if domain and domain == below:
        return "failure and subfailure domain cannot be identical"
    if domain and domain not in (*DOMAINS, "root"):
        return f"unrecognized failure domain {domain}"
    if spec.get("crushRoot") and spec["crushRoot"] != _ROOT:
        return f"unrecognized crush root {spec['crushRoot']}"
    if below and below not in DOMAINS:
        return f"unrecognized crush sub domain {below}"
    if is_replicated(spec) and (problem := _size_problem(replicated)):
        return problem
    compression = (spec.get("parameters") or {}).get("compression_mode")
    if compression and compression not in _COMPRESSION:
        return f'failed to validate pool spec unknown compression mode "{compression}"'
    return _mirroring_problem(spec.get("mirroring") or {})


def _size_problem(replicated: Spec) -> str | None:
    size, per_domain = replicated["size"], replicated.get("replicasPerFailureDomain") or 0
    if size == 1 and replicated.get("requireSafeReplicaSize"):
        return f"error pool size is {size} and requireSafeReplicaSize is true, must be false"
    if size <= per_domain:
        return f"error pool size is {size} and replicasPerFailureDomain is {per_domain}, size must be greater"
    if per_domain and size % per_domain:
        return f"error replicasPerFailureDomain is {per_domain} must be a factor of the replica count {size}"
    return None


def kind_problem(name: str, spec: Spec) -> str | None:
    """What is found when the pool is to be made; None: nothing."""
    if is_replicated(spec) or is_erasure_coded(spec):
        return None
    return f'pool "{name}" type is not defined as replicated or erasure coded'


def _mirroring_problem(mirroring: Spec) -> str | None:
    if not mirroring.get("enabled"):
        return None
    mode = mirroring.get("mode") or ""
    if mode not in ("image", "pool", "init-only"):
        return f"unrecognized mirroring mode \"{mode}\". only 'image and 'pool' are supported"
    if any(s.get("startTime") and not s.get("interval") for s in mirroring.get("snapshotSchedules") or ()):
        return "schedule interval cannot be empty if start time is specified"
    return None


def filesystem_problem(spec: Spec) -> str | None:
    """What is wrong with the spec of a CephFilesystem; None: nothing."""
    pools = spec.get("dataPools") or []
    if not pools:
        return None
    names = [pool["name"] for pool in pools if pool.get("name")]
    if len(names) != len(set(names)):
        return "duplicate pool names in the data pool spec"
    if problem := pool_problem(spec.get("metadataPool") or {}):
        return f"invalid metadata pool: {problem}"
    for pool in pools:
        if problem := pool_problem(pool):
            return f"Invalid data pool: {problem}"
    return None

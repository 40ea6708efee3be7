"""Whether an object that is there is what a recipe wants. Nothing that is there is ever changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.values.recipe import MdsSettings, Recipe
from pytest_odfperf.quantity import format_bytes, format_millicores, to_bytes, to_millicores
from pytest_odfperf.storage.made_labels import is_ours

#: Parameters of a pool that the plugin sets by itself.
_SAID_BESIDE = ("target_size_ratio",)
#: Parameters of a StorageClass that decide how its volumes are.
_CLASS = ("pool", "dataPool", "fsName", "imageFeatures", "mapOptions", "encrypted", "encryptionKMSID")


def ceph_differences(recipe: Recipe, found: Mapping[str, Any]) -> list[str]:
    """In what a CephBlockPool or CephFilesystem is not as ``recipe`` says, as far as that says anything.

    What the plugin made itself, and an earlier recipe said more of, is unlike in that too.
    """
    spec, ours = _mapping(found.get("spec")), is_ours(found)
    if recipe.kind == "CephFilesystem":
        pools = spec.get("dataPools")
        data = _mapping(pools[0]) if isinstance(pools, list) and pools else {}
        said = list(_pool_differences(recipe, data, ours=ours))
        copies = _mapping(_mapping(spec.get("metadataPool")).get("replicated")).get("size")
        if recipe.metadata_replicas is not None:
            said += _unlike("metadata replicas", copies, recipe.metadata_replicas)
        if recipe.mds is not None or ours:
            said += _mds_differences(recipe.mds or MdsSettings(), _mapping(spec.get("metadataServer")))
        return said
    return list(_pool_differences(recipe, spec, ours=ours))


def _mds_differences(wanted: MdsSettings, there: Mapping[str, Any]) -> Iterator[str]:
    asked = _mapping(_mapping(there.get("resources")).get("requests"))
    yield from _unlike("mds active", there.get("activeCount"), wanted.active)
    yield from _unlike("mds standby", bool(there.get("activeStandby")), wanted.standby)
    cpus = round(wanted.cpus * 1000)
    if _amount(asked.get("cpu"), to_millicores) != cpus:
        yield from _unlike("mds cpus", asked.get("cpu"), format_millicores(cpus))
    if _amount(asked.get("memory"), to_bytes) != wanted.memory_bytes:
        yield from _unlike("mds memory", asked.get("memory"), format_bytes(wanted.memory_bytes))


def _pool_differences(recipe: Recipe, spec: Mapping[str, Any], *, ours: bool) -> Iterator[str]:
    there: Any
    wanted: Any
    coded, replicated = _mapping(spec.get("erasureCoded")), _mapping(spec.get("replicated"))
    # Rook's defaults write both; the one that is in force has numbers.
    chunks = (coded.get("dataChunks") or 0, coded.get("codingChunks") or 0)
    if recipe.chunks is not None:
        there = "{}+{} chunks".format(*chunks) if any(chunks) else f"{replicated.get('size')} replicas"
        yield from _unlike("redundancy", there, recipe.redundancy)
    elif recipe.replicas is not None:
        there = "{}+{} chunks".format(*chunks) if any(chunks) else replicated.get("size")
        yield from _unlike("replicas", there, recipe.replicas)
    for name, wanted in (("failureDomain", recipe.failure_domain), ("deviceClass", recipe.device_class)):
        if wanted is not None:
            yield from _unlike(name, spec.get(name), wanted)
    parameters, wanted_parameters = _mapping(spec.get("parameters")), dict(recipe.parameters)
    if recipe.pg_num is not None:
        wanted_parameters |= {"pg_num": str(recipe.pg_num), "pg_autoscale_mode": "off"}
    if recipe.compression is not None:
        there = parameters.get("compression_mode") or spec.get("compressionMode")
        yield from _unlike("compression_mode", there or "none", recipe.compression)
    for name, wanted in sorted(wanted_parameters.items()):
        yield from _unlike(f"parameter {name}", parameters.get(name), wanted)
    if ours:
        said = {*wanted_parameters, *_SAID_BESIDE}
        said |= {"compression_mode"} if recipe.compression is not None else set()
        said |= {"pgp_num"} if recipe.pg_num is not None else set()
        for name in sorted(parameters.keys() - said):
            yield from _unlike(f"parameter {name}", parameters[name], None)
    if recipe.target_size_ratio is not None:
        there = replicated.get("targetSizeRatio") or parameters.get("target_size_ratio") or 0
        if _number(there) != recipe.target_size_ratio:
            yield from _unlike("target_size_ratio", there, f"{recipe.target_size_ratio:g}")
    yield from _quota_differences(recipe, _mapping(spec.get("quotas")), ours=ours)


def _quota_differences(recipe: Recipe, there: Mapping[str, Any], *, ours: bool) -> Iterator[str]:
    size = _amount(there.get("maxSize"), to_bytes) or there.get("maxBytes") or None
    if recipe.quota_bytes != size and (ours or recipe.quota_bytes is not None):
        wanted = None if recipe.quota_bytes is None else format_bytes(recipe.quota_bytes)
        yield from _unlike("quota max_size", there.get("maxSize") or there.get("maxBytes"), wanted)
    objects = there.get("maxObjects") or None
    if recipe.quota_objects != objects and (ours or recipe.quota_objects is not None):
        yield from _unlike("quota max_objects", objects, recipe.quota_objects)


def class_differences(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """In what a StorageClass is not as it would be made."""
    said = _unlike("provisioner", found.get("provisioner"), wanted["provisioner"])
    there, parameters = _mapping(found.get("parameters")), wanted["parameters"]
    for name in _CLASS:
        one, other = there.get(name), parameters.get(name)
        if name == "imageFeatures" and one and other:
            one, other = ",".join(sorted(str(one).split(","))), ",".join(sorted(other.split(",")))
        said += _unlike(name, one, other)
    return said


def lent_differences(recipe: Recipe, name: str, found: Mapping[str, Any]) -> list[str]:
    """In what a StorageClass that others made is not as ``recipe`` says, whose Ceph object is ``name``."""
    there = _mapping(found.get("parameters"))
    if recipe.kind == "CephFilesystem":
        return _unlike("fsName", there.get("fsName"), name)
    said = _unlike("its data is in pool", there.get("dataPool") or there.get("pool"), name)
    for parameter, wanted in (
        ("mapOptions", recipe.map_options),
        ("encryptionKMSID", recipe.encryption_kms_id),
    ):
        if wanted is not None:
            said += _unlike(parameter, there.get(parameter), wanted)
    if recipe.image_features is not None:
        features = set(str(there.get("imageFeatures") or "").split(",")) - {""}
        if features != set(recipe.image_features):
            shown = there.get("imageFeatures")
            said += _unlike("imageFeatures", shown, ",".join(recipe.image_features))
    return said


def _unlike(what: str, there: Any, wanted: Any) -> list[str]:
    if there == wanted:
        return []
    shown = "not set" if there is None else f"{there!s:.60}"
    return [f"{what} {shown}, not {'set' if there is not None and wanted is None else wanted}"]


def _amount(text: Any, read: Callable[[str], int]) -> int | None:
    """A quantity of the API; None: none is said, or it is none."""
    try:
        return read(str(text)) if text else None
    except InputError:
        return None


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}

"""Whether an object that is there is what a recipe wants. Nothing that is there is ever changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_odfperf.matrix.values.recipe import Recipe

#: Parameters of a StorageClass that decide how its volumes are.
_CLASS = ("pool", "dataPool", "fsName", "imageFeatures", "mapOptions", "encrypted", "encryptionKMSID")


def ceph_differences(recipe: Recipe, found: Mapping[str, Any]) -> list[str]:
    """In what a CephBlockPool or CephFilesystem is not as ``recipe`` says, as far as that says anything."""
    spec = _mapping(found.get("spec"))
    if recipe.kind == "CephFilesystem":
        pools = spec.get("dataPools")
        data = _mapping(pools[0]) if isinstance(pools, list) and pools else {}
        said = list(_pool_differences(recipe, data))
        copies = _mapping(_mapping(spec.get("metadataPool")).get("replicated")).get("size")
        if recipe.metadata_replicas is not None:
            said += _unlike("metadata replicas", copies, recipe.metadata_replicas)
        return said
    return list(_pool_differences(recipe, spec))


def _pool_differences(recipe: Recipe, spec: Mapping[str, Any]) -> Iterator[str]:
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
    wanted_parameters = dict(recipe.parameters)
    if recipe.pg_num is not None:
        wanted_parameters |= {"pg_num": str(recipe.pg_num), "pg_autoscale_mode": "off"}
    if recipe.compression is not None:
        there = _mapping(spec.get("parameters")).get("compression_mode") or spec.get("compressionMode")
        yield from _unlike("compression_mode", there or "none", recipe.compression)
    for name, wanted in sorted(wanted_parameters.items()):
        yield from _unlike(f"parameter {name}", _mapping(spec.get("parameters")).get(name), wanted)


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


def _unlike(what: str, there: Any, wanted: Any) -> list[str]:
    if there == wanted:
        return []
    shown = "not set" if there is None else f"{there!s:.60}"
    return [f"{what} {shown}, not {'set' if there is not None and wanted is None else wanted}"]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}

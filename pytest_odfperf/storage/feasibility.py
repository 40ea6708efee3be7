"""Whether a cluster can have a pool at all: failure domains, devices, room, and what ODF allows once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_odfperf.matrix.values.recipe import Recipe
from pytest_odfperf.schedule.plan_text import size_text
from pytest_odfperf.storage.site import JsonObject, StorageSite
from pytest_odfperf.storage.topology import shortage


@dataclass(frozen=True, slots=True)
class Need:
    """What the largest VM group of a pool writes, before copies; its disks may be larger, and are thin."""

    written_bytes: int


def infeasible(
    recipe: Recipe,
    site: StorageSite,
    need: Need | None,
    coming: Mapping[tuple[str, str], JsonObject],
) -> str | None:
    """Why the Ceph object of ``recipe`` can not be made on ``site``; None: nothing is known against it.

    ``coming`` are the objects that other pools of the matrix make.
    """
    return (
        ": ".join(filter(None, (_domains(recipe, site), _devices(recipe, site))))
        or _metadata(recipe, site, coming)
        or _once(recipe, site, coming)
        or _room(recipe, site, need)
    )


def _domains(recipe: Recipe, site: StorageSite) -> str | None:
    domain = recipe.failure_domain or site.topology.failure_domain
    count = site.topology.domains(domain, recipe.device_class or site.device_class)
    metadata = f" (and {recipe.metadata_copies} of metadata)" if recipe.metadata_copies else ""
    return shortage(recipe.domains_needed, recipe.redundancy + metadata, domain, count)


def _devices(recipe: Recipe, site: StorageSite) -> str | None:
    known = site.topology.device_classes
    if recipe.device_class is None or not known or recipe.device_class in known:
        return None
    return f"no OSD is of device class {recipe.device_class} (there are: {', '.join(known)})"


def _metadata(recipe: Recipe, site: StorageSite, coming: Mapping[tuple[str, str], JsonObject]) -> str | None:
    name = recipe.metadata_pool
    if name is None:
        return None
    found = site.block_pools.get(name) or coming.get(("CephBlockPool", name))
    if found is None:
        return f"its metadata_pool {name} is no CephBlockPool of namespace {site.namespace}"
    if (((found.get("spec") or {}).get("erasureCoded")) or {}).get("dataChunks"):
        return f"its metadata_pool {name} is erasure coded, and images' metadata can not be"
    return None


def _once(recipe: Recipe, site: StorageSite, coming: Mapping[tuple[str, str], JsonObject]) -> str | None:
    """ODF supports one file system; CSI's users may use no other until somebody changes their caps."""
    if recipe.kind != "CephFilesystem" or recipe.second_filesystem or site.storage_cluster is None:
        return None
    others = sorted({*site.filesystems, *(name for kind, name in coming if kind == "CephFilesystem")})
    if not others:
        return None
    return (
        f"ODF supports one CephFilesystem, and there is {others[0]}; second_filesystem: true in the recipe "
        "makes it all the same"
    )


def _room(recipe: Recipe, site: StorageSite, need: Need | None) -> str | None:
    if need is None or not need.written_bytes:
        return None
    if recipe.quota_bytes is not None and need.written_bytes > recipe.quota_bytes:
        return (
            f"its largest VM group writes {size_text(need.written_bytes)}, more than its quota of "
            f"{size_text(recipe.quota_bytes)}"
        )
    if site.usable_bytes is None:
        return None
    stored = round(need.written_bytes * recipe.copies)
    if stored <= site.usable_bytes:
        return None
    return (
        f"its largest VM group writes {size_text(need.written_bytes)}, {size_text(stored)} with "
        f"{recipe.redundancy}, and Ceph has room for {size_text(site.usable_bytes)} before it is nearly full"
    )

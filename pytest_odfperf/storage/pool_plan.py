"""What becomes of each pool of a matrix that has a recipe: is there, is made, is not possible, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pytest_odfperf.matrix.model import Pool
from pytest_odfperf.matrix.values.recipe import Recipe
from pytest_odfperf.storage.ceph_objects import (
    DATA_POOL,
    METADATA_POOL,
    block_pool,
    filesystem,
    rbd_metadata_pool,
)
from pytest_odfperf.storage.class_objects import cephfs_class, rbd_class
from pytest_odfperf.storage.feasibility import Need, infeasible
from pytest_odfperf.storage.likeness import ceph_differences, class_differences, lent_differences
from pytest_odfperf.storage.made_labels import is_ours, maker_of
from pytest_odfperf.storage.site import JsonObject, StorageSite

#: ``there``: as it is, nothing is made. ``make``: something is missing, or was not Ready. ``skipped``: the
#: cluster can not have it. ``refused``: what is there is in the way.
Fate = Literal["there", "make", "skipped", "refused"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object that is missing, in the order of its making."""

    kind: str
    name: str
    body: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPool:
    """One pool. ``why`` is a text for people: what is there, what is in the way."""

    pool: str
    storage_class: str
    fate: Fate
    why: str
    missing: tuple[Wanted, ...] = ()
    #: Kind and name of the Ceph objects that must be Ready, in the order of their making.
    awaited: tuple[tuple[str, str], ...] = ()
    #: Ceph pools whose placement groups must be settled, and those among them whose number is fixed.
    ceph_pools: tuple[str, ...] = ()
    fixed: bool = False
    #: Whether the plugin makes it, or made it, or would.
    makes: bool = True
    note: str | None = None

    @property
    def line(self) -> str:
        """What a dry run, or the preflight, says of it."""
        if self.fate == "make":
            made = ", ".join(map(str, self.missing)) or "nothing more"
            return f"pool {self.pool}: {self.why}; makes {made}"
        word = {"there": "is there", "skipped": "is skipped", "refused": "can not be made"}[self.fate]
        return f"pool {self.pool} {word}: {self.why}" + (f"; {self.note}" if self.note else "")


def plan_pools(
    pools: Iterable[Pool], site: StorageSite, needs: Mapping[str, Need], account: str
) -> tuple[PlannedPool, ...]:
    """The fate of each of ``pools`` that has a recipe. ``needs`` is by pool, ``account`` makes them."""
    planned: list[PlannedPool] = []
    #: Objects that an earlier pool of this plan makes.
    coming: dict[tuple[str, str], JsonObject] = {}
    for pool in pools:
        if pool.recipe is None or not (pool.recipe.makes or pool.storage_class in site.classes):
            continue
        one = _plan(pool, pool.recipe, site, needs.get(pool.name), account, coming)
        planned.append(one)
        if one.fate == "make":
            coming |= {(wanted.kind, wanted.name): wanted.body for wanted in one.missing}
    return tuple(planned)


def _plan(
    pool: Pool,
    recipe: Recipe,
    site: StorageSite,
    need: Need | None,
    account: str,
    coming: Mapping[tuple[str, str], JsonObject],
) -> PlannedPool:
    name = recipe.name or pool.name
    found_class = site.classes.get(pool.storage_class)
    found = site.objects(recipe.kind).get(name)

    def fate(word: Fate, why: str, **more: Any) -> PlannedPool:
        return PlannedPool(pool=pool.name, storage_class=pool.storage_class, fate=word, why=why, **more)

    unlike = ceph_differences(recipe, found) if found is not None else []
    differs: str | None = (
        f"{recipe.kind} {name} is not as the recipe says: {', '.join(unlike)}" if unlike else None
    )
    if found_class is not None and not is_ours(found_class):
        if lent := lent_differences(recipe, _ceph_name(name, site), found_class):
            leads = f"StorageClass {pool.storage_class} is not as the recipe says: {', '.join(lent)}"
            differs = "; ".join(filter(None, (leads, differs)))
        why = f"StorageClass {pool.storage_class} is not of the plugin's making, and stays as it is"
        return fate("there", why, note=differs, makes=False)
    if not recipe.makes:
        return fate("there", f"StorageClass {pool.storage_class}", note=differs, makes=False)
    if going := _going(recipe.kind, name, found) or _going("StorageClass", pool.storage_class, found_class):
        return fate("refused", going)
    if differs is not None:
        return fate("refused", f"{differs}; it is never changed: {_remedy(found)}")
    impossible = _of_odf(pool.storage_class, name if found is None else "", site)
    if found is None and (recipe.kind, name) not in coming:
        impossible = impossible or infeasible(recipe, site, need, coming)
    if impossible is not None:
        return fate("skipped", impossible)
    objects = tuple(_objects(pool, recipe, name, site, account, coming))
    wanted_class = objects[-1].body
    if found_class is not None and (unlike := class_differences(wanted_class, found_class)):
        return fate(
            "refused",
            f"StorageClass {pool.storage_class} is not as the recipe says: {', '.join(unlike)}; it is never "
            f"changed: {_remedy(found_class)}",
        )
    there = {("StorageClass", one) for one in site.classes}
    there |= {(kind, one) for kind in ("CephBlockPool", "CephFilesystem") for one in site.objects(kind)}
    missing = tuple(one for one in objects if (one.kind, one.name) not in there | set(coming))
    ceph = tuple((one.kind, one.name) for one in objects[:-1])
    ready = all(_ready(site.objects(kind).get(one)) for kind, one in ceph)
    why = _reused(found, found_class) if found or found_class else "nothing of it is there"
    return fate(
        "there" if not missing and ready else "make",
        why,
        missing=missing,
        awaited=ceph,
        ceph_pools=tuple(one for kind, name in ceph for one in _ceph_pools(kind, name, site)),
        fixed=recipe.pg_num is not None,
    )


def _objects(
    pool: Pool,
    recipe: Recipe,
    name: str,
    site: StorageSite,
    account: str,
    coming: Mapping[tuple[str, str], JsonObject],
) -> Iterator[Wanted]:
    """All that the pool is made of, the StorageClass last: with it volumes may be asked for."""
    who = (pool.name, account, site)
    if recipe.kind == "CephFilesystem":
        yield Wanted("CephFilesystem", name, filesystem(recipe, name, *who))
        yield Wanted("StorageClass", pool.storage_class, cephfs_class(pool.storage_class, name, *who))
        return
    metadata: str | None = None
    if recipe.chunks is not None:
        metadata = recipe.metadata_pool or site.metadata_pool
        own = f"{name}{METADATA_POOL}"
        if metadata is None or own in site.block_pools:
            # One that an earlier setup made is gone on with: a class that is there says so.
            metadata = recipe.metadata_pool or own
            if recipe.metadata_pool is None:
                yield Wanted("CephBlockPool", own, rbd_metadata_pool(recipe, own, *who))
        elif metadata in site.block_pools and not is_ours(site.block_pools[metadata]):
            pass
        else:
            body = coming.get(("CephBlockPool", metadata)) or site.block_pools.get(metadata) or {}
            yield Wanted("CephBlockPool", metadata, body)
    yield Wanted("CephBlockPool", name, block_pool(recipe, name, *who))
    made = rbd_class(recipe, pool.storage_class, _ceph_name(name, site), metadata, *who)
    yield Wanted("StorageClass", pool.storage_class, made)


def _ceph_name(name: str, site: StorageSite) -> str:
    """What Ceph calls a CephBlockPool: ``spec.name`` is there where Kubernetes allows no such name."""
    found = site.block_pools.get(name)
    return str(((found or {}).get("spec") or {}).get("name") or name)


def _ceph_pools(kind: str, name: str, site: StorageSite) -> tuple[str, ...]:
    if kind == "CephFilesystem":
        return f"{name}-metadata", f"{name}-{DATA_POOL}"
    return (_ceph_name(name, site),)


def _going(kind: str, name: str, found: JsonObject | None) -> str | None:
    if found is None or not found["metadata"].get("deletionTimestamp"):
        return None
    return f"{kind} {name} is being deleted: wait until it is gone"


def _of_odf(storage_class: str, missing: str, site: StorageSite) -> str | None:
    """ODF's operator makes what is named after its StorageCluster itself, and may undo others' work."""
    if site.storage_cluster is None:
        return None
    for kind, name in (("StorageClass", storage_class), ("its Ceph object", missing)):
        if name.startswith(f"{site.storage_cluster}-") and name not in site.classes:
            return f"{kind} {name} is for ODF's StorageCluster {site.storage_cluster} to make"
    return None


def _remedy(found: JsonObject | None) -> str:
    if found is not None and is_ours(found):
        return "remove it with --odf-cleanup --odf-pools, or name another"
    return "name another"


def _ready(found: JsonObject | None) -> bool:
    return ((found or {}).get("status") or {}).get("phase") == "Ready"


def _reused(found: JsonObject | None, found_class: JsonObject | None) -> str:
    parts = []
    if found is not None:
        whose = (
            f"made by {maker_of(found)}" if is_ours(found) else "not of the plugin's making, used as it is"
        )
        parts.append(f"{found.get('kind', 'its Ceph object')} {found['metadata']['name']}, {whose}")
    if found_class is not None:
        parts.append(f"StorageClass {found_class['metadata']['name']}, made by {maker_of(found_class)}")
    return "; ".join(parts)

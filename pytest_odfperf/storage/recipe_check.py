"""What recipes of one matrix may not say, whatever the cluster is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_odfperf.errors import InputError, InputFaultsError
from pytest_odfperf.matrix.model import Matrix, Pool
from pytest_odfperf.matrix.values.recipe import Recipe
from pytest_odfperf.storage.ceph_objects import DATA_POOL, METADATA_POOL


def with_needed(pools: Iterable[Pool], matrix: Matrix) -> list[Pool]:
    """``pools``, each after the pool of ``matrix`` that makes its metadata pool, chosen or not."""
    makers = {
        (pool.recipe.name or pool.name): pool
        for pool in reversed(matrix.pools)
        if pool.recipe is not None and pool.recipe.makes and pool.recipe.chunks is None
    }
    ordered: dict[str, Pool] = {}
    for pool in pools:
        needed = makers.get(pool.recipe.metadata_pool or "") if pool.recipe is not None else None
        if needed is not None:
            ordered.setdefault(needed.name, needed)
        ordered.setdefault(pool.name, pool)
    return list(ordered.values())


def check_recipes(pools: Iterable[Pool]) -> None:
    """Raise `InputError` for recipes that can not be made, or contradict each other, on any cluster."""
    faults: list[InputError] = []
    by_object: dict[tuple[str, str], list[Pool]] = {}
    by_class: dict[str, Pool] = {}
    by_ceph_pool: dict[str, Pool] = {}
    for pool in pools:
        recipe = pool.recipe
        if recipe is None or not recipe.makes:
            continue
        if recipe.replicas == 1 and recipe.require_safe_replica_size:
            faults.append(
                InputError(
                    f"recipe of pool {pool.name!r}: replicas: 1 loses all data with one disk; say "
                    "require_safe_replica_size: false if that is meant",
                    place=recipe.place,
                )
            )
        name = recipe.name or pool.name
        if recipe.metadata_pool == name:
            faults.append(
                InputError(
                    f"recipe of pool {pool.name!r}: metadata_pool {name} is the erasure coded pool itself, "
                    "and images' metadata can not be in such a pool; name a replicated one",
                    place=recipe.place,
                )
            )
        earlier = by_object.setdefault((recipe.kind, name), [])
        for first in earlier:
            if _may_be_one(first.recipe, recipe) and _object_of(first.recipe) != _object_of(recipe):
                faults.append(
                    InputError(
                        f"pools {first.name!r} and {pool.name!r} both have {recipe.kind} {name}, and their "
                        "recipes differ",
                        place=recipe.place,
                    )
                )
                break
        earlier.append(pool)
        for ceph_pool in _ceph_pools(recipe, name):
            first = by_ceph_pool.setdefault(ceph_pool, pool)
            if first.recipe is not None and first.recipe.kind != recipe.kind:
                faults.append(
                    InputError(
                        f"pools {first.name!r} and {pool.name!r} would both make Ceph pool {ceph_pool}: a "
                        f"file system has NAME{METADATA_POOL} and NAME-{DATA_POOL}; name one otherwise",
                        place=recipe.place,
                    )
                )
        first = by_class.setdefault(pool.storage_class, pool)
        if first.recipe is not None and first.recipe.written() != recipe.written():
            faults.append(
                InputError(
                    f"pools {first.name!r} and {pool.name!r} both have StorageClass {pool.storage_class}, "
                    "and their recipes differ",
                    place=recipe.place,
                )
            )
    if faults:
        raise faults[0] if len(faults) == 1 else InputFaultsError(faults)


def _may_be_one(first: Recipe | None, second: Recipe) -> bool:
    """Whether recipes of one kind and name may mean one object: not if they name two namespaces."""
    return first is None or None in (first.namespace, second.namespace) or first.namespace == second.namespace


def _ceph_pools(recipe: Recipe, name: str) -> tuple[str, ...]:
    """What Ceph calls the pools of a recipe."""
    if recipe.kind == "CephFilesystem":
        return f"{name}{METADATA_POOL}", f"{name}-{DATA_POOL}"
    return (name,)


def _object_of(recipe: Recipe | None) -> dict[str, Any]:
    """What a recipe says of the Ceph object, without what it says of the StorageClass."""
    said = recipe.written() if recipe is not None else {}
    of_class = ("name", "namespace", "image_features", "map_options", "encryption_kms_id", "metadata_pool")
    return {name: value for name, value in said.items() if name not in of_class}

"""What recipes of one matrix may not say, whatever the cluster is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytest_odfperf.errors import InputError, InputFaultsError
from pytest_odfperf.matrix.model import Matrix, Pool
from pytest_odfperf.matrix.values.recipe import Recipe


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
    by_object: dict[tuple[str, str], Pool] = {}
    by_class: dict[str, Pool] = {}
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
        first = by_object.setdefault((recipe.kind, name), pool)
        if _object_of(first.recipe) != _object_of(recipe):
            faults.append(
                InputError(
                    f"pools {first.name!r} and {pool.name!r} both have {recipe.kind} {name}, and their "
                    "recipes differ",
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


def _object_of(recipe: Recipe | None) -> dict[str, Any]:
    """What a recipe says of the Ceph object, without what it says of the StorageClass."""
    said = recipe.written() if recipe is not None else {}
    of_class = ("name", "image_features", "map_options", "encryption_kms_id", "metadata_pool")
    return {name: value for name, value in said.items() if name not in of_class}

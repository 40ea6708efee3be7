"""Which pools share devices. What is not known to be separate may be shared.

Three know of it: the matrix (``backend``), an annotation of the StorageClass, and what the cluster shows of
the devices. Who says that two pools share some is believed; so is one who says that they do not, if nobody
contradicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.plain import from_plain

#: A part that stands for all of its system.
ALL = "*"

#: What is never measured at one time: nothing is kept apart, pools that may share a backend, any two pools.
Isolation = Literal["none", "backend", "pool"]
ISOLATIONS: tuple[Isolation, ...] = ("none", "backend", "pool")

Sharing = Literal["shared", "separate", "not_known"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """The devices behind a pool's volumes, as far as they are known; ``why`` says where from, or why not."""

    why: str
    storage_class: str = ""
    #: The name that the matrix gives them, and the one that an annotation of the StorageClass gives.
    matrix_name: str | None = None
    annotation: str | None = None
    #: What the devices are of (``ceph``, a driver), and which one of them: a Ceph cluster's fsid.
    family: str | None = None
    system: str | None = None
    #: Whether another ``system`` of the family is other devices for certain.
    system_is_certain: bool = True
    #: The parts of the system, as ``root/device class``, each of them possibly `ALL`; empty: not known.
    parts: tuple[str, ...] = ()
    #: Whether another part is other devices for certain.
    parts_are_certain: bool = True

    @property
    def known(self) -> bool:
        """Whether anything is known of the devices."""
        return self.matrix_name is not None or self.annotation is not None or bool(self.parts)

    @property
    def title(self) -> str:
        """What people call it."""
        if (name := self.matrix_name or self.annotation) is not None:
            return name
        return f"{self.family} {self.system} {'+'.join(self.parts)}" if self.parts else "not known"

    @classmethod
    def from_json(cls, plain: object) -> Backend:
        """What `plain.to_plain` made. Raises `ValueError`."""
        return from_plain(cls, plain, "backend")


UNKNOWN = Backend(why="nobody was asked")


def by_matrix(matrix: Matrix, why_not: str | None = None) -> dict[str, Backend]:
    """What the matrix alone says, where no cluster was asked; ``why_not`` says why."""
    return {
        pool.name: Backend(
            why="the matrix's `backend`" if pool.backend else why_not or "the cluster was not asked",
            storage_class=pool.storage_class,
            matrix_name=pool.backend,
        )
        for pool in matrix.pools
    }


@dataclass(frozen=True, slots=True)
class Relation:
    """Whether two pools share devices, and why that is known or not."""

    sharing: Sharing
    why: str


def relation(one: Backend, other: Backend) -> Relation:
    """How the devices of two pools stand to each other; the same from both sides."""
    one, other = sorted((one, other), key=repr)
    same_class = bool(one.storage_class) and one.storage_class == other.storage_class
    said = [_by_names("matrix", one.matrix_name, other.matrix_name), _by_devices(one, other)]
    if not same_class:
        said.append(_by_names("StorageClasses' annotations", one.annotation, other.annotation))
    found = [relation for relation in said if relation is not None]
    separate = next((relation for relation in found if relation.sharing == "separate"), None)
    for relation in found:
        if relation.sharing == "shared":
            but = f", although there is said: {separate.why}" if separate else ""
            return Relation("shared", relation.why + but)
    if separate is not None:
        return separate
    if same_class:
        return Relation("shared", f"both are of StorageClass {one.storage_class}")
    if found:
        return found[0]
    unknown = next((backend for backend in (one, other) if not backend.known), None)
    if unknown is not None:
        return Relation("not_known", unknown.why)
    return Relation("not_known", f"{one.title} ({one.why}) and {other.title} ({other.why}) do not compare")


def _by_names(where: str, one: str | None, other: str | None) -> Relation | None:
    if one is None or other is None:
        return None
    if one == other:
        return Relation("shared", f"backend {one} by the {where}")
    return Relation("separate", f"backends {one} and {other} by the {where}")


def _by_devices(one: Backend, other: Backend) -> Relation | None:
    if one.family is None or one.family != other.family:
        return None
    if one.system != other.system:
        if one.system is None or other.system is None:
            return None
        if one.system_is_certain and other.system_is_certain:
            return Relation("separate", f"{one.family} {one.system} and {other.system}")
        return Relation(
            "not_known", f"whether {one.family} {one.system} and {other.system} are one is not shown"
        )
    if not (one.parts and other.parts):
        return None
    common = sorted({f"{a}" if ALL not in a else b for a in one.parts for b in other.parts if _overlap(a, b)})
    if common:
        return Relation("shared", f"{one.family} {one.system}, devices {', '.join(common)}")
    apart = f"{one.family} {one.system}, devices {'+'.join(one.parts)} and {'+'.join(other.parts)}"
    if one.parts_are_certain and other.parts_are_certain:
        return Relation("separate", apart)
    return Relation("not_known", apart)


def _overlap(one: str, other: str) -> bool:
    """Whether two parts have devices in common: each step is the same, or all of them."""
    pairs = zip(one.split("/"), other.split("/"), strict=False)
    return all(a == b or ALL in (a, b) for a, b in pairs)


Apart = Callable[[str, str], bool]


def apart_by(backends: Mapping[str, Backend]) -> Apart:
    """Whether two pools are known to be on other devices; a pool that is not known is apart from none."""
    known: dict[tuple[str, str], bool] = {}

    def apart(one: str, other: str) -> bool:
        pair = (one, other) if one <= other else (other, one)
        if pair not in known:
            found = (backends.get(pool, UNKNOWN) for pool in pair)
            known[pair] = one != other and relation(*found).sharing == "separate"
        return known[pair]

    return apart


def apart_by_isolation(isolation: Isolation, backends: Mapping[str, Backend]) -> Apart | None:
    """Which pools may be measured at one time; None: all of them."""
    if isolation == "none":
        return None
    return apart_by(backends) if isolation == "backend" else lambda _, __: False


def groups(pools: Iterable[str], apart: Apart) -> list[list[str]]:
    """The pools in groups, so that pools of different groups are apart; in the order given."""
    left = list(dict.fromkeys(pools))
    found = []
    while left:
        group, reached = [], [left.pop(0)]
        while reached:
            group.append(pool := reached.pop(0))
            near = [other for other in left if not apart(pool, other)]
            reached += near
            left = [other for other in left if other not in near]
        found.append(group)
    return found


def most_at_once(pools: Sequence[str], apart: Apart) -> int:
    """How many of the pools can be measured at one time, so that each two are apart."""
    return sum(_most(frozenset(group), apart) for group in groups(pools, apart))


def _most(pools: frozenset[str], apart: Apart) -> int:
    """The largest set of pools that are apart from each other, by branch and bound."""
    if not pools:
        return 0
    near = {pool: {other for other in pools if other != pool and not apart(pool, other)} for pool in pools}
    # One with at most one neighbour is in some largest set.
    pool = min(pools, key=lambda pool: (len(near[pool]), pool))
    if len(near[pool]) <= 1:
        return 1 + _most(pools - near[pool] - {pool}, apart)
    busy = max(pools, key=lambda pool: (len(near[pool]), pool))
    if len(near[busy]) == len(pools) - 1:
        return max(1, _most(pools - {busy}, apart))
    return max(1 + _most(pools - near[busy] - {busy}, apart), _most(pools - {busy}, apart))

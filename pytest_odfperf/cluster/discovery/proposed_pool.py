"""A pool that is proposed, or left out: each of its settings with the comment that says where it is from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A value of plain YAML types, and where it came from."""

    value: Any
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedPool:
    """``settings`` by their names in a matrix, ``name`` and ``storage_class`` among them."""

    settings: Mapping[str, Setting]
    #: What is said above it, a line each.
    remarks: tuple[str, ...] = ()
    #: Why it is left out; empty: it is proposed.
    left_out: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A matrix that extends ``extends``."""

    extends: str
    #: What is said at its head, a line each.
    remarks: tuple[str, ...]
    pools: tuple[ProposedPool, ...]
    guest: Mapping[str, Setting] = field(default_factory=dict)

    @property
    def proposed(self) -> tuple[ProposedPool, ...]:
        return tuple(pool for pool in self.pools if not pool.left_out)

    @property
    def left_out(self) -> tuple[ProposedPool, ...]:
        return tuple(pool for pool in self.pools if pool.left_out)

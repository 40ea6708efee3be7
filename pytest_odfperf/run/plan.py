"""The plan: everything that a worker needs to know, decided once by the controller.

A worker derives nothing itself: a replacement worker, started in the middle of the run, must collect
exactly what the others did (pytest-dev/pytest-xdist#1189).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_odfperf.matrix.keys import GroupKey, Key
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.matrix.serial import from_json
from pytest_odfperf.measure.neighbours import Disks
from pytest_odfperf.redaction import Hidden
from pytest_odfperf.schedule.backends import UNKNOWN, Backend, Relation, relation
from pytest_odfperf.schedule.jobs import groups_of
from pytest_odfperf.schedule.repeat_blocks import places, round_of


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What runs, where, and what has already run. Plain JSON types only, so that it can travel."""

    run_id: str
    #: The run's folder; empty where nothing may be written (collect-only).
    run_dir: str
    checkpoint_dir: str
    matrix_json: Mapping[str, Any]
    #: The selected keys in order, as text.
    selected: tuple[str, ...]
    #: Key text to the hash of everything that decides its number.
    definitions: Mapping[str, str]
    #: Completed tests of the run that is resumed: node id to definition.
    done: Mapping[str, str]
    #: Pools of the matrix that can not run, and why.
    pool_problems: Mapping[str, str]
    #: What every result of a pool says, by pool.
    pool_notes: Mapping[str, str]
    #: Estimated seconds of each pool's keys, the longest goes first.
    estimates_s: Mapping[str, float]
    #: None: what the official client finds by itself (kubeconfig, in-cluster).
    kubeconfig: str | None
    owner: Mapping[str, str]
    #: Pool name to ``Block`` or ``Filesystem``.
    volume_modes: Mapping[str, str]
    marking: str | None
    #: How often each key is measured, and the seed of the order of that; None: the matrix's order.
    repeats: int = 1
    seed: int | None = None
    #: Over how many rounds of new VMs the repeats are spread.
    rounds: int = 1
    #: The devices behind each pool, and behind the VMs' root disks, as `Backend` in plain JSON types.
    backends: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    root_backend: Mapping[str, Any] | None = None
    #: What volumes can not exceed, by pool; see `pytest_odfperf.matrix.values.caps.CAPS`.
    caps: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    #: Of pools of Ceph whose health can be read: ``kind``, ``cluster`` and ``objects``, see `CephStorage`.
    ceph: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Other runs of the namespace that may load the storage: their ids, and what is known of them.
    other_runs: Mapping[str, str] = field(default_factory=dict)
    client_key_private: Hidden
    client_key_public: str

    def to_json(self) -> dict[str, Any]:
        plain = asdict(self)
        plain["selected"] = list(self.selected)
        plain["client_key_private"] = self.client_key_private.packed()
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Plan:
        key = Hidden.unpack(plain["client_key_private"])
        return cls(**{**plain, "selected": tuple(plain["selected"]), "client_key_private": key})

    @cached_property
    def matrix(self) -> Matrix:
        return from_json(self.matrix_json)

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        return tuple(Key.parse(text) for text in self.selected)

    def place_of(self, key: Key, block: int) -> int | None:
        """The place of ``key`` among its group's keys in a block of repeats, from 1.

        None: the group has one pass, in the matrix's order.
        """
        return self._places(key.group, block)[key] if self.repeats > 1 and self.seed is not None else None

    def round_of(self, block: int) -> int:
        """The round that a block of repeats is in, from 1; a run without rounds has one."""
        return round_of(block, self.repeats, self.rounds) if self.rounds > 1 else 1

    def place_of_pool(self, pool: str, number: int) -> int | None:
        """The place of ``pool`` in round ``number``, from 1; None: pools are in the matrix's order."""
        if self.rounds == 1 or self.seed is None:
            return None
        if number not in self._orders:
            self._orders[number] = places(self.seed, number, self.selected_pools)
        return self._orders[number][pool]

    @cached_property
    def _orders(self) -> dict[int, dict[str, int]]:
        return {}

    def _places(self, group: GroupKey, block: int) -> dict[Key, int]:
        assert self.seed is not None
        if (group, block) not in self._blocks:
            self._blocks[group, block] = places(self.seed, block, self._groups[group])
        return self._blocks[group, block]

    @cached_property
    def _blocks(self) -> dict[tuple[GroupKey, int], dict[Key, int]]:
        return {}

    @cached_property
    def _groups(self) -> dict[GroupKey, list[Key]]:
        return groups_of(self.keys)

    @cached_property
    def selected_pools(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(key.pool for key in self.keys))

    @cached_property
    def skipped_pools(self) -> dict[str, str]:
        """The selected pools that can not run, and why."""
        problems = self.pool_problems
        return {
            pool: problems[pool] for pool in dict.fromkeys(key.pool for key in self.keys) if pool in problems
        }

    @cached_property
    def _devices(self) -> dict[str, Backend]:
        return {pool: Backend.from_json(plain) for pool, plain in self.backends.items()}

    def relation(self, pool: str, other: str, disks: Disks = "data") -> Relation:
        """How the devices of ``pool`` stand to those of another one, or to the root disks of its VMs."""
        pair = (pool, None if disks == "root" else other)
        if pair not in self._relations:
            devices = self._root_devices if disks == "root" else self._devices.get(other, UNKNOWN)
            self._relations[pair] = relation(self._devices.get(pool, UNKNOWN), devices)
        return self._relations[pair]

    @cached_property
    def _relations(self) -> dict[tuple[str, str | None], Relation]:
        return {}

    @cached_property
    def _root_devices(self) -> Backend:
        return UNKNOWN if self.root_backend is None else Backend.from_json(self.root_backend)

    @property
    def run_path(self) -> Path:
        return Path(self.run_dir)

    def is_done(self, node_id: str, key: Key) -> bool:
        """Whether ``node_id`` completed earlier with today's definition of its key."""
        definition = self.done.get(node_id)
        return definition is not None and definition == self.definitions[str(key)]

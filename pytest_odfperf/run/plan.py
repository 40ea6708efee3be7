"""The plan: everything that a worker needs to know, decided once by the controller.

A worker derives nothing itself: a replacement worker, started in the middle of the run, must collect
exactly what the others did (pytest-dev/pytest-xdist#1189).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.matrix.serial import from_json
from pytest_odfperf.redaction import Hidden


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

    @cached_property
    def skipped_pools(self) -> dict[str, str]:
        """The selected pools that can not run, and why."""
        problems = self.pool_problems
        return {
            pool: problems[pool] for pool in dict.fromkeys(key.pool for key in self.keys) if pool in problems
        }

    @property
    def run_path(self) -> Path:
        return Path(self.run_dir)

    def is_done(self, node_id: str, key: Key) -> bool:
        """Whether ``node_id`` completed earlier with today's definition of its key."""
        definition = self.done.get(node_id)
        return definition is not None and definition == self.definitions[str(key)]

"""The matrix as plain JSON, exactly and back: for the workers, for the run's folder, for a resume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pytest_odfperf.matrix.model import (
    FioSettings,
    GuestSettings,
    Matrix,
    Only,
    Pool,
    Profile,
    PvcSize,
    Timeouts,
    VmSize,
)


def to_json(matrix: Matrix) -> dict[str, Any]:
    """Plain dicts, lists, texts and numbers; execnet and `json` take them as they are."""
    plain = _plain(asdict(matrix))
    assert isinstance(plain, dict)
    return plain


def from_json(plain: Mapping[str, Any]) -> Matrix:
    """The matrix that `to_json` was given."""
    return Matrix(
        source=plain["source"],
        name=plain["name"],
        cluster=plain["cluster"],
        namespace=plain["namespace"],
        pools=tuple(Pool(**{**pool, "only": Only(**_tuples(pool["only"]))}) for pool in plain["pools"]),
        vm_sizes=tuple(VmSize(**size) for size in plain["vm_sizes"]),
        pvc_sizes=tuple(PvcSize(**size) for size in plain["pvc_sizes"]),
        concurrency=tuple(plain["concurrency"]),
        profiles=tuple(Profile(**_tuples(profile)) for profile in plain["profiles"]),
        fio=FioSettings(**plain["fio"]),
        guest=GuestSettings(**_tuples(plain["guest"])),
        timeouts=Timeouts(**plain["timeouts"]),
        sandbox=plain["sandbox"],
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}

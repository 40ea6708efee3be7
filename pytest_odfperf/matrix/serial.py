"""The matrix as plain JSON, exactly and back: for the workers, for the run's folder, for a resume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.plain import from_plain


def to_json(matrix: Matrix) -> dict[str, Any]:
    """Plain dicts, lists, texts and numbers; execnet and `json` take them as they are."""
    plain = _plain(asdict(matrix))
    assert isinstance(plain, dict)
    return plain


def from_json(plain: Mapping[str, Any]) -> Matrix:
    """The matrix that `to_json` was given, also of a version that had fewer settings.

    Raises `ValueError` that names what is no such thing. The values themselves are not looked at: see
    `check`.
    """
    return from_plain(Matrix, plain, "matrix", defaults=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value

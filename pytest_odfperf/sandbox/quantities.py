"""Kubernetes quantities as the API server reads them: ``500m``, ``8Gi``, ``1e3``."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

_QUANTITY = re.compile(
    r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?", re.ASCII
)
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


def parse_quantity(value: Any) -> Decimal:
    """The number that a quantity stands for; `ValueError` if it is none."""
    match = _QUANTITY.fullmatch(str(value)) if not isinstance(value, bool) else None
    if not match:
        raise ValueError(f"{value!r} is not a quantity such as 500m, 4 or 8Gi")
    number, suffix = Decimal(match[1]), match[2]
    if suffix is None:
        return number
    if suffix in _BINARY:
        return number * Decimal(1 << 10 * _BINARY[suffix])
    return number.scaleb(_DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:]))


def milli(value: Any) -> int:
    """Thousandths, rounded up as the API server does: the unit in which CPUs are added."""
    return int(-(-parse_quantity(value) * 1000 // 1))


def whole(value: Any) -> int:
    """Bytes or pieces, rounded up."""
    return int(-(-parse_quantity(value) // 1))

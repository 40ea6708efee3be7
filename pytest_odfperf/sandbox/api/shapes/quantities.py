"""Quantities in the form in which the API server gives them back."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from pytest_odfperf.errors import InputError
from pytest_odfperf.quantity import parse_quantity

#: As in the OpenAPI schema of resource.Quantity.
QUANTITY = re.compile(
    r"(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?",
    re.ASCII,
)
_BINARY = ((6, "Ei"), (5, "Pi"), (4, "Ti"), (3, "Gi"), (2, "Mi"), (1, "Ki"))
_DECIMAL = (
    (18, "E"),
    (15, "P"),
    (12, "T"),
    (9, "G"),
    (6, "M"),
    (3, "k"),
    (0, ""),
    (-3, "m"),
    (-6, "u"),
    (-9, "n"),
)


@lru_cache(4096)
def is_quantity(text: str) -> bool:
    return QUANTITY.fullmatch(text) is not None


@lru_cache(4096)
def canonical(text: str) -> str:
    """``1.5Gi`` is ``1536Mi``, ``1000m`` is ``1``: no fraction, the largest suffix (resource.Quantity)."""
    try:
        value = parse_quantity(text)
    except InputError:
        return text
    if re.search(r"[eE]-?\+?[0-9]", text):
        return _scaled(value, {power: f"e{power}" if power else "" for power, _ in _DECIMAL}) or text
    return shown(value, binary=text.endswith("i"))


def shown(value: Decimal, *, binary: bool) -> str:
    """A value in canonical form, in suffixes of 1024 or of 1000."""
    if not value:
        return "0"
    if binary and abs(value) >= 1024:
        for power, suffix in _BINARY:
            if not value % 1024**power:
                return f"{int(value) // 1024**power}{suffix}"
    return _scaled(value, dict(_DECIMAL)) or f"{value:f}"


def _scaled(value: Decimal, suffixes: dict[int, str]) -> str | None:
    for exponent, suffix in suffixes.items():
        scaled = value.scaleb(-exponent)
        if scaled == scaled.to_integral_value():
            return f"{int(scaled)}{suffix}"
    return None

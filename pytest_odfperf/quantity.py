"""Kubernetes quantities (``500m``, ``8Gi``, ``1e3``), read exactly.

The grammar is that of ``k8s.io/apimachinery/pkg/api/resource``. It is stricter than the parser of the
Python client, which takes ``1K``, `` 1Gi``, ``1_000``, ``NaN`` and digits of other scripts.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal, localcontext
from fractions import Fraction

from pytest_odfperf.errors import InputError

_QUANTITY = re.compile(
    r"([+-]?)([0-9]+(?:\.[0-9]*)?|\.[0-9]+)((?:[KMGTPE]i)|[numkMGTPE]|[eE][+-]?[0-9]+)?", re.ASCII
)
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}

#: Kubernetes keeps quantities in an int64.
LARGEST = 2**63 - 1
_LONGEST = 64
_LARGEST_EXPONENT = 99


def parse_quantity(text: str) -> Decimal:
    """The number that a quantity stands for, exact. Raises `InputError`."""
    found = _QUANTITY.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        shown = repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")
        raise InputError(f"{shown} is not a quantity such as 500m, 4, 1.5 or 8Gi")
    sign, digits, suffix = found[1], found[2], found[3] or ""
    exponent = _exponent(suffix)
    if exponent is None:
        raise InputError(f"quantity {text!r}: the exponent is beyond {_LARGEST_EXPONENT}")
    with localcontext() as context:
        context.prec = 3 * _LONGEST + _LARGEST_EXPONENT
        number = Decimal(sign + digits)
        number = number * 2 ** _BINARY[suffix] if suffix in _BINARY else number.scaleb(exponent)
    if abs(number) > LARGEST:
        raise InputError(f"quantity {text!r} is beyond what Kubernetes keeps (2^63 - 1)")
    return number


def _exponent(suffix: str) -> int | None:
    """The power of ten of a decimal suffix, 0 for a binary one, None if it is too large to be meant."""
    if suffix in _BINARY:
        return 0
    if suffix in _DECIMAL:
        return _DECIMAL[suffix]
    exponent = int(suffix[1:])
    return exponent if abs(exponent) <= _LARGEST_EXPONENT else None


def to_bytes(text: str) -> int:
    """Bytes (or pieces), rounded up as the API server does. Raises `InputError`."""
    return math.ceil(parse_quantity(text))


def to_millicores(text: str) -> int:
    """Thousandths of a CPU, rounded up: the finest that the API server keeps. Raises `InputError`."""
    # A product of Decimals is rounded to the context's precision.
    return math.ceil(Fraction(parse_quantity(text)) * 1000)


def format_bytes(size_bytes: int) -> str:
    """The shortest exact quantity in powers of 1024: ``150Gi``, ``1536Mi``, ``1000``."""
    for suffix in reversed(_BINARY):
        if size_bytes and size_bytes % (1 << _BINARY[suffix]) == 0:
            return f"{size_bytes >> _BINARY[suffix]}{suffix}"
    return str(size_bytes)


def format_millicores(millicores: int) -> str:
    """``2`` or ``1500m``."""
    return str(millicores // 1000) if millicores % 1000 == 0 else f"{millicores}m"

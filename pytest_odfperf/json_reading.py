"""Reads JSON of which there is much: a run's records and histograms are hundreds of megabytes.

orjson, which the extra ``report`` has, takes a third of the time. What it does not take (lone surrogates,
NaN) Python's own reads, so that both installations see the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any


def read_json(text: str | bytes) -> Any:
    """The value. Raises `ValueError` for what is no JSON, `RecursionError`."""
    quick = _orjson_loads()
    if quick is None:
        return json.loads(text)
    try:
        return quick(text)
    except ValueError:
        return json.loads(text)


@cache
def orjson_dumps() -> Callable[[Any], bytes] | None:
    """What writes JSON; None without orjson. Raises `TypeError` for lone surrogates, writes null for NaN."""
    try:
        from orjson import dumps
    except ImportError:
        return None
    return dumps


@cache
def _orjson_loads() -> Callable[[str | bytes], Any] | None:
    try:
        from orjson import loads
    except ImportError:
        return None
    return loads

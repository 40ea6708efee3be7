"""Data in the page: JSON that can not end its ``<script>``, and compressed chunks of it."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from gzip import compress
from math import isfinite
from typing import Any

from markupsafe import Markup

from pytest_odfperf.json_reading import orjson_dumps

#: What ends a script, begins a comment or an entity, ends a line in JavaScript, or is no character in UTF-8.
_UNSAFE = re.compile("[<>&\u2028\u2029\ud800-\udfff]")


def _dumped(content: Any, **how: Any) -> str:
    """As JSON, which has no infinity: what became one of an absurd figure in a changed file is null."""
    try:
        return json.dumps(content, separators=(",", ":"), allow_nan=False, **how)
    except ValueError:
        return json.dumps(_finite(content), separators=(",", ":"), allow_nan=False, **how)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value


def script_json(content: Any) -> Markup:
    """``content`` for the inside of ``<script type="application/json">``."""
    text = _dumped(content, ensure_ascii=False)
    return Markup(_UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text))  # noqa: S704 - made safe here


def _raw(content: Any) -> bytes:
    """As `_dumped`, by orjson where it is installed."""
    quick = orjson_dumps()
    if quick is not None:
        try:
            return quick(content)
        except TypeError:  # of lone surrogates, say
            pass
    return _dumped(content).encode()


def packed(raw: bytes) -> Markup:
    """``raw`` as gzip in base64. The same bytes give the same, at any time."""
    return Markup(b64encode(compress(raw, 6, mtime=0)).decode("ascii"))  # noqa: S704 - base64


def packed_json(content: Any) -> Markup:
    """As `packed`; lone surrogates stay JSON's escapes."""
    return packed(_raw(content))


def packed_beside(contents: Iterable[Any]) -> list[Markup]:
    """Each as `packed_json`. One is compressed, which needs no Python, while the next one is made."""
    with ThreadPoolExecutor(1, "compressing") as beside:
        waiting = [beside.submit(packed, _raw(content)) for content in contents]
    return [one.result() for one in waiting]

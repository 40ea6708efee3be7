"""Reads the details of tests out of a page, as its script does."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from gzip import decompress
from typing import Any

_CHUNK = re.compile(r'<script type="application/gzip;base64" class="chunk">([^<]*)</script>')


def details_of(html: str) -> list[Any]:
    """Of each test, in their order: ``head``, ``job`` and ``parts``."""
    return [
        one for text in _CHUNK.findall(html) for one in one_by_one(json.loads(decompress(b64decode(text))))
    ]


def one_by_one(chunk: Any) -> Iterator[dict[str, Any]]:
    """What `in_columns` put side by side."""
    for test, (head, job) in enumerate(zip(chunk["heads"], chunk["jobs"], strict=True)):
        parts = [_part(part, part["of"].index(test)) for part in chunk["parts"] if test in part["of"]]
        yield {"head": head, "job": job, "parts": parts}


def _part(together: Any, at: int) -> dict[str, Any]:
    part = {name: together[name] for name in ("title", "heads") if name in together}
    if "rows" in together:
        lengths, columns = together["rows"]
        start = sum(lengths[:at])
        part["rows"] = [[column[row] for column in columns] for row in range(start, start + lengths[at])]
    own = {name: values[at] for name, values in together.get("own", {}).items()}
    return part | {name: value for name, value in own.items() if value is not None}

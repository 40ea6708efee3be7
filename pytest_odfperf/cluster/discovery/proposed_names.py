"""Names for proposed pools and backends: fields of keys, so shorter and of fewer letters."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection

_LONGEST = 63
_FIELD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", re.ASCII)
_DIGITS = (8, 16, 32)


def field_name(text: str, taken: Collection[str] = ()) -> str:
    """``text`` itself if it can be a field of a key, and is not ``taken``; else what can of it, and a digest.

    The digest is of all of it, so that texts that differ have names that differ.
    """
    if _FIELD.fullmatch(text) and text not in taken:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", text)
    for digits in _DIGITS:
        name = "-".join(filter(None, (readable[: _LONGEST - digits - 1].strip("._-"), digest[:digits])))
        if name not in taken:
            return name
    raise ValueError(f"no name is left for {text!r}")

"""Data in the page: JSON that can not end its ``<script>``, and compressed chunks of it."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from gzip import compress
from typing import Any

from markupsafe import Markup

#: What ends a script, begins a comment or an entity, ends a line in JavaScript, or is no character in UTF-8.
_UNSAFE = re.compile("[<>&\u2028\u2029\ud800-\udfff]")


def script_json(content: Any) -> Markup:
    """``content`` for the inside of ``<script type="application/json">``."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(_UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text))  # noqa: S704 - made safe here


def packed(text: str) -> Markup:
    """``text`` as gzip in base64. The same text gives the same bytes, at any time."""
    raw = text.encode("utf-8", "surrogatepass")
    return Markup(b64encode(compress(raw, 6, mtime=0)).decode("ascii"))  # noqa: S704 - base64


def packed_json(content: Any) -> Markup:
    """As `packed`; lone surrogates stay JSON's escapes."""
    return packed(json.dumps(content, separators=(",", ":"), allow_nan=False))

"""A picture as a file, drawn without a browser: for summary.md, README and documentation."""

from __future__ import annotations

import json
from typing import Any, Literal

from pytest_odfperf.errors import InputError
from pytest_odfperf.report.pictures.picture import Slice
from pytest_odfperf.report.pictures.theme import THEMES

Theme = Literal["light", "dark"]

#: XML has no place for these, and an SVG with one of them is none.
_NO_TEXT = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF], "\ufffd") | dict.fromkeys(
    # These turn the direction of all that stands behind them.
    [*range(0x202A, 0x202F), *range(0x2066, 0x206A)],
    "\ufffd",
)
_MISSING = "pictures need the extra `report`: pip install 'pytest-odfperf[report]'"


def picture_svg(shown: Slice, theme: str = "light", width: int = 760) -> str:
    """One view as SVG, ``width`` in pixels. Raises `InputError` where the library is missing."""
    return str(_vl_convert().vegalite_to_svg(_whole(shown, theme, width)))


def picture_png(shown: Slice, theme: str = "light", width: int = 760, scale: float = 2.0) -> bytes:
    """The same as PNG, with ``scale`` pixels for each of SVG's."""
    return bytes(_vl_convert().vegalite_to_png(_whole(shown, theme, width), scale=scale))


def _whole(shown: Slice, theme: str, width: int) -> str:
    """The specification with its data and its colours, as JSON."""
    names = [column.field for column in shown.columns]
    values = [dict(zip(names, map(_drawable, row), strict=True)) for row in shown.rows]
    spec = {**shown.spec, "width": width, "data": {"values": values}, "config": THEMES[theme]}
    # A lone surrogate, from a file, is no text that the library takes.
    return json.dumps(spec, ensure_ascii=False).encode("utf-8", "replace").decode()


def _drawable(value: Any) -> Any:
    return value.translate(_NO_TEXT) if isinstance(value, str) else value


def _vl_convert() -> Any:
    try:
        import vl_convert
    except ImportError as error:
        raise InputError(_MISSING) from error
    return vl_convert

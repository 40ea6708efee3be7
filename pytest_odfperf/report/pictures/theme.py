"""How pictures look: a Vega config for light pages, one for dark ones. Specifications name no colours.

The colours are those of Okabe and Ito, told apart by all readers; shapes, dashes and words say it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"
#: Seven, beside eight colours: 56 pools differ.
_SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right"]


def _config(
    *,
    paper: str,
    ink: str,
    faint: str,
    grid: str,
    category: list[str],
    diverging: list[str],
    ranges: Mapping[str, list[str]],
) -> dict[str, Any]:
    text = {"labelColor": ink, "titleColor": ink, "labelFontSize": 12, "titleFontSize": 12}
    return {
        "background": paper,
        "font": _FONT,
        "view": {"stroke": None},
        "axis": {
            **text,
            "titleFontWeight": 600,
            "domainColor": faint,
            "tickColor": faint,
            "gridColor": grid,
            "labelLimit": {"expr": "containerSize()[0] < 500 ? 130 : 280"},
            "titleLimit": 600,
            "titlePadding": 8,
        },
        "legend": {
            **text,
            "orient": "bottom",
            "columns": {"expr": "max(1, floor(width / 130))"},
            "labelLimit": 220,
            "titleLimit": 400,
            "symbolOpacity": 1,
        },
        "header": text,
        "title": {"color": ink, "anchor": "start", "fontSize": 14, "fontWeight": 600},
        "text": {"color": ink, "fontSize": 11},
        "rule": {"color": faint},
        "tick": {"color": ink},
        "point": {"size": 60, "filled": True, "opacity": 1},
        "line": {"strokeWidth": 1.8},
        "range": {"category": category, "symbol": _SHAPES, "diverging": diverging, **ranges},
    }


#: By the name of the page's theme. The ranges ``outcome`` (better, worse, no difference shown, inconclusive),
#: ``load`` (booting, preparing, measuring, no result,
#: deleting, outage, storage) and ``kept`` (kept, broken) are ours.
THEMES: Mapping[str, Mapping[str, Any]] = {
    "light": _config(
        paper="#ffffff",
        ink="#222222",
        faint="#6b6f76",
        grid="#e3e5e8",
        category=["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b07a00", "#56b4e9", "#222222", "#8c8200"],
        diverging=["#e8954a", "#f6cfa6", "#f4f4f4", "#b3d6ee", "#5fa9dc"],
        ranges={
            "outcome": ["#0072b2", "#d55e00", "#6b6f76", "#b07a00"],
            "load": [
                "#56b4e9",
                "#e0b050",
                "#0072b2",
                "#d5d7da",
                "#8a8f98",
                "#d55e00",
                "#cc79a7",
                "#009e73",
                "#7f4fc9",
                "#b00020",
            ],
            "kept": ["#0072b2", "#d55e00"],
        },
    ),
    "dark": _config(
        paper="#1c1f26",
        ink="#eceef2",
        faint="#9aa0aa",
        grid="#363b46",
        category=["#56b4e9", "#e69f00", "#2fc79a", "#e3a0c6", "#f0e442", "#4a90d9", "#f4f4f4", "#ff8a4c"],
        diverging=["#b0600f", "#6b4724", "#343943", "#27506e", "#1976b3"],
        ranges={
            "outcome": ["#56b4e9", "#ff8a4c", "#9aa0aa", "#f0e442"],
            "load": [
                "#2f7fb0",
                "#b8862b",
                "#7cc7f2",
                "#4a505c",
                "#8b93a0",
                "#ff8a4c",
                "#e3a0c6",
                "#3ccf9f",
                "#b494f0",
                "#ff6b7a",
            ],
            "kept": ["#56b4e9", "#ff8a4c"],
        },
    ),
}

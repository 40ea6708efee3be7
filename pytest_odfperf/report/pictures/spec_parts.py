"""What the specifications of several pictures have in common. No expression has a text of a file in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_odfperf.report.pictures.picture import Column

Spec = dict[str, Any]

#: More series or panels than this are not told apart in one view.
MOST_SERIES = 12
#: Values that are further apart need a logarithmic axis.
_DECADES = 20.0
#: In narrower views the words are in the table and the tooltip only.
_ROOM_FOR_BOTH = 450
TEST = Column(field="test", heading="test")


def view(description: str, *layers: Mapping[str, Any], height: int = 260, **more: Any) -> Spec:
    """One view over the whole width. ``layers`` are below each other.

    The height is a number: Vega-Lite warns where rows have one and the width is the page's.
    """
    spec: Spec = {"description": description, "width": "container", "height": height, **more}
    if len(layers) == 1:
        return spec | dict(layers[0])
    return spec | {"layer": [dict(layer) for layer in layers]}


def quantity(
    field: str, title: str | None, values: Iterable[float | None], *, log: bool = False, **more: Any
) -> Spec:
    """A number on an axis, with room around the marks.

    The axis is logarithmic where positive ``values`` are more than 20 times apart, begins at zero where they
    are twice apart, and otherwise where they begin, since dots, unlike bars, say nothing by their length.
    """
    known = [value for value in values if value is not None]
    apart = max(known) / min(known) if known and min(known) > 0 else 2.0
    scale: Spec = {"zero": True}
    if log or apart > _DECADES:
        scale = {"type": "log", "nice": False, "padding": 12}
    elif apart < 2:
        scale = {"zero": False, "padding": 12}
    scale.update(more.pop("scale", {}))
    axis: Spec = {"tickCount": 6, "labelOverlap": True} | more.pop("axis", {})
    return {"field": field, "type": "quantitative", "title": title, "scale": scale, "axis": axis, **more}


def named(field: str, title: str | None, **more: Any) -> Spec:
    """Names in the order of the rows."""
    return {"field": field, "type": "nominal", "title": title, "sort": None, **more}


def pool_encodings(pools: Sequence[str], shown: Sequence[str], field: str = "pool") -> Spec:
    """A colour and a shape for each of the run's ``pools``, alike in all pictures; a legend of the shown."""
    legend = {"values": list(shown), "title": "pool"}
    one: Spec = {"field": field, "type": "nominal", "scale": {"domain": list(pools)}, "legend": legend}
    return {"color": one, "shape": dict(one)}


def pool_dots(pools: Sequence[str], shown: Sequence[str]) -> Spec:
    """The same for dots that are hollow where the test did not simply pass."""
    own = pool_encodings(pools, shown)
    hollow = {"condition": {"test": "datum.state === 'passed'", "value": 1}, "value": 0}
    return {**own, "fill": own["color"], "fillOpacity": hollow}


def tooltip(columns: Iterable[Column], **formats: str) -> list[Spec]:
    """All columns but the number of the test."""
    found = []
    for column in columns:
        if column.field != TEST.field:
            one: Spec = {"field": column.field, "title": column.heading}
            if column.field in formats:
                one |= {"type": "quantitative", "format": formats[column.field]}
            found.append(one)
    return found


def band(field: str, place: float) -> Spec:
    """A place within the rows of ``field``, from their top (0) to their bottom (1); without an axis."""
    scale = {"type": "band", "padding": 0}
    return {**named(field, None, axis=None, scale=scale), "bandPosition": place}


def band_texts(field: str, name: str, said: str) -> tuple[Spec, Spec]:
    """The name of each row of ``field`` within it, and words at its right where there is room for both."""
    room = f"{_ROOM_FOR_BOTH} < width"
    return (
        {
            "mark": {"type": "text", "align": "left", "limit": {"expr": f"{room} ? width - 250 : width - 4"}},
            "encoding": {"x": {"value": 2}, "y": band(field, 0.24), "text": if_there(name)},
        },
        {
            "mark": {"type": "text", "align": "right", "fontWeight": 600},
            "encoding": {"x": {"value": "width"}, "y": band(field, 0.24), "text": if_there(said, room)},
        },
    )


def if_there(field: str, also: str = "true") -> Spec:
    """The text of a field, which is empty where it is null."""
    return {"condition": {"test": f"isValid(datum.{field}) && {also}", "field": field}, "value": ""}

"""The page that every HTML report of ours is: head, banner, sections with their pictures, style and scripts.

Everything is in the one file. Nothing is loaded from elsewhere, at no time.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from pytest_odfperf.report.pictures.picture import Picture
from pytest_odfperf.report.pictures.theme import THEMES
from pytest_odfperf.report.run_page.page_json import packed, packed_json, script_json
from pytest_odfperf.report.run_page.page_template import asset, render_template

#: In this order they make one script.
SCRIPTS = (
    "page/elements.js",
    "page/page_state.js",
    "page/theme.js",
    "page/packed_data.js",
    "page/tables.js",
    "pictures/pictures.js",
    "pictures/picture_theme.js",
    "keys/key_columns.js",
    "keys/key_filter.js",
    "keys/key_grid.js",
    "keys/key_tools.js",
    "keys/key_details.js",
    "keys/details_parts.js",
    "pictures/small_drawings.js",
    "keys/detail_course.js",
    "page/start.js",
)
STYLES = ("page/page.css", "page/tables.css", "keys/keys.css", "page/outcomes.css")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page under a heading of its own.

    ``name``: its id, letters and digits. ``body``: text is escaped, `Markup` is not. ``pictures`` follow it.
    """

    name: str
    heading: str
    body: Markup | str = ""
    pictures: Sequence[Picture] = ()
    #: In few words, for the page's list of its sections; empty: not in it.
    short: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A whole page. ``marking``: SIMULATED and the like, with what it means beside it."""

    title: str
    sections: Sequence[Section]
    marking: str | None = None
    #: More lines of the banner at the top.
    banners: Sequence[str] = ()
    #: Under the title.
    subtitle: str = ""
    #: JSON that the scripts read, by the element's id.
    data: Mapping[str, Any] = field(default_factory=dict)
    #: The same, compressed.
    packed_data: Mapping[str, Markup] = field(default_factory=dict)
    #: Compressed JSON that they read when it is needed.
    chunks: Sequence[Markup] = ()


def render_page(page: Page, drawing: str | None = None) -> str:
    """The page's HTML. ``drawing`` is the script that draws pictures; without it there are their tables."""
    pictures = [picture for section in page.sections for picture in section.pictures]
    return render_template(
        "page.html.j2",
        page=page,
        style=Markup("\n".join(map(asset, STYLES))),  # noqa: S704 - our own files
        script=Markup("\n".join(map(asset, SCRIPTS))),  # noqa: S704 - our own files
        data={name: script_json(content) for name, content in page.data.items()},
        pictures=packed_json(_plain(pictures)) if pictures else None,
        drawing=packed(drawing.encode()) if drawing is not None and pictures else None,
    )


def _plain(pictures: Sequence[Picture]) -> dict[str, Any]:
    """All pictures; what several slices have in common is there once."""
    specs, columns, rows = _Shared(), _Shared(), _Shared()
    plain = [
        {
            "name": picture.name,
            "title": picture.title,
            "sentence": picture.sentence,
            "slices": [
                [
                    one.label,
                    specs.place_of(one.spec, json.dumps(one.spec, sort_keys=True)),
                    columns.place_of([[column.field, column.heading] for column in one.columns], one.columns),
                    rows.place_of(one.rows, id(one.rows)),
                ]
                for one in picture.slices
            ],
        }
        for picture in pictures
    ]
    return {
        "pictures": plain,
        "specs": specs.values,
        "columns": columns.values,
        "rows": rows.values,
        "themes": THEMES,
    }


class _Shared:
    """Values that are sent once, and their places."""

    def __init__(self) -> None:
        self._places: dict[Hashable, int] = {}
        self.values: list[Any] = []

    def place_of(self, value: Any, same: Hashable) -> int:
        """``same``: equal for those that are the same value."""
        if same not in self._places:
            self._places[same] = len(self.values)
            self.values.append(value)
        return self._places[same]

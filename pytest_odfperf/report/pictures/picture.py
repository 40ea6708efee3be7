"""A picture: a Vega-Lite specification (vega.github.io/vega-lite/docs/spec.html) and its data table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: A value of a row: what JSON has.
Cell = str | float | int | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A field of the rows. ``heading`` has its unit: ``p99 (ms)``."""

    field: str
    heading: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One view of a picture; where there are several, the reader chooses.

    ``spec`` is without data and theme: the page puts the rows in as ``data.values``, one object each by the
    fields of ``columns``. The field ``test``, if there is one, is the row's index in `RunContent.tests`: the
    page leaves out rows of tests that its filter leaves out, and does not show that column.
    """

    label: str
    spec: Mapping[str, Any]
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """``name`` is its part of the page's URL. Texts are as given, nothing is escaped."""

    name: str
    title: str
    #: Which question it answers, and how it is read; also its name for screen readers.
    sentence: str
    slices: tuple[Slice, ...]

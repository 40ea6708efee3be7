"""Changes to the answer of a simulated fio, as a guest that lies would make them.

A change is a path and what becomes of it. The path's parts stand between slashes, ``*`` is any name or
number: ``jobs/*/read/total_ios``. What becomes of it is a value (None: it is not there), or a mapping with
one of ``times`` (numbers; in ``bins`` the latencies) and ``plus``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.fio.histogram import index_of, value_of

_HOW = ("times", "plus")


def check_changes(changes: Mapping[str, Any], place: str) -> None:
    """Raise `InputError` for a change that is none."""
    for path, change in changes.items():
        if _calculates(change) and not (len(change) == 1 and all(map(_is_number, change.values()))):
            raise InputError(f"{dict(change)!r:.60} is not times or plus a number", place=f"{place}.{path}")


def alter(document: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Carry out ``changes`` on fio's document. What a path does not lead to is made, but for parts of it."""
    for path, change in changes.items():
        *parents, last = path.split("/")
        for found in _all(document, parents):
            names = list(_names(found, last)) if last == "*" else [_name(found, last)]
            for name in names:
                _change(found, name, change)


def _all(value: Any, parts: list[str]) -> Iterator[Any]:
    if not parts:
        if isinstance(value, dict | list):
            yield value
        return
    for name in _names(value, parts[0]):
        yield from _all(value[name], parts[1:])


def _names(value: Any, part: str) -> Iterator[Any]:
    names = range(len(value)) if isinstance(value, list) else list(value) if isinstance(value, dict) else ()
    for name in names:
        if part in ("*", str(name)):
            yield name


def _name(found: Any, last: str) -> Any:
    return int(last) if isinstance(found, list) and last.isdecimal() else last


def _change(found: Any, name: Any, change: Any) -> None:
    here = found[name] if name in (found if isinstance(found, dict) else range(len(found))) else None
    if change is None:
        if isinstance(found, dict):
            found.pop(name, None)
    elif not _calculates(change):
        # Of its own for each path that leads here, as later changes may reach into it.
        found[name] = copy.deepcopy(change)
    elif here is not None:
        found[name] = _of(here, change)


def _of(value: Any, change: Mapping[str, Any]) -> Any:
    factor, more = change.get("times", 1), change.get("plus", 0)
    if isinstance(value, dict):
        bins: dict[str, Any] = {}
        for latency_ns, count in value.items():
            name = str(value_of(index_of(max(0, int(int(latency_ns) * factor + more)))))
            bins[name] = bins.get(name, 0) + count
        return bins
    if not _is_number(value):
        return value
    return type(value)(value * factor + more)


def _calculates(change: Any) -> bool:
    return isinstance(change, Mapping) and bool(set(_HOW) & set(change))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

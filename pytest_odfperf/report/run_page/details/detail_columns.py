"""The details of many tests with what is alike side by side, so that they compress well.

gzip looks back 32 KiB, which is six tests: written one after the other, most of them is told again and again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_odfperf.report.run_page.details.detail_part import Plain

#: What a part shares with the same part of other tests.
_SHARED = ("title", "heads")


def in_columns(details: Sequence[Plain]) -> Plain:
    """``head``, ``job`` and ``parts`` of each of ``details``; a part that is None is none.

    Parts with one title and the same heads, at the same place of their tests, become one: ``of`` are the
    tests, ``rows`` a column of each head over all of them with the number of rows of each, ``own`` the rest.
    ``detailsAt`` of the page's script puts them together again.
    """
    groups: dict[tuple[int, str, tuple[str, ...]], list[tuple[int, Plain]]] = {}
    for test, one in enumerate(details):
        for place, part in enumerate(one["parts"]):
            if part is not None:
                same = (place, part["title"], tuple(part.get("heads", ())))
                groups.setdefault(same, []).append((test, part))
    return {
        "heads": [one["head"] for one in details],
        "jobs": [one.get("job") for one in details],
        "parts": [_together(groups[same]) for same in sorted(groups)],
    }


def _together(found: Sequence[tuple[int, Plain]]) -> Plain:
    tests, parts = zip(*found, strict=True)
    together: dict[str, Any] = {name: parts[0][name] for name in _SHARED if name in parts[0]}
    together["of"] = tests
    names = dict.fromkeys(name for part in parts for name in part if name not in _SHARED)
    if "rows" in names:
        del names["rows"]
        rows = [row for part in parts for row in part["rows"]]
        together["rows"] = [[len(part["rows"]) for part in parts], list(zip(*rows, strict=True))]
    if names:
        together["own"] = {name: [part.get(name) for part in parts] for name in names}
    return together

"""Repeats of a key: ``--odf-repeat``, and what other plugins ask for. Each is a measurement of its own.

Tests of one key and repeat share one measurement, a test with parameters of its own too. A plugin that
multiplies tests (pytest-repeat and its like) adds a parameter that the test does not ask for, or adds the
same test again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from pytest_odfperf.plugin.session_state import BLOCK, KEY, REPEAT

#: The mark of a repeat from 2 on; its argument is the number.
MARK = "odf_repeat"


class Numbering:
    """Notes on each item of a key which of the key's measurements it uses; ``repeats`` is ours."""

    def __init__(self, repeats: int) -> None:
        self._repeats = repeats
        self._copies: Counter[tuple[Any, ...]] = Counter()

    def number(self, items: Sequence[pytest.Item]) -> None:
        """Number what has none yet, in the order of ``items``: all at first, then what others added."""
        for item in items:
            if KEY not in item.stash or REPEAT in item.stash:
                continue
            mark = item.get_closest_marker(MARK)
            block = item.stash[BLOCK] = mark.args[0] if mark else 1
            like = (*_like(item), block)
            item.stash[REPEAT] = block + self._repeats * self._copies[like]
            self._copies[like] += 1


def check_counts(config: pytest.Config, repeats: int) -> None:
    """Raise `pytest.UsageError` where pytest-repeat would multiply ``repeats``: no report could tell them."""
    count = getattr(config.option, "count", None)
    if repeats > 1 and config.pluginmanager.hasplugin("pytest_repeat") and type(count) is int and count > 1:
        raise pytest.UsageError(
            f"--odf-repeat {repeats} and --count {count} of pytest-repeat exclude each other: both repeat"
        )


def check_retries(config: pytest.Config) -> None:
    """Raise `pytest.UsageError` where pytest-retry would run tests again.

    It makes the report of the second attempt itself, so that nobody else hears of what was measured then.
    """
    if not config.pluginmanager.hasplugin("pytest-retry"):
        return
    if getattr(config.option, "retries", None) or config.getini("retries") not in ("", "0", 0, None):
        raise pytest.UsageError(
            "--retries of pytest-retry runs a test again past all other plugins, so that what it measures is "
            "kept nowhere; --reruns of pytest-rerunfailures does the same, and is understood"
        )


def _like(item: pytest.Item) -> tuple[Any, ...]:
    """What an item has in common with its repeats: the test, its key, and the parameters that it asks for."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    asked = _asked(item)
    own = sorted((name, repr(value)) for name, value in params.items() if name in asked)
    name = getattr(item, "originalname", None) or item.name
    return (item.parent.nodeid if item.parent else "", name, str(item.stash[KEY]), *own)


def _asked(item: pytest.Item) -> set[str]:
    """The names that a test, its marks and the fixtures behind them ask for."""
    info = getattr(item, "_fixtureinfo", None)
    if info is None:
        return set()
    todo = [*info.initialnames, *info.argnames]
    for mark in item.iter_markers("parametrize"):
        names = mark.args[0] if mark.args else mark.kwargs.get("argnames", ())
        todo += [one.strip() for one in names.split(",")] if isinstance(names, str) else list(names)
    asked: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in asked:
            asked.add(name)
            todo += [one for fixture in info.name2fixturedefs.get(name, ()) for one in fixture.argnames]
    return asked

"""Repeats that other plugins ask for (pytest-repeat and its like): each is a measurement of its own.

Tests of one key share one measurement, a test with parameters of its own too. A plugin that multiplies tests
adds a parameter that the test does not ask for, or adds the same test again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from pytest_odfperf.plugin.session_state import KEY, REPEAT


def number_repeats(items: Sequence[pytest.Item]) -> None:
    """Note on each item of a key the how manieth of its like it is, from 1."""
    seen: Counter[tuple[Any, ...]] = Counter()
    for item in items:
        if KEY in item.stash:
            like = _like(item)
            seen[like] += 1
            item.stash[REPEAT] = seen[like]


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

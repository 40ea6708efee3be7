"""pytest-retry is refused where it would run tests again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_odfperf.plugin.repeats import check_counts, check_retries


def config(there: bool, option: Any, ini: Any) -> Any:
    return SimpleNamespace(
        pluginmanager=SimpleNamespace(hasplugin=lambda name: there and name == "pytest-retry"),
        option=SimpleNamespace(retries=option),
        getini=lambda name: ini,
    )


@pytest.mark.parametrize(
    ("there", "option", "ini", "refused"),
    [
        (False, 2, 0, False),
        (True, None, 0, False),
        (True, None, "0", False),
        (True, 0, "", False),
        (True, 2, 0, True),
        (True, None, "3", True),
    ],
)
def test_retries_are_refused_in_one_line(there: bool, option: Any, ini: Any, refused: bool) -> None:
    if not refused:
        check_retries(config(there, option, ini))
        return
    with pytest.raises(pytest.UsageError, match="--reruns of pytest-rerunfailures") as caught:
        check_retries(config(there, option, ini))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("there", "count", "repeats", "refused"),
    [
        (True, 3, 2, True),
        (True, 3, 1, False),
        (True, 1, 2, False),
        (True, None, 2, False),
        (False, 3, 2, False),
    ],
)
def test_two_ways_to_repeat_exclude_each_other(there: bool, count: Any, repeats: int, refused: bool) -> None:
    given: Any = SimpleNamespace(
        pluginmanager=SimpleNamespace(hasplugin=lambda name: there and name == "pytest_repeat"),
        option=SimpleNamespace(count=count),
    )
    if not refused:
        check_counts(given, repeats)
        return
    with pytest.raises(pytest.UsageError, match="--odf-repeat 2 and --count 3") as caught:
        check_counts(given, repeats)
    assert str(caught.value).isprintable()

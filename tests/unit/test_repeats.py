"""pytest-retry is refused where it would run tests again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_odfperf.plugin.repeats import check_retries


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

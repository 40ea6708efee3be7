"""The page of the sandbox names each recording under the reason that it gets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_odfperf.errors import InputError
from pytest_odfperf.sandbox.config.parse_config import parse_config
from pytest_odfperf.sandbox.fio_failures import failure_names

PAGE = Path(__file__).parents[3] / "docs" / "sandbox.md"


def test_the_page_names_all_cases_of_fio_failure() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("The cases of `fio_failure`")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `\w+` \| (.*) \|$", table, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named == set(failure_names()) - {"good", "status_interval"}


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ({"fio_failure": "no_such"}, "is not one of bad_option"),
        ({"reboot_s": -1}, "is not a number from 0"),
        ({"clock_jump_s": "soon"}, "is not a number"),
        ({"answer": {"jobs/0/error": {"times": "x"}}}, "is not times or plus a number"),
        ({"pace": [[1, 2], [3]]}, "[3] is not [second, how fast]"),
        ({"pace": [[2, 1], [1, 1]]}, "the seconds do not ascend"),
        ({"speed_part": 0}, "is not a number above 0"),
        ({"above_cap": 0}, "is not a number above 0"),
        ({"garbage": "much"}, "is not one of none, text"),
    ],
)
def test_a_wrong_fault_is_one_line(faults: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=r"sandbox\.storage_classes\.x\.faults\.") as raised:
        parse_config({"storage_classes": {"x": {"faults": faults}}})
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)

"""The table of rules: its page, and what all rows have in common."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_odfperf.measure.verdicts.doubt import Doubt, verdict_of
from pytest_odfperf.measure.verdicts.judge import shortened, shown
from pytest_odfperf.measure.verdicts.rule_table import RULES, Rule

PAGE = Path(__file__).parents[3] / "docs" / "verdicts.md"


def row(rule: Rule) -> str:
    return f"| `{rule.code}` | {', '.join(rule.levels)} | {rule.says} | {rule.next_step} |"


def test_the_page_has_the_rows_of_the_table() -> None:
    on_page = [line for line in PAGE.read_text().splitlines() if re.match(r"\| `[a-z0-9_]+` \|", line)]
    assert on_page == [row(rule) for rule in RULES]


def test_each_code_is_one_word_and_one_row() -> None:
    codes = [rule.code for rule in RULES]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", code) for code in codes)
    assert all(rule.says and rule.next_step and "|" not in rule.says + rule.next_step for rule in RULES)


def doubt(level: str, code: str = "x", text: str = "t") -> Doubt:
    return Doubt(code=code, level=level, text=text)  # type: ignore[arg-type]


def test_the_worst_level_is_the_verdict() -> None:
    assert verdict_of([]) == "valid"
    assert verdict_of([doubt("suspect"), doubt("suspect")]) == "suspect"
    assert verdict_of([doubt("invalid"), doubt("suspect")]) == "invalid"


def test_a_hundred_guests_with_the_same_doubt_are_a_few_lines() -> None:
    many = [doubt("invalid", text=f"guest {number}") for number in range(100)]
    found = shortened([*many, doubt("suspect", text="alone")])
    assert [one.text for one in found] == [
        "guest 0",
        "guest 1",
        "guest 2; and 97 more of the sort",
        "alone",
    ]
    assert shown(found[0]) == "invalid x: guest 0"

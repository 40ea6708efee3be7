"""What went wrong in a run, one entry for all tests of one pool that have the same reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.record import Record
from pytest_odfperf.measure.verdicts.judge import shown
from pytest_odfperf.report.content.result_state import ResultState
from pytest_odfperf.report.content.run_content import RunContent

#: What is told, the worst first. Broken limits are told by themselves.
_TOLD: tuple[ResultState, ...] = ("failed", "invalid", "suspect", "skipped")
_NEXT = "; next: "


@dataclass(kw_only=True)
class Problem:
    """``code`` is the reason in a word; ``reason`` and ``next_step`` are of the first test."""

    state: ResultState
    code: str
    reason: str
    next_step: str
    pools: dict[str, None] = field(default_factory=dict)
    keys: dict[Key, None] = field(default_factory=dict)
    tests: int = 0


def problems_of(content: RunContent) -> list[Problem]:
    """The worst states first, then what most tests have."""
    found: dict[tuple[ResultState, str, str], Problem] = {}
    for test in content.tests:
        if test.record is None or test.state not in _TOLD:
            continue
        for code, reason in _reasons(test.record, test.state):
            text, _, next_step = reason.partition(_NEXT)
            # Where there is no word for it, texts that differ are different.
            same = (test.state, code, "" if code else text)
            problem = found.setdefault(
                same, Problem(state=test.state, code=code, reason=text, next_step=next_step)
            )
            problem.tests += 1
            problem.pools[test.key.pool] = None
            problem.keys[test.key] = None
    return sorted(found.values(), key=lambda one: (_TOLD.index(one.state), -one.tests))


def _reasons(record: Record, state: ResultState) -> Iterator[tuple[str, str]]:
    """Words and texts: of a result that is doubted those of its doubts, each word once."""
    if state in ("invalid", "suspect"):
        yield from _doubts(record, state)
    else:
        yield record.reason_code or "", record.reason or ""


def _doubts(record: Record, level: str) -> Iterable[tuple[str, str]]:
    prefix = f"{level} "
    return {
        doubt.code: shown(doubt).removeprefix(prefix).removeprefix(f"{doubt.code}: ")
        for doubt in reversed(record.doubts)
        if doubt.level == level
    }.items()

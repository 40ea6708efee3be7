"""All rules, over one key's evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.measure.verdicts.evidence import Evidence
from pytest_odfperf.measure.verdicts.rule_table import NEXT_STEPS, RULES

#: So many doubts of one code and level are told; of a group of a hundred guests all may have the same.
_TOLD = 3


def judge(evidence: Evidence) -> tuple[Doubt, ...]:
    """What the rules object to, in the table's order."""
    looks = dict.fromkeys(rule.look for rule in RULES)
    return shortened([doubt for look in looks for doubt in look(evidence)])


def shortened(doubts: Sequence[Doubt]) -> tuple[Doubt, ...]:
    """A few doubts of each code and level; the last of them says how many more there are."""
    counts = Counter((doubt.code, doubt.level) for doubt in doubts)
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for doubt in doubts:
        sort = (doubt.code, doubt.level)
        seen[sort] += 1
        more = counts[sort] - _TOLD
        if seen[sort] == _TOLD and more > 0:
            text = f"{doubt.text}; and {more} more of the sort"
            doubt = Doubt(code=doubt.code, level=doubt.level, text=text, figures=doubt.figures)
        if seen[sort] <= _TOLD:
            found.append(doubt)
    return tuple(found)


def shown(doubt: Doubt) -> str:
    """One line: level, code, figures and limit, and what to do."""
    step = NEXT_STEPS.get(doubt.code)
    return f"{doubt.level} {doubt.code}: {doubt.text}" + (f"; next: {step}" if step else "")

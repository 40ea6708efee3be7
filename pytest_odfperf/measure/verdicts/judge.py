"""All rules, over one key's evidence."""

from __future__ import annotations

from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.measure.verdicts.evidence import Evidence
from pytest_odfperf.measure.verdicts.rule_table import RULES


def judge(evidence: Evidence) -> tuple[Doubt, ...]:
    """What the rules object to, in the table's order."""
    return tuple(doubt for rule in RULES for doubt in rule.look(evidence))

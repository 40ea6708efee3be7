"""What wants a look: what failed, what is doubtful, limits, repeats, what was noted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_odfperf.matrix.values.limit import METRICS
from pytest_odfperf.measure.limits.limit_judgement import text_of
from pytest_odfperf.measure.record import Record
from pytest_odfperf.measure.statistics.over_repeats import FigureSpread
from pytest_odfperf.measure.verdicts.rule_table import NEXT_STEPS
from pytest_odfperf.report.content.result_state import WORDS
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.decisions_text import judged, repeated
from pytest_odfperf.report.run_page.details.detail_files import href
from pytest_odfperf.report.run_page.sections.small_table import (
    Link,
    Opens,
    Places,
    SmallTable,
    State,
    TableCell,
)

#: Rows of each table: the table of keys has all.
_ROWS = 50
_LONGEST = 400
#: Figures whose repeats are shown here; a key's details have all.
_GRADED = ("iops", "p99")
_LIMIT_SLUGS = {"met": "passed", "broken": "limit_broken", "inconclusive": "suspect", "not judged": "skipped"}


def failed(content: RunContent) -> Iterator[SmallTable]:
    """Tests that failed, with the reason and what shows the cluster at that moment."""
    places = Places(content)
    bad = [record for record in content.records if record.status in ("failed", "error")]
    if not bad:
        return
    shown = bad[:_ROWS]
    rows: list[list[TableCell]] = [
        [
            Opens(test=places.of(record), text=_name(record)),
            _state(content, places.of(record)),
            record.reason_code or "",
            _cut(record.reason or "no reason"),
            Link(href=href(content.run_of(record).href, f"{record.diagnosis}/"), text="diagnosis")
            if record.diagnosis
            else None,
        ]
        for record in shown
    ]
    yield SmallTable(
        heading="What failed",
        heads=("Key", "State", "Code", "Reason", "Cluster"),
        rows=rows,
        more=_more(bad),
        filter="state=failed,invalid,limit_broken",
        folded=True,
        every=len(bad),
        tests=[[places.of(record)] for record in shown],
    )


def doubtful(content: RunContent) -> Iterator[SmallTable]:
    """What is not to be believed, or not quite; what is invalid first."""
    places = Places(content)
    found = sorted((record for record in content.records if record.doubts), key=lambda record: record.usable)
    if not found:
        return
    pairs = [(record, doubt) for record in found for doubt in record.doubts]
    rows: list[list[TableCell]] = [
        [
            Opens(test=places.of(record), text=_name(record)),
            State(slug=doubt.level, text=doubt.level),
            doubt.code,
            _cut(doubt.text),
            NEXT_STEPS.get(doubt.code, ""),
        ]
        for record, doubt in pairs[:_ROWS]
    ]
    yield SmallTable(
        heading="What is doubtful",
        note="Figures of an invalid result are nowhere on this page; those of a suspect one are marked.",
        heads=("Key", "Level", "Rule", "What it says", "Next"),
        rows=rows,
        more=_more(pairs),
        filter="state=suspect,invalid",
        folded=True,
        every=len(pairs),
        tests=[[places.of(record)] for record, _ in pairs[:_ROWS]],
    )


def limits(content: RunContent) -> Iterator[SmallTable]:
    """Outcomes that are not met first."""
    places = Places(content)
    pairs = judged(content.records)
    if not pairs:
        return
    rows: list[list[TableCell]] = [
        [
            Opens(test=places.of(record), text=str(record.key)),
            State(slug=_LIMIT_SLUGS[outcome.outcome], text=outcome.outcome),
            outcome.limit,
            outcome.figure_name,
            outcome.why,
        ]
        for record, outcome in pairs[:_ROWS]
    ]
    yield SmallTable(
        heading="Limits",
        note="With repeats the 95 % interval decides: inconclusive where the limit is within it. Without "
        "repeats the one measurement does. Invalid results are not judged.",
        heads=("Key", "Outcome", "Limit", "Figure", "Why"),
        rows=rows,
        more=_more(pairs),
        folded=True,
        every=len(pairs),
        tests=[[places.of(record)] for record, _ in pairs[:_ROWS]],
    )


def repeats(content: RunContent) -> Iterator[SmallTable]:
    """How far the repeats of keys lie apart, the worst first."""
    places = Places(content)
    found = [
        (record, one)
        for record in repeated(content.records)
        if record.over_repeats is not None
        for one in record.over_repeats.figures
        if one.metric in _GRADED
    ]
    if not found:
        return
    found.sort(key=lambda pair: -(pair[1].cv or 0.0))
    yield SmallTable(
        heading="Repeats",
        note="Geometric mean over the repeats, 95 % interval (t on logarithms), coefficient of variation. "
        "p99 is that of each repeat. Not gateable: fewer than 3 repeats, or a coefficient of variation above "
        "10 %. Order: whether the figure rises or falls from repeat to repeat.",
        heads=("Key", "Figure", "Mean", "95 % interval", "CV %", "Repeats", "Grade", "Order"),
        rows=[_repeat_row(places.of(record), record, one) for record, one in found[:_ROWS]],
        more=_more(found),
        folded=True,
        every=len(found),
        tests=[[places.of(record)] for record, _ in found[:_ROWS]],
        numbers=(2, 3, 4),
    )


def _repeat_row(place: int, record: Record, one: FigureSpread) -> list[TableCell]:
    assert record.over_repeats is not None
    unit = METRICS[one.metric]
    known = one.low is not None and one.high is not None
    return [
        Opens(test=place, text=str(record.key)),
        one.name,
        text_of(one.geometric_mean, unit),
        f"{text_of(one.low or 0.0, unit)} to {text_of(one.high or 0.0, unit)}" if known else "",
        "" if one.cv is None else f"{one.cv * 100:.1f}",
        f"{one.count} ({record.over_repeats.count_text})",
        one.grade,
        ("rises" if (one.order_rho or 0) > 0 else "falls") if one.order_told else "",
    ]


def noted(content: RunContent) -> Iterator[SmallTable]:
    """What happened to tests that were measured all the same."""
    places = Places(content)
    found = [(record, note) for record in content.records for note in record.notes]
    if found:
        yield SmallTable(
            heading="What was noted",
            heads=("Key", "Note"),
            rows=[
                [Opens(test=places.of(record), text=_name(record)), _cut(note)]
                for record, note in found[:_ROWS]
            ],
            more=_more(found),
            folded=True,
            every=len(found),
            tests=[[places.of(record)] for record, _ in found[:_ROWS]],
        )


def _name(record: Record) -> str:
    return f"{record.key}" + (f" repeat {record.repeat}" if record.repeat > 1 else "")


def _state(content: RunContent, place: int) -> State:
    state = content.tests[place].state
    return State(slug=state, text=WORDS[state])


def _cut(text: str) -> str:
    line = " ".join(text[: 4 * _LONGEST].split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _more(found: Sequence[object]) -> str:
    return f"and {len(found) - _ROWS} more." if len(found) > _ROWS else ""

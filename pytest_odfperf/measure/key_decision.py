"""What the last repeat of a key decides: figures over all its repeats, and its limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pytest_odfperf.matrix.values.limit import Limit
from pytest_odfperf.measure.limits.limit_judgement import judge_limits, not_judged
from pytest_odfperf.measure.limits.limit_outcome import BROKEN, LimitOutcome
from pytest_odfperf.measure.record import Record
from pytest_odfperf.measure.statistics.over_repeats import FigureSpread, OverRepeats
from pytest_odfperf.measure.statistics.rank_correlation import in_order
from pytest_odfperf.measure.statistics.record_figures import Figures, limit_figures, shown_sections
from pytest_odfperf.measure.statistics.spread import spread_of


def undecided(record: Record) -> Record:
    """``record`` without what limits made of it."""
    if record.reason_code == BROKEN:
        record = replace(record, status="passed", reason=None, reason_code=None)
    return replace(record, limits=(), over_repeats=None) if record.limits or record.over_repeats else record


def decided(record: Record, of_key: Iterable[Record], limits: Sequence[Limit], asked: int) -> Record:
    """``record``, the last repeat of its key, with what all of them come to.

    ``of_key`` are the key's records, ``record`` may be among them; ``asked`` is the number of repeats. A test
    that passed fails if a limit is broken.
    """
    record = undecided(record)
    repeats = one_each([*of_key, record]) if asked > 1 else [record]
    over = over_repeats(repeats, asked) if asked > 1 else None
    outcomes = _outcomes(repeats, limits, asked)
    record = replace(record, over_repeats=over, limits=outcomes)
    broken = [outcome for outcome in outcomes if outcome.outcome == "broken"]
    if not broken or record.status != "passed":
        return record
    text = "; ".join(f"{one.limit}: {one.figure_name} is {one.why}" for one in broken)
    return replace(record, status="failed", reason=f"limit broken: {text}", reason_code=BROKEN)


def one_each(records: Iterable[Record]) -> list[Record]:
    """Of each repeat one record, in the order of time: the last that measured something, if any did."""
    found: dict[int, Record] = {}
    for record in records:
        if record.repeat not in found or record.jobs or not found[record.repeat].jobs:
            found[record.repeat] = record
    return sorted(found.values(), key=lambda record: (record.started_at_epoch_ms, record.repeat))


def over_repeats(repeats: Sequence[Record], asked: int) -> OverRepeats:
    """The figures over ``repeats``, one record each, in the order of time."""
    return replace(counted(repeats, asked), figures=_spreads(figures_each(repeats)))


def counted(repeats: Sequence[Record], asked: int) -> OverRepeats:
    """`over_repeats` without figures."""
    usable = _usable(repeats)
    suspect = sum(record.verdict == "suspect" for record in usable)
    return OverRepeats(
        asked=asked,
        valid=len(usable) - suspect,
        suspect=suspect,
        invalid=sum(not record.usable for record in repeats),
        figures=(),
    )


def figures_each(repeats: Sequence[Record]) -> list[Figures]:
    """The figures of each of ``repeats`` that has some."""
    usable = _usable(repeats)
    sections = any(record.apart for record in usable)
    return [limit_figures(record, sections=sections) for record in usable]


def _usable(repeats: Sequence[Record]) -> list[Record]:
    return [record for record in repeats if record.jobs and record.usable]


def _spreads(repeats: Sequence[Figures]) -> tuple[FigureSpread, ...]:
    names = dict.fromkeys(name for figures in repeats for name in figures)
    sections = set(shown_sections(names))
    found = []
    for name in names:
        if name.section not in sections:
            continue
        values = [value for figures in repeats if (value := figures.get(name)) is not None]
        if not values:
            continue
        spread, order = spread_of(values), in_order(values) if len(values) > 1 else None
        found.append(
            FigureSpread(
                section=name.section,
                direction=name.direction,
                metric=name.metric,
                count=spread.count,
                geometric_mean=spread.geometric_mean,
                low=spread.low,
                high=spread.high,
                cv=spread.cv,
                grade=spread.grade,
                order_rho=order.rho if order else None,
                order_told=order is not None and order.told,
            )
        )
    return tuple(found)


def _outcomes(repeats: Sequence[Record], limits: Sequence[Limit], asked: int) -> tuple[LimitOutcome, ...]:
    measured = [record for record in repeats if record.jobs and record.usable]
    if measured:
        suspect = sum(record.verdict == "suspect" for record in measured)
        return judge_limits(
            limits, [limit_figures(record) for record in measured], asked=asked, suspect=suspect
        )
    invalid = [record for record in repeats if not record.usable]
    if not invalid:
        return ()  # an error, or a skipped test, which says enough
    codes = ", ".join(dict.fromkeys(code for record in invalid for code in record.codes))
    return not_judged(limits, f"the measurement is invalid ({codes})")

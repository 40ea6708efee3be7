"""Limits and repeats at the end of the terminal's output: counts, and the keys that want a look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from pytest_odfperf.matrix.values.limit import METRICS
from pytest_odfperf.measure.limits.limit_judgement import text_of
from pytest_odfperf.measure.limits.limit_outcome import OUTCOMES, LimitOutcome
from pytest_odfperf.measure.record import Record
from pytest_odfperf.measure.statistics.over_repeats import FigureSpread

#: Lines of each kind.
_SHOWN = 12
#: Figures of a key on its line.
_FIGURES = 6
#: By these figures a key is called noisy, or not gateable.
_GRADED = ("iops", "p99")


def judged(records: Iterable[Record]) -> list[tuple[Record, LimitOutcome]]:
    """All outcomes, those that people want to know first; tests of one key tell each once."""
    found = {(record.key, outcome): record for record in records for outcome in record.limits}
    pairs = [(record, outcome) for (_, outcome), record in found.items()]
    return sorted(pairs, key=lambda pair: OUTCOMES.index(pair[1].outcome))


def repeated(records: Iterable[Record]) -> list[Record]:
    """The last record of each key with repeats."""
    return list({record.key: record for record in records if record.over_repeats is not None}.values())


def broken_unseen(records: Iterable[Record]) -> list[str]:
    """Keys whose limit is broken by valid repeats, while the last one has no figures and did not fail."""
    return [
        f"{record.key}: a limit is broken by its valid repeats, though its last one is {record.status}"
        for record in records
        if record.status != "failed"
        and not (record.usable and record.jobs)
        and any(one.outcome == "broken" for one in record.limits)
    ]


def limit_lines(records: Iterable[Record]) -> list[str]:
    """How many limits were met, and which were not."""
    pairs = judged(records)
    if not pairs:
        return []
    counts = Counter(outcome.outcome for _, outcome in pairs)
    alone = sum(outcome.repeats == 1 and outcome.outcome in ("met", "broken") for _, outcome in pairs)
    said = f" ({alone} by one measurement, without repeats)" if alone else ""
    lines = [f"Limits: {', '.join(f'{counts[word]} {word}' for word in OUTCOMES if counts[word])}{said}"]
    told = [f"  {record.key}: {outcome}" for record, outcome in pairs if outcome.outcome != "met"]
    return [*lines, *_cut(told)]


def repeat_lines(records: Iterable[Record]) -> list[str]:
    """How far the repeats of keys lie apart."""
    keys = repeated(records)
    if not keys:
        return []
    told = []
    counts: Counter[str] = Counter()
    for record in keys:
        assert record.over_repeats is not None
        graded = [one for one in record.over_repeats.figures if one.metric in _GRADED]
        worst = max(graded, key=_badness, default=None)
        counts[worst.grade if worst else "not measured"] += 1
        shown = "; ".join(map(spread_text, graded[:_FIGURES])) or "no valid repeat"
        more = f"; {len(graded) - _FIGURES} more figures" if len(graded) > _FIGURES else ""
        told.append((_badness(worst), f"  {record.key}: {shown}{more} ({record.over_repeats.count_text})"))
    words = ("ok", "noisy", "not gateable", "not measured")
    limits = {"ok": " (CV up to 5 %)", "noisy": " (CV up to 10 %)"}
    graded_so = ", ".join(f"{counts[word]} {word}{limits.get(word, '')}" for word in words if counts[word])
    told.sort(key=lambda pair: pair[0], reverse=True)
    return [f"Repeats: of {len(keys)} keys {graded_so}", *_cut([line for _, line in told])]


def spread_text(one: FigureSpread) -> str:
    """``read iops 1,234 IOPS (1,200 to 1,270), CV 2.1 %``, and what is wrong with it."""
    unit = METRICS[one.metric]
    text = f"{one.name} {text_of(one.geometric_mean, unit)}"
    if one.low is not None and one.high is not None and one.cv is not None:
        text += f" ({text_of(one.low, unit)} to {text_of(one.high, unit)}), CV {one.cv * 100:.1f} %"
    if one.grade == "not gateable":
        text += ", not gateable"
    if one.order_told and one.order_rho is not None:
        text += f", {'rises' if one.order_rho > 0 else 'falls'} from repeat to repeat"
    return text


def _badness(one: FigureSpread | None) -> tuple[int, float]:
    if one is None:
        return 3, 0.0
    return ("ok", "noisy", "not gateable").index(one.grade), one.cv or 0.0


def _cut(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_SHOWN]
    if len(lines) > _SHOWN:
        yield f"  and {len(lines) - _SHOWN} more, in results-keys.csv"

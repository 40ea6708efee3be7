"""A row of the table of keys for each test or unlike section of it, and one over the repeats of a key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.reading.fields import parse_fio_bytes
from pytest_odfperf.matrix.values.limit import ALL
from pytest_odfperf.measure.aggregate import DirectionMeasurement, LatencyMeasurement
from pytest_odfperf.measure.limits.limit_outcome import OUTCOMES
from pytest_odfperf.measure.record import DIRECTIONS, Record
from pytest_odfperf.measure.statistics.over_repeats import FigureSpread, OverRepeats
from pytest_odfperf.quantity import to_bytes
from pytest_odfperf.report.content.result_state import STATES, WORDS, ResultState
from pytest_odfperf.report.content.run_content import RunContent, RunTest
from pytest_odfperf.report.number import MEBI, NS_PER_MS
from pytest_odfperf.report.parts import Part, shown_parts
from pytest_odfperf.report.run_page.key_columns import KeyTable, Mark

#: Of a reason; the whole is in the details.
_LONGEST_TEXT = 160
_LATENCIES: Mapping[str, str] = {
    "mean": "lat_mean_ns",
    "p50": "lat_p50_ns",
    "p95": "lat_p95_ns",
    "p99": "lat_p99_ns",
    "p999": "lat_p999_ns",
    "max": "lat_max_ns",
    "worst": "worst_guest_lat_p99_ns",
    "middle": "median_guest_lat_p99_ns",
}
#: A limit's metric to the end of a column's name, and what its figures are divided by.
_METRICS: Mapping[str, tuple[str, float]] = {
    "iops": ("iops", 1.0),
    "bw": ("bw", float(MEBI)),
    "mean": ("mean", float(NS_PER_MS)),
    "p50": ("p50", float(NS_PER_MS)),
    "p95": ("p95", float(NS_PER_MS)),
    "p99": ("p99", float(NS_PER_MS)),
    "p99.9": ("p999", float(NS_PER_MS)),
    "worst guest p99": ("worst", float(NS_PER_MS)),
}
#: Figures whose interval over the repeats is shown beside them.
_SPREAD = ("iops", "p99")


def key_table(content: RunContent) -> dict[str, Any]:
    """The table in plain JSON types."""
    table = KeyTable()
    of_key: dict[Key, list[tuple[int, RunTest]]] = {}
    for index, test in enumerate(content.tests):
        of_key.setdefault(test.key, []).append((index, test))
    repeats = any(test.repeat > 1 for test in content.tests)
    for tests in of_key.values():
        over = next((t.record for _, t in reversed(tests) if t.record and t.record.over_repeats), None)
        if over is not None and over.over_repeats is not None:
            _add_over(table, tests, over, over.over_repeats)
        for index, test in tests:
            _add_test(table, index, test, repeats)
    return table.to_plain(
        {
            "bs": lambda text: (parse_fio_bytes(text) or 0, text),
            "pvc": lambda text: (_bytes(text), text),
            "state": _state_place,
            "limits": lambda text: (_LIMIT_PLACES.get(text, len(OUTCOMES)), text),
        }
    )


_WORST_FIRST: tuple[ResultState, ...] = (
    "limit_broken", "invalid", "failed", "suspect", "not_run", "skipped", "passed",
)  # fmt: skip


def _state_place(text: str) -> tuple[int, str]:
    return next(
        (at for at, state in enumerate(_WORST_FIRST) if text.endswith(WORDS[state])), len(STATES)
    ), text


_LIMIT_PLACES: Mapping[str, int] = {word: place for place, word in enumerate(OUTCOMES)}


def _bytes(text: str) -> int:
    try:
        return to_bytes(text)
    except InputError:  # of a record that somebody changed
        return 0


def _add_test(table: KeyTable, index: int, test: RunTest, repeats: bool) -> None:
    record, bit = test.record, 1 << STATES.index(test.state)
    texts = {**_key_texts(test.key), "state": WORDS[test.state]}
    if repeats:
        texts["repeat"] = str(test.repeat)
    if record is None:
        table.add(index, bit, texts, {"vms": test.key.concurrency})
        return
    texts |= {
        "verdict": record.verdict or "",
        "doubts": ", ".join(record.codes),
        "limits": _worst(record),
        "marking": ", ".join(filter(None, (record.marking, record.target, record.machine))),
        "began": time_text(record.started_at_epoch_ms),
        "reason": _cut(_said(record)),
    }
    common = {"vms": test.key.concurrency, "minutes": record.duration_s / 60}
    if record.usable and record.fairness is not None:
        common["fairness"] = record.fairness.jain
    for part in shown_parts(record) or [Part(name="", read=None, write=None, sync=None)]:
        numbers, marks = _figures(part)
        table.add(index, bit, {**texts, "section": part.name}, {**common, **numbers}, marks)


def _figures(part: Part) -> tuple[dict[str, float | None], dict[str, Mark]]:
    numbers: dict[str, float | None] = {}
    marks: dict[str, Mark] = {}
    for direction in DIRECTIONS:
        one: LatencyMeasurement | None = getattr(part, direction)
        if one is None:
            continue
        numbers[f"{direction}_iops"] = one.iops_per_s
        if isinstance(one, DirectionMeasurement):
            numbers[f"{direction}_bw"] = one.bw_bytes_per_s / MEBI
        for short, name in _LATENCIES.items():
            value = getattr(one, name) if short in ("mean", "max") else one.carried_ns(name)
            if value is None:
                marks[f"{direction}_{short}"] = "n/a"
            else:
                numbers[f"{direction}_{short}"] = value / NS_PER_MS
                if one.lat_saturated and short != "mean":
                    marks[f"{direction}_{short}"] = "≥"
    return numbers, marks


def _add_over(
    table: KeyTable, tests: Sequence[tuple[int, RunTest]], record: Record, over: OverRepeats
) -> None:
    """What the repeats of a key say together: geometric means with their intervals."""
    counts = Counter(test.state for _, test in tests)
    states = sum(1 << STATES.index(state) for state in counts)
    worst = next(state for state in _WORST_FIRST if counts[state])
    every = sum(counts.values())
    said = f"{counts[worst]} of {every} {WORDS[worst]}" if len(counts) > 1 else WORDS[worst]
    texts = {
        **_key_texts(record.key),
        "state": said,
        "repeat": "all",
        "verdict": over.count_text,
        "doubts": ", ".join(dict.fromkeys(code for _, t in tests if t.record for code in t.record.codes)),
        "limits": _worst(record),
        "marking": ", ".join(filter(None, (record.marking, record.target, record.machine))),
        "reason": _cut(next((_said(t.record) for _, t in tests if t.record and t.record.reason), "")),
    }
    # Figures of repeats that are all invalid are nowhere.
    figures = over.figures if any(t.record and t.record.usable for _, t in tests) else ()
    for section in dict.fromkeys(one.section for one in figures) or {"": None}:
        own = [one for one in figures if one.section == section]
        numbers, spreads = _over_figures(own)
        common: dict[str, float | None] = {"vms": record.key.concurrency}
        table.add(tests[-1][0], states, {**texts, "section": section}, {**common, **numbers}, None, spreads)


def _over_figures(
    figures: Iterable[FigureSpread],
) -> tuple[dict[str, float | None], dict[str, tuple[float, float]]]:
    numbers: dict[str, float | None] = {}
    spreads: dict[str, tuple[float, float]] = {}
    for one in figures:
        if one.metric == "fairness":
            numbers["fairness"] = one.geometric_mean
        if one.metric not in _METRICS or one.direction == ALL:
            continue
        short, divisor = _METRICS[one.metric]
        name = f"{one.direction}_{short}"
        numbers[name] = one.geometric_mean / divisor
        if short in _SPREAD and one.low is not None and one.high is not None:
            spreads[name] = (one.low / divisor, one.high / divisor)
        if short in _SPREAD and one.cv is not None:
            numbers["cv"] = max(numbers.get("cv") or 0.0, one.cv * 100)
    return numbers, spreads


def _key_texts(key: Key) -> dict[str, str]:
    return {
        "pool": key.pool,
        "size": key.size,
        "pvc": key.pvc,
        "profile": key.profile,
        "bs": key.block_size,
    }


def _worst(record: Record) -> str:
    found = {one.outcome for one in record.limits}
    return next((word for word in OUTCOMES if word in found), "")


def _said(record: Record) -> str:
    if record.reason:
        return record.reason
    if record.capacity is not None:
        return record.capacity.text
    return "; ".join(record.notes)


def _cut(text: str) -> str:
    line = " ".join(text[: 4 * _LONGEST_TEXT].split())
    return line if len(line) <= _LONGEST_TEXT else line[: _LONGEST_TEXT - 1] + "…"


def time_text(epoch_ms: int) -> str:
    """In UTC; empty for what is no time."""
    try:
        return datetime.fromtimestamp(epoch_ms // 1000, UTC).isoformat(" ")[: len("2026-11-30 16:00:00")]
    except (OverflowError, ValueError, OSError):
        return ""

"""results-keys.csv: one row per key over its repeats, and per section where those are unlike.

Figures are geometric means over the repeats that are valid or suspect, with the ends of their 95 % intervals.
Percentiles are those of each repeat. Without repeats a row has the figures of its one measurement.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.limit import ALL
from pytest_odfperf.measure.key_decision import one_each, over_repeats
from pytest_odfperf.measure.record import DIRECTIONS, Record
from pytest_odfperf.measure.statistics.over_repeats import FigureSpread
from pytest_odfperf.report.tables.csv_cells import cell_text
from pytest_odfperf.report.tables.result_rows import KEY_COLUMNS

#: Metric of a limit to column, in the unit of the figure.
_FIGURES = {
    "iops": "iops_per_s",
    "bw": "bw_bytes_per_s",
    "mean": "lat_mean_ns",
    "p50": "lat_p50_ns",
    "p95": "lat_p95_ns",
    "p99": "lat_p99_ns",
    "p99.9": "lat_p999_ns",
    "worst guest p99": "worst_guest_lat_p99_ns",
    "fairness": "fairness",
}
#: Of these the spread is shown too.
_SPREAD = ("iops", "p99")

COLUMNS = (
    *KEY_COLUMNS,
    "job_name",
    "repeats",
    "valid",
    "suspect",
    "invalid",
    "missing",
    *(
        f"{direction}_{column}{more}"
        for direction in DIRECTIONS
        for metric, column in _FIGURES.items()
        if (direction, metric) != ("sync", "bw")
        for more in (("", "_low", "_high", "_cv", "_order_rho", "_grade") if metric in _SPREAD else ("",))
    ),
    "fairness",
    "limits_met",
    "limits_broken",
    "limits_inconclusive",
    "limits",
    "marking",
)


def render_keys_csv(records: Iterable[Record], repeats: Mapping[Key, int]) -> str:
    """The whole file, keys in the order of their first records; ``repeats``: how often each was asked for."""
    of_key: dict[Key, list[Record]] = {}
    for record in records:
        of_key.setdefault(record.key, []).append(record)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for key, every_own in of_key.items():
        # One that is left of an earlier definition is another figure.
        own = [record for record in every_own if record.definition == every_own[0].definition]
        every = one_each(own)
        over = over_repeats(every, max(repeats.get(key, 1), *(record.repeat for record in every)))
        outcomes = list(dict.fromkeys(outcome for record in own for outcome in record.limits))
        common = {
            **{name: cell_text(value) for name, value in zip(KEY_COLUMNS, key.fields, strict=True)},
            "repeats": str(over.asked),
            "valid": str(over.valid),
            "suspect": str(over.suspect),
            "invalid": str(over.invalid),
            "missing": str(over.missing),
            **{
                f"limits_{word}": str(sum(outcome.outcome == word for outcome in outcomes))
                for word in ("met", "broken", "inconclusive")
            },
            "limits": cell_text("; ".join(map(str, outcomes))),
            "marking": cell_text(own[0].marking or ""),
        }
        sections: dict[str, list[FigureSpread]] = {}
        for one in over.figures:
            sections.setdefault(one.section, []).append(one)
        for section, figures in sections.items() or [("", [])]:
            row: list[str | float] = [""] * len(COLUMNS)
            for name, cell in {**common, "job_name": cell_text(section)}.items():
                row[_PLACES[name]] = cell
            for one in figures:
                _fill(row, one)
            table.writerow(row)
    return text.getvalue()


def _fill(row: list[str | float], one: FigureSpread) -> None:
    """Put a figure into its columns; one that is not known has an empty cell."""
    place = _FIGURE_PLACES.get((one.direction, one.metric))
    if place is None:
        return
    row[place] = one.geometric_mean
    if one.metric in _SPREAD:
        more = (one.low, one.high, one.cv, one.order_rho)
        row[place + 1 : place + 5] = ["" if value is None else value for value in more]
        row[place + 5] = one.grade


#: In the order of `COLUMNS`, from `_FIGURES` on: `_fill` goes by it.
_PLACES = {name: place for place, name in enumerate(COLUMNS)}
_FIGURE_PLACES = {
    (direction, metric): _PLACES[column if direction == ALL else f"{direction}_{column}"]
    for direction in (*DIRECTIONS, ALL)
    for metric, column in _FIGURES.items()
    if (column if direction == ALL else f"{direction}_{column}") in _PLACES
}

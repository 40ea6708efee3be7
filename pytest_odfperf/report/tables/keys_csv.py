"""results-keys.csv: one row per key over its repeats, and per section where those are unlike.

Figures are geometric means over the repeats that are valid or suspect, with the ends of their 95 % intervals.
Percentiles are those of each repeat. Without repeats a row has the figures of its one measurement.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.values.limit import ALL
from pytest_odfperf.measure.key_decision import counted, figures_each, one_each, over_repeats
from pytest_odfperf.measure.record import DIRECTIONS, Record
from pytest_odfperf.measure.statistics.record_figures import FigureName, shown_sections
from pytest_odfperf.measure.statistics.spread import spread_of
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
        over = counted(every, max(repeats.get(key, 1), *(record.repeat for record in every)))
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
        rows: dict[str, list[_Cell]] = {}
        for (section, direction, metric), value, more in _figures(every, over.asked):
            row = rows.get(section)
            if row is None:
                row = rows[section] = _row({**common, "job_name": cell_text(section)})
            place = _FIGURE_PLACES.get((direction, metric))
            if place is not None:
                row[place] = value
                if metric in _SPREAD:
                    row[place + 1 : place + 6] = more
        table.writerows(rows.values() or [_row(common)])
    return text.getvalue()


def _row(cells: Mapping[str, str]) -> list[_Cell]:
    row: list[_Cell] = [""] * len(COLUMNS)
    for name, cell in cells.items():
        row[_PLACES[name]] = cell
    return row


def _figures(
    repeats: Sequence[Record], asked: int
) -> Iterator[tuple[tuple[str, str, str], float, Sequence[_Cell]]]:
    """Each figure by section, direction and metric, and the cells of its spread."""
    each = figures_each(repeats)
    if len(each) == 1:
        # Most runs have no repeats: what one value says is the same for all.
        sections = set(shown_sections(each[0]))
        for name, value in each[0].items():
            if value is not None and name.section in sections:
                yield name, value, _SINGLE
        return
    for one in over_repeats(repeats, asked).figures:
        more = ("" if cell is None else cell for cell in (one.low, one.high, one.cv, one.order_rho))
        name = FigureName(one.section, one.direction, one.metric)
        yield name, one.geometric_mean, (*more, one.grade)


_Cell = str | float
_SINGLE: Sequence[_Cell] = ("", "", "", "", spread_of([1.0]).grade)

#: In the order of `COLUMNS`: rows are filled by it.
_PLACES = {name: place for place, name in enumerate(COLUMNS)}
_FIGURE_PLACES = {
    (direction, metric): _PLACES[column if direction == ALL else f"{direction}_{column}"]
    for direction in (*DIRECTIONS, ALL)
    for metric, column in _FIGURES.items()
    if (column if direction == ALL else f"{direction}_{column}") in _PLACES
}

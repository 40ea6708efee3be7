"""The course in time of each result that is doubted, or is no measurement at all: for diagnosis only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.content.run_content import RunTest
from pytest_odfperf.report.pictures import spec_parts as parts
from pytest_odfperf.report.pictures.course.thinned_series import GuestSeries, read_guest_series, thinned
from pytest_odfperf.report.pictures.picture import Cell, Column, Picture, Slice
from pytest_odfperf.report.pictures.shown_figures import Shown, ms, rounded

MOST_TESTS = 20
MOST_GUESTS = 6
#: Of all views together.
MOST_ROWS = 2000
#: Of one test.
_MOST_OF_TEST = 300

_COLUMNS = (
    parts.TEST,
    Column(field="guest", heading="guest, by its place in the group"),
    Column(field="part", heading="section and direction"),
    Column(field="second", heading="time (s)"),
    Column(field="rate", heading="IOPS"),
    Column(field="p99", heading="p99, at most (ms)"),
    Column(field="most", heading="longest I/O, at most (ms)"),
)


def doubtful_series(shown: Shown) -> Picture | None:
    """None if nothing is doubted, or no series is there."""
    content = shown.content
    doubted = [
        (number, test, test.record)
        for number, test in enumerate(content.tests)
        if test.record is not None and test.record.verdict in ("suspect", "invalid")
    ]
    slices: list[Slice] = []
    left, cut = MOST_ROWS, 0
    for number, test, record in doubted:
        if left <= 0 or len(slices) >= 2 * MOST_TESTS:
            cut += 1
            continue
        series = read_guest_series(content, record, MOST_GUESTS)
        if series:
            slices += series_slices(series, number, _label(test, record))
            left -= len(slices[-1].rows)
    if not slices:
        return None
    sentence = (
        "What went wrong in a result that is suspect or invalid? Its rate and latencies from sample to "
        "sample, a line for each guest; the shaded time is what all guests have in common. Lines of an "
        "invalid result are for diagnosis, and no measurement. Of long series the least and the largest "
        "samples are drawn, none is a mean."
    )
    if cut:
        sentence += f" {cut} more doubted tests are left out."
    return Picture(
        name="doubtful", title="Series of doubtful results", sentence=sentence, slices=tuple(slices)
    )


def _label(test: RunTest, record: Record) -> str:
    repeat = f", repeat {test.repeat}" if test.repeat > 1 else ""
    guests = len(record.guests)
    more = f", {MOST_GUESTS} of {guests} guests" if guests > MOST_GUESTS else ""
    return f"{record.verdict}: {test.key}{repeat} ({', '.join(record.codes)}{more})"


def series_slices(series: Sequence[GuestSeries], number: int | None, label: str) -> list[Slice]:
    """Two views: rates, and latencies where there are some."""
    rows = tuple(_rows(series, number))
    found = [Slice(label=f"{label}: IOPS", spec=_rates(series), columns=_COLUMNS, rows=rows)]
    if any(row[6] is not None for row in rows):
        spec = _latencies(series)
        found.append(Slice(label=f"{label}: latency", spec=spec, columns=_COLUMNS, rows=rows))
    return found


def _rows(series: Sequence[GuestSeries], number: int | None) -> Iterator[tuple[Cell, ...]]:
    # Of each piece up to three samples are drawn.
    pieces = max(4, min(24, _MOST_OF_TEST // (3 * len(series))))
    for one in series:
        part = f"{one.series.job} {one.series.direction}"
        for sample in thinned(one.series.samples, pieces):
            second = rounded((one.offset_ms + sample.end_ms) / 1000)
            rate = rounded(sample.iops_per_s)
            latencies = ms(sample.lat_p99_below_ns), ms(sample.lat_max_below_ns)
            yield number, one.guest, part, second, rate, *latencies


def _window(series: Sequence[GuestSeries]) -> list[parts.Spec]:
    """The time that all guests have in common, if they are several."""
    if len({one.guest for one in series}) < 2:
        return []
    began = max(one.offset_ms for one in series) / 1000
    ended = min(one.offset_ms + one.series.samples[-1].end_ms for one in series) / 1000
    if ended <= began:
        return []
    return [
        {
            "data": {"values": [{"began": rounded(began), "ended": rounded(ended)}]},
            "mark": {"type": "rect", "opacity": 0.12},
            "encoding": {"x": {"field": "began", "type": "quantitative"}, "x2": {"field": "ended"}},
        }
    ]


_ALONG = {"field": "second", "type": "quantitative", "title": "time since the first guest's start (s)"}


def _line(series: Sequence[GuestSeries]) -> parts.Spec:
    names = list(dict.fromkeys(f"{one.series.job} {one.series.direction}" for one in series))
    return {
        "x": {**_ALONG, "scale": {"nice": False, "zero": True}, "axis": {"tickCount": 8}},
        "color": parts.named("part", "section and direction", scale={"domain": names}),
        "detail": {"field": "guest", "type": "nominal"},
        "tooltip": parts.tooltip(_COLUMNS),
    }


def _rates(series: Sequence[GuestSeries]) -> parts.Spec:
    return parts.view(
        "Lines of IOPS over time",
        *_window(series),
        {
            "mark": {"type": "line", "point": {"size": 18}, "strokeWidth": 1.3},
            "encoding": {
                **_line(series),
                "y": {"field": "rate", "type": "quantitative", "title": "IOPS", "scale": {"zero": True}},
                "strokeDash": _dashes(series),
            },
        },
        height=260,
    )


def _latencies(series: Sequence[GuestSeries]) -> parts.Spec:
    kinds = {"domain": ["p99", "most"], "range": [[1, 0], [2, 3]]}
    names = "datum.label === 'most' ? 'longest I/O' : 'p99'"
    return parts.view(
        "Lines of latency over time",
        *_window(series),
        {
            "transform": [{"fold": ["p99", "most"], "as": ["kind", "latency"]}],
            "mark": {"type": "line", "strokeWidth": 1.3},
            "encoding": {
                **_line(series),
                "y": parts.quantity("latency", "latency, at most (ms)", [], log=True),
                "strokeDash": parts.named("kind", "latency", scale=kinds, legend={"labelExpr": names}),
            },
        },
        height=260,
    )


def _dashes(series: Sequence[GuestSeries]) -> parts.Spec:
    names = list(dict.fromkeys(f"{one.series.job} {one.series.direction}" for one in series))
    dashes = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [1, 3]]
    scale = {"domain": names, "range": [dashes[at % len(dashes)] for at in range(len(names))]}
    return parts.named("part", "section and direction", scale=scale)

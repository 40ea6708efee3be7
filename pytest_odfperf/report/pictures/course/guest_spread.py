"""How evenly the guests of a group were served: a dot for each guest, the least even tests first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.content.run_content import RunTest
from pytest_odfperf.report.number import digits
from pytest_odfperf.report.pictures import spec_parts as parts
from pytest_odfperf.report.pictures.picture import Cell, Column, Picture, Slice
from pytest_odfperf.report.pictures.shown_figures import Shown, rounded, word

#: Tests of one view.
MOST_TESTS = 25
#: Guests of one test that are drawn: of more, the ends and some between.
MOST_GUESTS = 40
#: Of all views together.
MOST_ROWS = 1000

_COLUMNS = (
    parts.TEST,
    Column(field="key", heading="key"),
    Column(field="pool", heading="pool"),
    Column(field="guest", heading="guest"),
    Column(field="rate", heading="IOPS, reads and writes"),
    Column(field="share", heading="of the median guest (%)"),
    Column(field="said", heading="evenness"),
)


def guest_spread(shown: Shown) -> Picture | None:
    """None unless a test had several guests."""
    content = shown.content
    found = [
        (number, test, test.record)
        for number, test in enumerate(content.tests)
        if test.record is not None and test.record.usable and test.record.fairness is not None
    ]
    found.sort(key=lambda one: one[2].fairness.jain if one[2].fairness else 1.0)
    of_pools = [(pool, [one for one in found if one[1].key.pool == pool]) for pool in content.pools]
    views = [("all pools", found), *(of_pools if len(content.pools) > 1 else ())]
    slices: list[Slice] = []
    left, cut = MOST_ROWS, 0
    for label, own in views:
        rows = tuple(row for one in own[:MOST_TESTS] for row in _rows(*one))
        if len(rows) > left:
            cut += 1
        elif rows:
            left -= len(rows)
            more = f" (the {MOST_TESTS} least even of {len(own)})" if len(own) > MOST_TESTS else ""
            spec = _spec(content.pools, rows)
            slices.append(Slice(label=label + more, spec=spec, columns=_COLUMNS, rows=rows))
    if not slices:
        return None
    sentence = (
        "Were all VMs of a group served alike? Each dot is a guest against the median guest of its test, in "
        "the section that served them the least evenly; the least even tests first. Jain's index J is 1 if "
        "all had the same, and 1/n if one had all."
    )
    if cut:
        sentence += f" {cut} more views are left out."
    return Picture(name="guests", title="Spread over the guests", sentence=sentence, slices=tuple(slices))


def _rows(number: int, test: RunTest, record: Record) -> Iterator[tuple[Cell, ...]]:
    assert record.fairness is not None
    rates = {
        guest.name: sum(
            part.iops_per_s
            for job in guest.jobs
            if job.name == record.fairness.job
            for part in (job.read, job.write)
            if part is not None
        )
        for guest in record.guests
    }
    middle = median(rates.values()) if rates else 0.0
    if middle <= 0:
        return
    name = str(test.key) + (f", repeat {test.repeat}" if test.repeat > 1 else "")
    guests = sorted(rates, key=lambda guest: (rates[guest], guest))
    said = f"J {digits(record.fairness.jain)}, slowest {digits(100 * record.fairness.min_over_median)} %"
    if len(record.jobs) > 1:
        said += f", {record.fairness.job}"
    if word(test) != "passed":
        said += f", {word(test)}"
    # What is of the test as a whole is said once.
    told: tuple[str | None, str | None] = (name, said)
    for guest in _some(guests):
        share = rounded(100 * rates[guest] / middle)
        yield number, told[0], test.key.pool, guest[:60], rounded(rates[guest]), share, told[1]
        told = None, None


def _some(guests: Sequence[str]) -> Iterable[str]:
    """All guests, or as many as are drawn, evenly over their order, both ends among them."""
    if len(guests) <= MOST_GUESTS:
        return guests
    last = len(guests) - 1
    return [guests[round(place * last / (MOST_GUESTS - 1))] for place in range(MOST_GUESTS)]


def _spec(pools: Sequence[str], rows: Sequence[tuple[Cell, ...]]) -> parts.Spec:
    shares = [value for row in rows if isinstance(value := row[5], int | float)]
    low, high = min(100.0, *shares), max(100.0, *shares)
    edge = max(1.0, (high - low) * 0.05)
    along = {
        "field": "share",
        "type": "quantitative",
        "title": "IOPS of the guest, of the median guest (%)",
        "scale": {"domain": [rounded(max(0.0, low - edge)), rounded(high + edge)], "nice": False},
        "axis": {"tickCount": 6, "labelOverlap": True},
    }
    there = {row[2] for row in rows}
    own = parts.pool_encodings(pools, [pool for pool in pools if pool in there])
    return parts.view(
        "Dot plot of the guests' rates against the median guest of their test",
        {
            "data": {"values": [{"all": 100}]},
            "mark": {"type": "rule", "strokeDash": [4, 3]},
            "encoding": {"x": {**along, "field": "all"}},
        },
        {
            "mark": {"type": "point", "size": 70, "opacity": 0.75},
            "encoding": {
                "x": along,
                "y": parts.band("test", 0.68),
                **own,
                "tooltip": parts.tooltip(_COLUMNS[2:6]),
            },
        },
        *parts.band_texts("test", "key", "said"),
        height=36 * len({row[0] for row in rows}),
    )

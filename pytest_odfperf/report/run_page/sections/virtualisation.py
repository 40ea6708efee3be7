"""What a VM costs: keys that were measured in VMs and in pods, side by side."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.machine_pairs import MachinePair
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.machine_pairs_text import HEADING, HEADS, columns, in_one_line, pairs_of
from pytest_odfperf.report.run_page.sections.small_table import Opens, SmallTable, TableCell

_ROWS = 100
_NOTE = (
    "Rates in IOPS, p99 of all I/Os; over repeats geometric means, the interval is Welch's on logarithms. "
    "Below 100 % VMs are slower in a rate, above it in a p99. * stands at pairs with a suspect result."
)


def virtualisation(content: RunContent) -> Iterator[SmallTable]:
    """One table; nothing where there are no pairs."""
    pairs = content.once(pairs_of)
    if not pairs:
        return
    places: dict[Key, int] = {}
    for number, test in enumerate(content.tests):
        places.setdefault(test.key, number)
    shown = pairs[:_ROWS]
    yield SmallTable(
        heading=HEADING,
        note=f"{in_one_line(content)} {_NOTE}",
        heads=HEADS,
        rows=[_row(places, pair) for pair in shown],
        more=f"and {len(pairs) - _ROWS} more." if len(pairs) > _ROWS else "",
        every=len(pairs),
        tests=[[places[pair.vm.key], places[pair.pod.key]] for pair in shown],
        numbers=(3, 4, 5),
    )


def _row(places: dict[Key, int], pair: MachinePair) -> list[TableCell]:
    vm, pod = pair.vm.key, pair.pod.key
    mark = "*" if pair.suspect else ""
    return [
        Opens(test=places[vm], text=f"{vm}{mark}"),
        Opens(test=places[pod], text=pod.size),
        *columns(pair),
    ]

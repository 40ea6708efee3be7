"""Pools compared: their counts and logs, ranks, capacities and depth sweeps, and what ran at one time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from markupsafe import Markup

from pytest_odfperf.measure.ranking import composite_score
from pytest_odfperf.report.beside import beside_lines
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.number import NS_PER_MS, digits, short
from pytest_odfperf.report.run_page.details.detail_files import href
from pytest_odfperf.report.run_page.page_template import render_markup
from pytest_odfperf.report.run_page.sections.small_table import Link, SmallTable, TableCell, tables_markup
from pytest_odfperf.report.summary import count
from pytest_odfperf.report.tables.capacity_table import place_text, sweep_text
from pytest_odfperf.report.tables.ranking_table import (
    NAMES,
    RankingReport,
    intervals_text,
    lacks_text,
    made_of,
    rank_of,
    ranking_of,
)

#: Rows of a table.
_ROWS = 200


def pools_compared(content: RunContent) -> Markup:
    """The section's body; pictures come after it."""
    ranking = content.once(ranking_of)
    return (
        tables_markup([_counts(content), *_ranking(ranking)])
        + _lines(composite_score.NAME, _composites(ranking))
        + _lines("What ran at one time", beside_lines(content.records))
        + tables_markup([*_capacities(content), *_sweeps(content)])
    )


def _lines(heading: str, lines: Sequence[str]) -> Markup:
    return render_markup("lines.html.j2", heading=heading, lines=lines) if lines else Markup()


def _counts(content: RunContent) -> SmallTable:
    counts = count(content.records, content.pools)
    several = len(content.runs) > 1
    tests: dict[str, list[int]] = {}
    for at, test in enumerate(content.tests):
        tests.setdefault(test.key.pool, []).append(at)
    rows: list[list[TableCell]] = []
    for pool, one in counts.items():
        own = [record for record in content.records if record.key.pool == pool]
        run = content.run_of(own[-1]) if own else content.runs[0]
        figures = (one.passed, one.failed, one.skipped, one.valid, one.suspect, one.invalid)
        log = Link(href=href(run.href, f"{quote(pool, safe='')}/pool.log"), text="pool.log")
        not_run = len(tests.get(pool, ())) - len(own)
        rows.append([pool, *figures, not_run, log, *([run.run_id] if several else [])])
    heads = ("Pool", "Passed", "Failed", "Skipped", "Valid", "Suspect", "Invalid", "Not run", "Log")
    return SmallTable(
        heading="Pools",
        heads=(*heads, "Run") if several else heads,
        rows=rows,
        tests=[tests.get(pool, []) for pool in counts],
        numbers=range(1, 8),
    )


def _ranking(report: RankingReport) -> Iterator[SmallTable]:
    if not report.there:
        return
    heads, rows = ["Pool"], []
    for ranking in report.rankings:
        heads += [f"Rank by {NAMES[ranking.metric]}", "% of best"]
    pools = dict.fromkeys(
        [one.pool for ranking in report.rankings for one in ranking.pools]
        + [pool for ranking in report.rankings for pool in ranking.incomplete]
    )
    for pool in pools:
        row: list[TableCell] = [pool]
        for ranking in report.rankings:
            one = rank_of(ranking, pool)
            row += [one.text, f"{one.share * 100:.1f}"] if one else ["incomplete", "n/a"]
        lacks = [
            f"by {NAMES[ranking.metric]}: {lacks_text(ranking.incomplete[pool])}"
            for ranking in report.rankings
            if pool in ranking.incomplete
        ]
        rows.append([*row, "; ".join(lacks)])
    numbers = range(1, len(heads))
    if any(row[-1] for row in rows):
        heads.append("What is missing")
    else:
        rows = [row[:-1] for row in rows]
    known = any(ranking.intervals_known for ranking in report.rankings)
    note = "In brackets the ranks that are possible, at 95 % for all pools together. " if known else ""
    source = intervals_text(report)
    note += f"{source[0].upper()}{source[1:]}."
    yield SmallTable(
        heading="Ranking of pools",
        heads=heads,
        rows=rows,
        note=f"By {made_of(report.rankings[0])}. {note}",
        numbers=numbers,
    )


def _composites(report: RankingReport) -> list[str]:
    return [
        f"{group}: "
        + ", ".join(f"{one.pool} {'incomplete' if one.score is None else one.score}" for one in scored)
        for group, scored in report.composites.items()
    ]


def _capacities(content: RunContent) -> Iterator[SmallTable]:
    for at, test in enumerate(content.tests):
        if test.record is None or test.record.capacity is None:
            continue
        steps = test.record.capacity.steps
        yield SmallTable(
            heading=f"Capacity of {place_text(test.record)}",
            note=test.record.capacity.text,
            heads=("VMs", "Step", "IOPS", "p99 ms", "p99 of the slowest VM ms", "Fairness", "Limit"),
            rows=[
                [
                    step.vms,
                    step.purpose,
                    short(step.iops_per_s),
                    _ms(step.lat_p99_ns),
                    _ms(step.worst_guest_lat_p99_ns),
                    f"{step.fairness:.2f}",
                    "; ".join(step.broke) or "kept",
                ]
                for step in steps
            ],
            tests=[[at]] * len(steps),
            numbers=(0, 2, 3, 4, 5),
        )


def _sweeps(content: RunContent) -> Iterator[SmallTable]:
    """All depths in one table; the best one of each sweep says what it came to."""
    rows: list[list[TableCell]] = [
        [
            str(sweep.key),
            point.depth,
            short(point.iops_per_s),
            _ms(point.lat_p99_ns),
            "suspect" if point.suspect else "",
            sweep_text(sweep).partition(": ")[2] if point == sweep.peak else "",
        ]
        for sweep in content.sweeps
        for point in sweep.points
    ]
    if rows:
        yield SmallTable(
            heading="Depth sweeps",
            heads=("Key", "Depth", "IOPS", "p99 ms", "Verdict", "What it came to"),
            rows=rows[:_ROWS],
            folded=True,
            every=len(rows),
            more=f"and {len(rows) - _ROWS} more, in depth-sweep.csv" if len(rows) > _ROWS else "",
            numbers=(1, 2, 3),
        )


def _ms(ns: float) -> str:
    return digits(ns / NS_PER_MS)

"""The report of a run: all sections in their order, made into one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from pytest_odfperf.report.content.result_state import STATES, WORDS
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.machine_pairs_text import HEADING
from pytest_odfperf.report.pictures.picture import Picture
from pytest_odfperf.report.run_page.compared.comparison_section import comparison_section
from pytest_odfperf.report.run_page.details.key_details import JobTexts, detail_chunks
from pytest_odfperf.report.run_page.details.latency_bins import LatencyBins
from pytest_odfperf.report.run_page.key_rows import key_table
from pytest_odfperf.report.run_page.page_json import packed_json
from pytest_odfperf.report.run_page.page_shell import Page, Section, render_page
from pytest_odfperf.report.run_page.page_template import render_markup
from pytest_odfperf.report.run_page.run_head import banners, verdict, what_ran
from pytest_odfperf.report.run_page.sections.run_findings import doubtful, failed, limits, noted, repeats
from pytest_odfperf.report.run_page.sections.run_pools import pools_compared
from pytest_odfperf.report.run_page.sections.run_provenance import provenance
from pytest_odfperf.report.run_page.sections.small_table import tables_markup
from pytest_odfperf.report.run_page.sections.virtualisation import virtualisation

_TABLE_NOTE = (
    "IOPS, MiB/s and latencies are of all VMs together; latencies are from submission to completion, over "
    "all I/Os. n/a: fewer than 100 I/Os lie above the percentile. ≥: some I/Os took longer than the "
    "histogram reaches (17 s). A profile with unlike sections has a line for each of them: their figures are "
    "not added. Sync is fsync and fdatasync: how long a commit takes. Figures of an invalid result are "
    "nowhere on this page. Over repeats figures are geometric means, ± is their 95 % interval."
)


#: Pictures that belong to a section by their names; the others have one of their own.
_OF_COMPARISON = ("changes",)
_OF_POOLS = ("ranks", "pools", "heat-map")


def render(
    content: RunContent,
    pictures: Sequence[Picture] = (),
    *,
    drawing: str | None = None,
    made_at: datetime | None = None,
) -> str:
    """report.html.

    ``drawing``: the script that draws pictures (Vega-Lite's bundle); None: their tables only. ``made_at``:
    now, for a run that has not ended.
    """
    sections = list(_sections(content, pictures, made_at))
    jobs = JobTexts(content)
    bins = LatencyBins(len(content.tests))
    chunks = detail_chunks(content, jobs, bins)
    ids = ", ".join(run.run_id for run in content.runs)
    return render_page(
        Page(
            title=f"Storage of virtual machines: {ids}",
            marking=content.marking,
            banners=banners(content),
            sections=sections,
            data={
                "states": [[state, WORDS[state]] for state in STATES],
                "tests-data": {
                    "states": [STATES.index(test.state) for test in content.tests],
                    "jobs": jobs.texts,
                    "edges_ms": bins.edges_ms,
                },
            },
            packed_data={"keys-data": packed_json(key_table(content))},
            chunks=chunks,
        ),
        drawing,
    )


def _sections(
    content: RunContent, pictures: Sequence[Picture], made_at: datetime | None
) -> Iterator[Section]:
    """All of them, in the order in which people ask."""
    yield what_ran(content, made_at)
    yield verdict(content, tables_markup([*failed(content), *doubtful(content), *limits(content)]))
    for run in content.runs:
        if run.comparison is not None:
            yield comparison_section(run.comparison, pictures=_named(pictures, _OF_COMPARISON))
    yield Section(
        name="pools",
        heading="Pools compared",
        short="Pools",
        body=pools_compared(content),
        pictures=_named(pictures, _OF_POOLS),
    )
    if costs := list(virtualisation(content)):
        yield Section(
            name="virtualisation", heading=HEADING, short="Virtualisation", body=tables_markup(costs)
        )
    others = [one for one in pictures if one.name not in {*_OF_COMPARISON, *_OF_POOLS}]
    if others:
        yield Section(name="pictures", heading="Pictures", short="Pictures", pictures=others)
    yield Section(
        name="keys",
        heading="All keys",
        short="All keys",
        body=render_markup("keys.html.j2", note=_TABLE_NOTE),
    )
    more = [*repeats(content), *noted(content)]
    if more:
        yield Section(
            name="notes", heading="Repeats and notes", short="Repeats and notes", body=tables_markup(more)
        )
    yield Section(name="provenance", heading="Provenance", short="Provenance", body=provenance(content))


def _named(pictures: Sequence[Picture], names: Sequence[str]) -> list[Picture]:
    return [one for one in pictures if one.name in names]

"""The page that shows two runs side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.report.content.result_state import STATES, WORDS
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.number import NS_PER_MS
from pytest_odfperf.report.pictures.picture import Picture
from pytest_odfperf.report.run_page.compared.comparison_section import (
    SLUGS,
    comparison_section,
    comparison_sentence,
    figure_name,
    ratio_text,
)
from pytest_odfperf.report.run_page.key_columns import COLUMNS, KeyColumn, KeyTable
from pytest_odfperf.report.run_page.page_json import packed_json
from pytest_odfperf.report.run_page.page_shell import Page, Section, render_page
from pytest_odfperf.report.run_page.page_template import render_markup
from pytest_odfperf.report.run_page.run_head import run_facts

#: Details of so many figures are compressed together; the scripts know it.
_CHUNK = 64
_KEY_COLUMNS = tuple(c for c in COLUMNS if c.name in ("pool", "size", "pvc", "vms", "profile", "bs"))
_COLUMNS: tuple[KeyColumn, ...] = (
    KeyColumn(name="state", heading="Outcome", width=170, meaning="Of this figure beside the baseline's"),
    *_KEY_COLUMNS,
    KeyColumn(name="figure", heading="Figure", choose=True, width=130),
    KeyColumn(name="baseline", heading="Baseline", sort="number", width=100, meaning="IOPS, or ms of p99"),
    KeyColumn(name="current", heading="Now", sort="number", width=100, meaning="IOPS, or ms of p99"),
    KeyColumn(name="ratio", heading="Ratio", sort="number", width=80, meaning="Now / baseline"),
    KeyColumn(name="low", heading="from", sort="number", width=70, meaning="Of the 90 % interval"),
    KeyColumn(name="high", heading="to", sort="number", width=70, meaning="Of the 90 % interval"),
    KeyColumn(name="repeats", heading="Repeats", sort="number", whole=True, width=76),
    KeyColumn(name="baseline_repeats", heading="of baseline", sort="number", whole=True, width=96),
    KeyColumn(name="doubts", heading="Doubts", choose=True, width=190),
    KeyColumn(name="reason", heading="Why it is not compared", width=300),
)
_NOTE = (
    "Rates are in IOPS, p99 in ms, of all VMs together; over repeats they are geometric means. Figures of "
    "invalid results are nowhere on this page."
)


def render_comparison(
    comparison: Mapping[str, Any],
    baselines: Sequence[RunContent],
    current: RunContent,
    pictures: Sequence[Picture] = (),
    *,
    drawing: str | None = None,
) -> str:
    """The page. ``comparison`` is what comparison.json has, ``current`` the run that is held against them."""
    runs = [*baselines, current]
    names = [content.runs[0].run_id for content in runs]
    words = list(SLUGS)
    figures = [*comparison["keys"], *_left_out(comparison)]
    counts = [(SLUGS[word], word, sum(one["outcome"] == word for one in figures)) for word in words]
    outcome = render_markup(
        "verdict.html.j2",
        sentence=comparison_sentence(comparison),
        progress=None,
        counts=counts,
        every=len(figures),
        noun="figures",
    )
    sections = [
        Section(name="run", heading="The runs", short="Runs", body=_side_by_side(runs)),
        Section(name="verdict", heading="What came out", short="Outcome", body=outcome),
        comparison_section(comparison, figures=False, pictures=pictures),
        Section(
            name="keys",
            heading="All figures",
            short="All figures",
            body=render_markup("keys.html.j2", note=_NOTE),
        ),
    ]
    return render_page(
        Page(
            title=f"Storage of virtual machines: {names[-1]} compared with {', '.join(names[:-1])}",
            marking=", ".join(dict.fromkeys(filter(None, (content.marking for content in runs)))) or None,
            banners=[f"UNLIKE RUNS: {text}" for text in comparison["unlike"]],
            sections=sections,
            data={
                "states": [[SLUGS[word], word] for word in words],
                "tests-data": {
                    "states": [words.index(one["outcome"]) for one in figures],
                    "noun": "figures",
                },
            },
            packed_data={"keys-data": packed_json(_table(figures, words))},
            chunks=list(_chunks(figures, runs)),
        ),
        drawing,
    )


def _left_out(comparison: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each key that is not compared."""
    reasons = dict(comparison["refused"])
    reasons |= dict.fromkeys(comparison["only_current"], "only in this run")
    reasons |= dict.fromkeys(comparison["only_baseline"], "only in the baseline")
    for key, why in reasons.items():
        yield {"key": key, "outcome": "not compared", "why": why}


def _table(figures: Sequence[Mapping[str, Any]], words: Sequence[str]) -> dict[str, Any]:
    table = KeyTable(of=_COLUMNS)
    for row, one in enumerate(figures):
        key = Key.parse(one["key"])
        texts = {
            "state": one["outcome"], "pool": key.pool, "size": key.size, "pvc": key.pvc,
            "profile": key.profile, "bs": key.block_size, "doubts": one.get("suspect") or "",
            "reason": one.get("why", ""),
        }  # fmt: skip
        numbers: dict[str, float | None] = {"vms": key.concurrency}
        if "ratio" in one:
            divisor = 1.0 if one["metric"] == "rate" else float(NS_PER_MS)
            texts["figure"] = figure_name(one)
            numbers |= {
                "baseline": one["baseline"] / divisor, "current": one["current"] / divisor,
                "ratio": one["ratio"], "low": one["low"], "high": one["high"],
                "repeats": one["repeats"], "baseline_repeats": one["baseline_repeats"],
            }  # fmt: skip
        table.add(row, 1 << words.index(one["outcome"]), texts, numbers)
    places = {word: place for place, word in enumerate(words)}
    return table.to_plain({"state": lambda text: places[text]})


def _side_by_side(runs: Sequence[RunContent]) -> Markup:
    facts = [dict(run_facts(content)) for content in runs]
    for content, own in zip(runs, facts, strict=True):
        counts = content.counts
        own["Tests"] = ", ".join(f"{counts[state]} {WORDS[state]}" for state in STATES if counts[state])
        own["Marking"] = content.marking or "real storage"
    names = list(dict.fromkeys(name for own in facts for name in own))
    return render_markup(
        "side_by_side.html.j2",
        links=[(content.runs[0].run_id, f"{content.runs[0].href}report.html") for content in runs],
        rows=[(name, [own.get(name, "") for own in facts]) for name in names if name != "Run"],
    )


def _chunks(figures: Sequence[Mapping[str, Any]], runs: Sequence[RunContent]) -> Iterator[Markup]:
    for first in range(0, len(figures), _CHUNK):
        yield packed_json([_details(one, runs) for one in figures[first : first + _CHUNK]])


def _details(one: Mapping[str, Any], runs: Sequence[RunContent]) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    if "ratio" in one:
        divisor, unit = (1.0, "IOPS") if one["metric"] == "rate" else (float(NS_PER_MS), "ms")
        sides = (("Baseline", "baseline", "baseline_repeats"), ("Now", "current", "repeats"))
        parts.append(
            {
                "title": figure_name(one),
                "heads": ["", f"Geometric mean ({unit})", "Repeats"],
                "rows": [[name, float(f"{one[at] / divisor:.6g}"), one[of]] for name, at, of in sides],
                "note": f"Ratio {ratio_text(one)}, p-value {one['p_value']:.2g}.",
            }
        )
    else:
        parts.append({"title": "Why it is not compared", "text": one["why"]})
    if one.get("suspect"):
        parts.append({"title": "Doubts", "text": one["suspect"]})
    key = quote(one["key"], safe=":")
    links = [
        [f"{content.runs[0].href}report.html#key={key}", f"{content.runs[0].run_id}: this key in its report"]
        for content in runs
    ]
    return {
        "head": figure_name(one) if "ratio" in one else "",
        "parts": [*parts, {"title": "In the runs", "links": links}],
    }

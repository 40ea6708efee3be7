"""In which order the pools stand, by rate and by p99, and which ranks are possible."""

from __future__ import annotations

from pytest_odfperf.measure.ranking.pool_ranking import Ranking
from pytest_odfperf.report.pictures import spec_parts as parts
from pytest_odfperf.report.pictures.picture import Cell, Column, Picture, Slice
from pytest_odfperf.report.pictures.shown_figures import Shown, rounded
from pytest_odfperf.report.tables.ranking_table import NAMES, intervals_text, ranking_of

_COLUMNS = (
    Column(field="pool", heading="pool"),
    Column(field="metric", heading="ranked by"),
    Column(field="rank", heading="rank"),
    Column(field="low", heading="best possible rank"),
    Column(field="high", heading="worst possible rank"),
    Column(field="share", heading="share of the best pool (%)"),
    Column(field="said", heading="in words"),
)


def pool_ranks(shown: Shown) -> Picture | None:
    """None with fewer than two pools, or without figures that they have in common."""
    content = shown.content
    report = content.once(ranking_of)
    rankings = report.rankings
    rows = tuple(row for ranking in rankings for row in _rows(ranking))
    if not any(row[2] is not None for row in rows):
        return None
    sentence = (
        "In which order do the pools stand, and how sure is that? By the geometric mean of the figures that "
        "all have in common, 1 is the best; "
    )
    if any(ranking.intervals_known for ranking in rankings):
        sentence += (
            "the line goes over the ranks that are possible, for all pairs of pools together at 95 %: "
        )
    sentence += f"{intervals_text(report)}."
    one = Slice(label="all pools", spec=_spec(len(content.pools)), columns=_COLUMNS, rows=rows)
    return Picture(name="ranks", title="Ranking of pools", sentence=sentence, slices=(one,))


def _rows(ranking: Ranking) -> list[tuple[Cell, ...]]:
    name = NAMES[ranking.metric]
    found: list[tuple[Cell, ...]] = []
    for one in ranking.pools:
        share = rounded(100 * one.share)
        said = f"{name}: {one.text}, {share:.3g} % of the best"
        found.append((one.pool, name, one.rank, one.rank_low, one.rank_high, share, said))
    for pool, lacks in ranking.incomplete.items():
        figures = "1 figure is" if len(lacks) == 1 else f"{len(lacks)} figures are"
        said = f"{name}: no rank, {figures} missing or invalid"
        found.append((pool, name, None, None, None, None, said))
    return found


def _spec(pools: int) -> parts.Spec:
    along = {
        "field": "rank",
        "type": "quantitative",
        "title": "rank (1 is the best)",
        "scale": {"domain": [0.7, pools + 0.3], "nice": False},
        "axis": {"values": list(range(1, pools + 1)), "format": "d"},
    }
    metric = {
        "field": "metric",
        "type": "nominal",
        "title": "ranked by",
        "scale": {"domain": ["rate", "p99"]},
    }
    return parts.view(
        "Ranks of pools by rate and by p99 with the ranks that are possible",
        {
            "mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.6},
            "encoding": {"x": {**along, "field": "low"}, "x2": {"field": "high"}, "color": metric},
        },
        {
            "mark": {"type": "point", "size": 110},
            "encoding": {"x": along, "color": metric, "shape": metric, "tooltip": parts.tooltip(_COLUMNS)},
        },
        {
            "mark": {
                "type": "text",
                "dy": -12,
                "align": {"expr": f"datum.rank > {pools / 2} ? 'right' : 'left'"},
            },
            "encoding": {
                "x": along,
                "text": {"condition": {"test": "isValid(datum.rank)", "field": "said"}, "value": ""},
            },
        },
        {
            "mark": {"type": "text", "align": "left", "fontStyle": "italic"},
            "encoding": {
                "x": {"value": 4},
                "text": {"condition": {"test": "!isValid(datum.rank)", "field": "said"}, "value": ""},
            },
        },
        height=72 * pools,
        encoding={"y": parts.named("pool", None), "yOffset": parts.named("metric", None)},
    )

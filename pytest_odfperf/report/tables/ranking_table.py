"""The ranking of pools: for the terminal, and as ranking.csv and ranking.json."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.compare.assumed_noise import ASSUMED
from pytest_odfperf.measure.compare.compared_figures import figures_of
from pytest_odfperf.measure.ranking import composite_score
from pytest_odfperf.measure.ranking.composite_score import Composite, composites, dimensions
from pytest_odfperf.measure.ranking.pool_ranking import RankedPool, Ranking, rank_pools
from pytest_odfperf.measure.record import Record
from pytest_odfperf.plain import to_plain
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.tables.csv_cells import cell_text

NAMES = {"rate": "rate", "lat_p99": "p99"}
COLUMNS = (
    "score", "group", "storage_pool", "rank", "rank_low", "rank_high", "share_of_best", "status", "figures",
    "repeats", "missing", "rounds", "intervals_from",
)  # fmt: skip
#: Said where there are no repeats.
NO_INTERVALS = "without repeats nothing is known of which ranks are possible (--odf-repeat)"


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingReport:
    """All rankings of a run; ``composites`` by VM size, PVC size and concurrency."""

    rankings: tuple[Ranking, ...]
    composites: Mapping[str, list[Composite]]

    @property
    def there(self) -> bool:
        return bool(self.rankings)


def ranking_report(
    records: Sequence[Record], selected: Iterable[Key], weights: Mapping[str, float]
) -> RankingReport:
    """What ``records`` say of the order of the pools. A composite only where some pool has all of it."""
    keys = list(selected)
    rankings = rank_pools(figures_of(records), keys, weights)
    pools = list(dict.fromkeys(key.pool for key in keys))
    scored = {
        group: composites({pool: own.get(pool, composite_score.Dimensions()) for pool in pools})
        for group, own in dimensions(records).items()
    }
    whole = {group: own for group, own in scored.items() if any(one.score is not None for one in own)}
    return RankingReport(rankings=rankings, composites=whole if rankings else {})


def ranking_of(content: RunContent) -> RankingReport:
    """The ranking of a run's pools."""
    return ranking_report(content.records, content.selected, content.matrix.ranking.weights)


def ranking_lines(report: RankingReport) -> list[str]:
    """The table for the terminal: a row for each pool, ranks by rate and by p99."""
    lines: list[str] = []
    if not report.there:
        return lines
    first = report.rankings[0]
    pools = [one.pool for one in first.pools]
    pools += [one.pool for ranking in report.rankings for one in ranking.pools if one.pool not in pools]
    pools = list(dict.fromkeys([*pools, *first.incomplete]))
    head = ["pool"]
    for ranking in report.rankings:
        head += [f"rank by {NAMES[ranking.metric]}", "of best"]
    rows = [head]
    for pool in pools:
        row = [pool]
        for ranking in report.rankings:
            one = rank_of(ranking, pool)
            row += [one.text, f"{one.share:.1%}"] if one else ["incomplete", "-"]
        rows.append(row)
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines.append(f"Ranking of pools, by {made_of(first)}:")
    lines += [
        "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    for ranking in report.rankings:
        for pool, lacks in ranking.incomplete.items():
            lines.append(f"  {pool} has no rank by {NAMES[ranking.metric]}: {lacks_text(lacks)}")
    lines.append(f"  {intervals_text(report)}")
    for group, scored in report.composites.items():
        found = ", ".join(f"{one.pool} {'incomplete' if one.score is None else one.score}" for one in scored)
        lines.append(f"{composite_score.NAME} ({group}): {found}")
    return lines


def rank_of(ranking: Ranking, pool: str) -> RankedPool | None:
    """The place of ``pool``; None where it has no rank."""
    return next((one for one in ranking.pools if one.pool == pool), None)


def made_of(ranking: Ranking) -> str:
    """What the ranks are by."""
    weights = ", ".join(f"{profile} {weight:g}" for profile, weight in ranking.weights.items())
    return f"geometric means over {ranking.figures} common figures (weights: {weights})"


def intervals_text(report: RankingReport) -> str:
    """What the ranks that are possible are from."""
    known = [ranking for ranking in report.rankings if ranking.intervals_known]
    if not known:
        return NO_INTERVALS
    sources = {ranking.intervals_from for ranking in known} - {None}
    assumed = " and ".join(
        f"{100 * ASSUMED[one.metric].session_sd:g} % ({NAMES[one.metric]})" for one in known
    )
    if sources == {"rounds"}:
        counts = {NAMES[ranking.metric]: ranking.rounds for ranking in known}
        rounds = min(counts.values())
        by_metric = ", ".join(f"{name} {count}" for name, count in counts.items())
        unlike = f" ({by_metric})" if len(set(counts.values())) > 1 else ""
        few = "; two rounds tell next to nothing apart (--odf-rounds)" if rounds == 2 else ""
        return f"possible ranks from {rounds} rounds of new VMs{unlike}, compared round by round{few}"
    if sources == {"assumed"} and all(ranking.rounds == 1 for ranking in known):
        return (
            f"one group of VMs for each pool: an assumption of {assumed} stands for what changes between "
            "groups; --odf-rounds measures it"
        )
    return (
        f"some pools have not two rounds in common: an assumption of {assumed} stands for what changes "
        "between their groups of VMs"
    )


def lacks_text(lacks: Sequence[str]) -> str:
    """Why a pool has no rank."""
    return (
        f"{len(lacks)} figures are missing or invalid ({lacks[0]} first)"
        if len(lacks) > 1
        else (f"{lacks[0]} is missing or invalid")
    )


def ranking_csv(report: RankingReport) -> str:
    """A row for each score and pool. What is not known is an empty cell."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for ranking in report.rankings:
        made = [ranking.figures, ranking.repeats]
        source = [ranking.rounds, ranking.intervals_from or ""]
        for one in ranking.pools:
            low, high = one.rank_low or "", one.rank_high or ""
            table.writerow(
                [
                    NAMES[ranking.metric],
                    "",
                    cell_text(one.pool),
                    one.rank,
                    low,
                    high,
                    f"{one.share:.6f}",
                    "ranked",
                    *made,
                    "",
                    *source,
                ]
            )
        for pool, lacks in ranking.incomplete.items():
            missing = cell_text("; ".join(lacks))
            table.writerow(
                [
                    NAMES[ranking.metric],
                    "",
                    cell_text(pool),
                    "",
                    "",
                    "",
                    "",
                    "incomplete",
                    *made,
                    missing,
                    *source,
                ]
            )
    for group, scored in report.composites.items():
        for number, found in enumerate(scored, 1):
            whole = found.score is not None
            missing = "; ".join(name for name in composite_score.WEIGHTS if name not in found.shares)
            status = "ranked" if whole else "incomplete"
            share = f"{found.score / 100:.3f}" if found.score is not None else ""
            place = number if whole else ""
            table.writerow(
                [
                    "composite",
                    cell_text(group),
                    cell_text(found.pool),
                    place,
                    "",
                    "",
                    share,
                    status,
                    len(found.shares),
                    "",
                    missing,
                    "",
                    "",
                ]
            )
    return text.getvalue()


def ranking_json(report: RankingReport) -> dict[str, Any]:
    """The same as ranking.csv, in plain JSON types."""
    return {
        "schema": 1,
        "rankings": [
            {
                "metric": one.metric,
                "figures": one.figures,
                "repeats": one.repeats,
                "rounds": one.rounds,
                "intervals_from": one.intervals_from,
                "assumed_sd": None
                if one.intervals_from in (None, "rounds")
                else ASSUMED[one.metric].session_sd,
                "left_out": one.left_out,
                "weights": dict(one.weights),
                "pools": [to_plain(pool) for pool in one.pools],
                "incomplete": {pool: list(lacks) for pool, lacks in one.incomplete.items()},
            }
            for one in report.rankings
        ],
        "composite": {
            "name": composite_score.NAME,
            "weights": composite_score.WEIGHTS,
            "groups": {
                group: [{"pool": one.pool, "score": one.score, "shares": dict(one.shares)} for one in scored]
                for group, scored in report.composites.items()
            },
        },
    }

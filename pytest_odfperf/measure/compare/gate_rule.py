"""Which regressions are measured again, beside what, and which of them fail the run.

The screening (`run_comparison`) looks at hundreds of figures: some of its findings are chance, and others
are the day and not the storage. So what it found is measured again in the same session, in turn with
controls: keys in which nothing was found. A regression is confirmed if the lower bound of the loss, beyond
what the controls lost too, is past the floor. Where the controls moved by more than the floor themselves,
it is the environment that did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt
from typing import Literal

import numpy as np
from scipy import stats

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.compare.assumed_noise import ASSUMED
from pytest_odfperf.measure.compare.compared_figures import Cell, Metric, RunFigures
from pytest_odfperf.measure.compare.confirm_plan import ConfirmPlan
from pytest_odfperf.measure.compare.run_comparison import ComparedCell, Comparison, log_samples
from pytest_odfperf.measure.compare.session_model import SessionModel, fit

Gated = Literal["confirmed", "not confirmed", "environment shift", "not gateable"]

#: Keys that are measured again at most, the worst first.
MOST_FLAGGED = 30
CONTROLS = 3
#: Fewer repeats of the baseline, over all its runs, decide nothing.
LEAST_BASELINE = 3
#: Repeats that lie further apart (coefficient of variation) decide nothing.
MOST_CV = 0.10
#: That one or more of the regressions that are told is chance.
ALPHA = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class GatedCell:
    """One figure that was measured again. Ratios are current / baseline, less what the controls did."""

    cell: Cell
    outcome: Gated
    #: Geometric means: IOPS or ns.
    baseline: float
    current: float
    ratio: float
    low: float
    high: float
    floor: float
    repeats: int
    #: What the controls did, as a ratio; None without controls.
    control_ratio: float | None = None
    controls: int = 0
    why: str = ""


def why_not_gateable(cell: ComparedCell, comparison: Comparison) -> str | None:
    """Why nothing can be decided by a figure of the baseline; None if something can."""
    if cell.baseline_repeats < LEAST_BASELINE:
        runs = f"{cell.sessions} baseline {'run has' if cell.sessions == 1 else 'runs have'}"
        repeats = "1 measurement" if cell.baseline_repeats == 1 else f"{cell.baseline_repeats} measurements"
        return f"{runs} {repeats} of it, fewer than {LEAST_BASELINE}"
    cells, model = comparison.models[cell.cell.metric]
    cv = sqrt(float(model.noise_variance[cells.index(cell.cell)]))
    return f"too noisy: CV {cv:.0%}, above {MOST_CV:.0%}" if cv > MOST_CV else None


def not_gateable(comparison: Comparison, plan: ConfirmPlan) -> dict[str, str]:
    """By key, why the gate decides nothing of its rate; a key of which nothing is known can not pass.

    Noisy p99 are not listed: they are inconclusive in the comparison, and most are.
    """
    found: dict[str, str] = {str(key): why for key, why in plan.not_gateable.items()}
    for one in comparison.cells:
        if one.cell.metric != "rate" or one.cell.key in plan.flagged:
            continue
        why = why_not_gateable(one, comparison)
        if why is None and one.outcome == "inconclusive":
            margin = comparison.noise_of("rate").margin - 1
            why = (
                f"{one.cell.what} {one.ratio:.3f} ({one.low:.3f} to {one.high:.3f}): too wide to say that "
                f"nothing is lost (margin {margin:.0%})"
            )
        if why is not None:
            found.setdefault(str(one.cell.key), why)
    found |= {str(key): f"not compared: {why}" for key, why in comparison.refused.items()}
    found |= {str(key): "the baseline has no valid result of it" for key in comparison.only_current}
    found |= {
        str(key): f"flagged beyond the {MOST_FLAGGED} that are measured again" for key in plan.left_over
    }
    return found


def plan_confirm(comparison: Comparison) -> ConfirmPlan:
    """What of a comparison is measured again."""
    worse = sorted((one for one in comparison.cells if one.outcome == "worse"), key=_loss, reverse=True)
    candidates = [*worse, *_of_worse_families(comparison, {one.cell for one in worse})]
    reasons: dict[Key, str] = {}
    flagged: dict[Key, None] = {}
    for one in candidates:
        if one.baseline_repeats < LEAST_BASELINE:
            why = why_not_gateable(one, comparison)
            assert why is not None
            reasons.setdefault(one.cell.key, why)
        else:
            flagged.setdefault(one.cell.key)
    chosen = tuple(flagged)[:MOST_FLAGGED]
    return ConfirmPlan(
        flagged=chosen,
        controls={key: _controls(key, comparison, set(flagged) | set(reasons)) for key in chosen},
        not_gateable={key: why for key, why in reasons.items() if key not in flagged},
        left_over=tuple(flagged)[MOST_FLAGGED:],
    )


def _loss(one: ComparedCell) -> float:
    """The logarithm of how much is lost: of the rate, or gained by the latency."""
    return -log(one.ratio) if one.cell.metric == "rate" else log(one.ratio)


def _of_worse_families(comparison: Comparison, known: set[Cell]) -> list[ComparedCell]:
    """The worst figures of families that are worse as a whole, though none of theirs is by itself."""
    found: list[ComparedCell] = []
    for family in comparison.families:
        if family.outcome != "worse" or abs(log(family.ratio)) < log(
            comparison.noise_of(family.metric).floor
        ):
            continue
        own = [
            one
            for one in comparison.cells
            if one.cell.metric == family.metric
            and one.cell.key.pool == family.pool
            and family.pattern in ("", one.cell.pattern)
        ]
        if not known.intersection(one.cell for one in own):
            found += sorted(own, key=_loss, reverse=True)[:CONTROLS]
    return found


def _controls(key: Key, comparison: Comparison, flagged: set[Key]) -> tuple[Key, ...]:
    """Keys in which nothing was found: of the same VMs, else of the pool, else of other pools.

    Not of a pool that is worse as a whole: its other keys would have lost the same.
    """
    worse_pools = {one.pool for one in comparison.families if not one.pattern and one.outcome == "worse"}
    rank = {"no difference shown": 0, "inconclusive": 1}
    found: dict[Key, tuple[int, int, float]] = {}
    for one in comparison.cells:
        other = one.cell.key
        if one.cell.metric != "rate" or other in flagged or other.pool in worse_pools:
            continue
        if one.outcome not in rank or abs(log(one.ratio)) >= log(comparison.noise_of("rate").floor):
            continue
        if one.baseline_repeats < LEAST_BASELINE:
            continue
        near = 0 if other.group == key.group else 1 if other.pool == key.pool else 2
        found[other] = max(found.get(other, (0, 0, 0.0)), (near, rank[one.outcome], abs(log(one.ratio))))
    return tuple(sorted(found, key=lambda other: (found[other], other))[:CONTROLS])


def decide(
    comparison: Comparison,
    plan: ConfirmPlan,
    current: RunFigures,
    confirm: RunFigures,
    baselines: Sequence[RunFigures],
) -> tuple[GatedCell, ...]:
    """What the repeated measurements come to, for each figure that was flagged."""
    again = RunFigures(values={**current.values, **confirm.values})
    models: dict[Metric, SessionModel] = {
        metric: fit(log_samples(cells, again, baselines), ASSUMED[metric])
        for metric, (cells, _) in comparison.models.items()
    }
    tested = [one for one in comparison.cells if one.cell.key in plan.flagged and _is_tested(one, comparison)]
    return tuple(_decide(one, comparison, plan, confirm, models, len(tested)) for one in tested)


def _is_tested(one: ComparedCell, comparison: Comparison) -> bool:
    if one.outcome == "worse":
        return True
    others = [other for other in comparison.cells if other.cell.key == one.cell.key]
    # Of a key that stands for its family: what is worst in it.
    return all(other.outcome != "worse" for other in others) and one is max(others, key=_loss)


def _decide(
    one: ComparedCell,
    comparison: Comparison,
    plan: ConfirmPlan,
    confirm: RunFigures,
    models: Mapping[Metric, SessionModel],
    tests: int,
) -> GatedCell:
    cell, metric = one.cell, one.cell.metric
    cells, _ = comparison.models[metric]
    model, row = models[metric], cells.index(cell)
    floor = comparison.noise_of(metric).floor
    values = confirm.values.get(cell, ())
    base = exp(float(np.nanmean(model.samples.baseline[row])))
    rows = [
        number
        for number, other in enumerate(cells)
        if other.key in plan.controls[cell.key] and other in confirm.values
    ]
    if len(values) < LEAST_BASELINE:
        return GatedCell(
            cell=cell, outcome="not gateable", baseline=base, current=base * one.ratio, ratio=one.ratio,
            low=one.low, high=one.high, floor=floor, repeats=len(values),
            why=f"{len(values)} repeats of it were measured, fewer than {LEAST_BASELINE}",
        )  # fmt: skip
    effect = float(model.effect[row])
    parts = [(np.broadcast_to(part, len(cells)), part_df) for part, part_df in model.own_parts()]
    own = [(float(part[row]), _at(part_df, row)) for part, part_df in parts]
    own.append(_beyond(values, model, row))
    moved: float | None = None
    if rows:
        moved = float(model.effect[rows].mean())
        for part, part_df in parts:
            own += [(float(part[other]) / len(rows) ** 2, _at(part_df, other)) for other in rows]
        beyond = [_beyond(confirm.values[cells[other]], model, other) for other in rows]
        own += [(part / len(rows) ** 2, part_df) for part, part_df in beyond]
    else:
        sessions = int((model.samples.baseline_n[row] > 0).sum())
        own.append((model.session_variance * (1 + 1 / sessions), model.session_df))
    variance = sum(part for part, _ in own)
    share = sum(part**2 / part_df for part, part_df in own)
    df = variance**2 / share if share > 0 else inf
    change = effect - (moved or 0.0)
    reach = float(stats.t.ppf(1 - ALPHA / max(1, tests), df)) * sqrt(variance)
    loss = -change if metric == "rate" else change
    confirmed = loss - reach > log(floor)
    cv = sqrt(float(np.var([log(value) for value in values], ddof=1)))
    outcome: Gated = "confirmed" if confirmed else "not confirmed"
    why = ""
    if moved is not None and abs(moved) >= log(floor):
        outcome, why = "environment shift", "the controls moved too"
    elif not confirmed and cv > MOST_CV:
        outcome, why = "not gateable", f"too noisy: CV {cv:.0%}, above {MOST_CV:.0%}"
    elif not rows:
        why = "no key could serve as a control"
    return GatedCell(
        cell=cell,
        outcome=outcome,
        baseline=base,
        current=base * exp(effect),
        ratio=exp(change),
        low=exp(change - reach),
        high=exp(change + reach),
        floor=floor,
        repeats=len(values),
        control_ratio=None if moved is None else exp(moved),
        controls=len({cells[other].key for other in rows}),
        why=why,
    )


def _beyond(values: Sequence[float], model: SessionModel, row: int) -> tuple[float, float]:
    """By how much these repeats scatter more than the key does elsewhere, as a part of the variance."""
    if len(values) < 2:
        return 0.0, inf
    found = float(np.var([log(value) for value in values], ddof=1))
    return max(0.0, found - float(model.noise_variance[row])) / len(values), len(values) - 1.0


def _at(df: object, row: int) -> float:
    return float(df[row]) if isinstance(df, np.ndarray) else float(df)  # type: ignore[arg-type]

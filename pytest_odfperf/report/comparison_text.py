"""A comparison and its gate, for the terminal and as comparison.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import log
from typing import TYPE_CHECKING, Any

from pytest_odfperf.measure.compare.compared_figures import Cell
from pytest_odfperf.plain import to_plain
from pytest_odfperf.report.number import digits, short

if TYPE_CHECKING:
    # They need numpy and scipy, which are there only where runs are compared.
    from pytest_odfperf.measure.compare.gate_rule import GatedCell
    from pytest_odfperf.measure.compare.run_comparison import (
        Compared,
        ComparedFamily,
        Comparison,
        MetricNoise,
        Outcome,
    )

OUTCOMES: tuple[Outcome, ...] = ("worse", "better", "no difference shown", "inconclusive")
NAMES = {"rate": "rate", "lat_p99": "p99"}
_SHOWN = 12


@dataclass(kw_only=True)
class GateReport:
    """What the gate came to. ``problem``: why it could not do its work, if so."""

    cells: tuple[GatedCell, ...] = ()
    #: By key or pool, why nothing is decided there.
    not_gateable: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None

    @property
    def confirmed(self) -> list[GatedCell]:
        return [one for one in self.cells if one.outcome == "confirmed"]

    @property
    def word(self) -> str:
        """The gate's outcome as people write it."""
        if self.confirmed:
            return "FAILED"
        if self.problem:
            return "NOT DECIDED"
        if any(one.outcome == "environment shift" for one in self.cells):
            return "ENVIRONMENT SHIFT"
        return "NOT GATEABLE in part" if self.not_gateable else "passed"


@dataclass(kw_only=True)
class ComparisonReport:
    """``runs`` are the baseline's; ``unlike``: how they differ, where the comparison was forced.

    ``run`` is the one that is compared with them.
    """

    comparison: Comparison
    run: str
    runs: tuple[str, ...]
    unlike: tuple[str, ...] = ()
    gate: GateReport | None = None
    #: All pools of the run: the gate has an outcome for each.
    pools: tuple[str, ...] = ()


def percent(ratio: float) -> str:
    """A limit above 1, as people say it: 1.07 is 7 %."""
    return f"{digits((ratio - 1) * 100, 2)} %"


def interval(one: Compared | GatedCell) -> str:
    """``0.752 (0.741 to 0.763)``."""
    return f"{one.ratio:.3f} ({one.low:.3f} to {one.high:.3f})"


def figure(cell: Cell, value: float) -> str:
    """A figure with its unit."""
    return f"{short(value)} IOPS" if cell.metric == "rate" else f"{digits(value / 1e6)} ms"


def family_name(family: ComparedFamily) -> str:
    """``rep3, all keys, rate`` or ``rep3, random-rw read, p99``."""
    return f"{family.pool}, {family.pattern or 'all keys'}, {NAMES[family.metric]}"


def noise_text(noise: MetricNoise) -> str:
    """The limits of a metric, and where they come from."""
    sd = f"sessions differ by {noise.session_sd:.1%}"
    if noise.session_assumed:
        sd += ", which is assumed: one baseline run can not show it"
    more = "; no run has repeats (--odf-repeat)" if noise.without_repeats else ""
    return f"floor {percent(noise.floor)}, margin {percent(noise.margin)}, {sd}{more}"


def comparison_lines(report: ComparisonReport) -> list[str]:
    """For the terminal's end."""
    comparison = report.comparison
    runs = "run" if len(report.runs) == 1 else "runs"
    lines = [
        f"Run {report.run} compared with baseline {runs} {', '.join(report.runs)}, ratios are now / baseline:"
    ]
    lines += [f"  UNLIKE RUNS (--odf-force-compare): {text}" for text in report.unlike]
    for noise in comparison.noise:
        counts = Counter(one.outcome for one in comparison.cells if one.cell.metric == noise.metric)
        said = ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES)
        lines.append(f"  {NAMES[noise.metric]}: {said} ({noise_text(noise)})")
    if not comparison.cells:
        lines.append("  nothing is compared: no key has a valid result in both")
    differ = [
        f"  {one.outcome}: {family_name(one)}: {interval(one)}, {one.cells} figures"
        for one in comparison.families
        if one.outcome in ("worse", "better")
    ]
    found = sorted(
        (one for one in comparison.cells if one.outcome in ("worse", "better")),
        key=lambda one: -abs(log(one.ratio)),
    )
    differ += [
        f"  {one.outcome}: {one.cell.key} {one.cell.what}: {interval(one)}"
        + (f", SUSPECT: {one.suspect}" if one.suspect else "")
        for one in found[:_SHOWN]
    ]
    lines += differ
    if len(found) > _SHOWN:
        lines.append(f"  and {len(found) - _SHOWN} more, in comparison.json")
    suspects = {one.cell.key for one in comparison.cells if one.suspect}
    if suspects:
        lines.append(f"  {len(suspects)} of the keys have a suspect result ({min(map(str, suspects))} first)")
    lines += _not_compared(comparison)
    return [*lines, *gate_lines(report.gate)] if report.gate else lines


def _not_compared(comparison: Comparison) -> list[str]:
    lines = []
    for key, why in list(comparison.refused.items())[:_SHOWN]:
        lines.append(f"  not compared: {key}: {why}")
    if len(comparison.refused) > _SHOWN:
        lines.append(f"  and {len(comparison.refused) - _SHOWN} more are not compared")
    for where, keys in (("this run", comparison.only_current), ("the baseline", comparison.only_baseline)):
        if keys:
            lines.append(f"  only in {where}: {len(keys)} keys ({keys[0]} first)")
    return lines


def gate_text(one: GatedCell) -> str:
    """One figure that was measured again, in one line."""
    controls = (
        f"{one.controls} controls at {one.control_ratio:.3f}"
        if one.control_ratio is not None
        else "no controls"
    )
    why = f" ({one.why})" if one.why else ""
    return (
        f"{one.outcome}: {one.cell.key} {one.cell.what}: {interval(one)} of the baseline, "
        f"{figure(one.cell, one.current)} against {figure(one.cell, one.baseline)}, "
        f"floor {percent(one.floor)}, {one.repeats} repeats, {controls}{why}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolGate:
    """What the gate came to for one pool: ``passed``, ``failed``, or ``skipped`` where nothing is decided."""

    outcome: str
    #: Why it did not pass.
    text: str = ""
    #: What looked worse, and was not when it was measured again.
    not_confirmed: str = ""


def gate_by_pool(gate: GateReport, pools: Iterable[str]) -> dict[str, PoolGate]:
    """The outcome of each of ``pools``, as CI systems want it."""
    found = {}
    for pool in dict.fromkeys(pools):
        own = [one for one in gate.cells if one.cell.key.pool == pool]
        confirmed = [gate_text(one) for one in own if one.outcome == "confirmed"]
        open_ = [gate_text(one) for one in own if one.outcome in ("environment shift", "not gateable")]
        open_ += [
            f"{name}: {why}" for name, why in gate.not_gateable.items() if name.partition(":")[0] == pool
        ]
        open_ += [gate.problem] if gate.problem else []
        said = confirmed or ([f"not gateable: {open_[0]}", *open_[1:]] if open_ else [])
        found[pool] = PoolGate(
            outcome="failed" if confirmed else "skipped" if open_ else "passed",
            text="; ".join(said),
            not_confirmed="; ".join(gate_text(one) for one in own if one.outcome == "not confirmed"),
        )
    return found


def gate_lines(gate: GateReport) -> list[str]:
    """The gate's part of the terminal's end."""
    counts = Counter(one.outcome for one in gate.cells)
    said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    lines = [f"Gate: {gate.word}{f' ({said})' if said else ''}"]
    if gate.problem:
        lines.append(f"  {gate.problem}")
    order = {"confirmed": 0, "environment shift": 1, "not gateable": 2, "not confirmed": 3}
    told = sorted(gate.cells, key=lambda one: order[one.outcome])
    lines += [f"  {gate_text(one)}" for one in told[:_SHOWN]]
    if len(told) > _SHOWN:
        lines.append(f"  and {len(told) - _SHOWN} more, in comparison.json")
    lines += [f"  not gateable: {name}: {why}" for name, why in list(gate.not_gateable.items())[:_SHOWN]]
    if len(gate.not_gateable) > _SHOWN:
        lines.append(f"  and {len(gate.not_gateable) - _SHOWN} more are not gateable")
    return lines


def comparison_json(report: ComparisonReport) -> dict[str, Any]:
    """Everything, in plain JSON types."""
    comparison, gate = report.comparison, report.gate
    return {
        "schema": 1,
        "run": report.run,
        "baseline": list(report.runs),
        "unlike": list(report.unlike),
        "noise": [to_plain(one) for one in comparison.noise],
        "families": [to_plain(one) for one in comparison.families],
        "keys": [_flat(to_plain(one), one.cell) for one in comparison.cells],
        "refused": {str(key): why for key, why in comparison.refused.items()},
        "only_current": [str(key) for key in comparison.only_current],
        "only_baseline": [str(key) for key in comparison.only_baseline],
        "gate": None
        if gate is None
        else {
            "outcome": gate.word,
            "problem": gate.problem,
            "not_gateable": dict(gate.not_gateable),
            "pools": {pool: to_plain(one) for pool, one in gate_by_pool(gate, report.pools).items()},
            "cells": [_flat(to_plain(one), one.cell) for one in gate.cells],
        },
    }


def _flat(plain: dict[str, Any], cell: Cell) -> dict[str, Any]:
    """The cell as the key's text and the figure's name."""
    own = {name: value for name, value in plain.items() if name != "cell"}
    return {
        "key": str(cell.key),
        "section": cell.section,
        "direction": cell.direction,
        "metric": cell.metric,
        **own,
    }

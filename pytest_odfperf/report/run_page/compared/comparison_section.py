"""What a run is beside earlier ones: made of comparison.json alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import log
from typing import Any

from pytest_odfperf.report.number import digits, short
from pytest_odfperf.report.pictures.picture import Picture
from pytest_odfperf.report.run_page.page_shell import Section
from pytest_odfperf.report.run_page.page_template import render_markup
from pytest_odfperf.report.run_page.run_head import count_of

#: By outcome, the end of its class on the page.
SLUGS: Mapping[str, str] = {
    "worse": "worse",
    "better": "better",
    "no difference shown": "same",
    "inconclusive": "undecided",
    "not compared": "not_compared",
}
_NAMES: Mapping[str, str] = {"rate": "rate", "lat_p99": "p99"}
_GATE_HEADS = ("Outcome", "Key", "Figure", "Ratio", "Now", "Baseline", "Floor", "Repeats", "Controls", "Why")
_FAMILY_HEADS = ("Outcome", "Pool", "Pattern", "Figure", "Figures", "Ratio now / baseline")
_DIFFERS = ("worse", "better")
#: Rows of a list or table; all are in comparison.json.
_ROWS = 60


def comparison_section(
    comparison: Mapping[str, Any], *, figures: bool = True, pictures: Sequence[Picture] = ()
) -> Section:
    """``figures``: with a table of those that differ or are not decided, the largest difference first."""
    tables = [*_families(comparison)]
    if figures:
        tables.insert(1, _differences(comparison))
    gate = comparison.get("gate")
    if gate and gate["cells"]:
        tables.insert(0, _gate(gate["cells"]))
    return Section(
        name="compared",
        heading=f"Compared with {', '.join(comparison['baseline'])}",
        short="Compared",
        body=render_markup(
            "comparison.html.j2",
            sentence=comparison_sentence(comparison) if figures else "",
            unlike=comparison["unlike"],
            gate=gate,
            tables=[table for table in tables if table["rows"]],
            slugs=SLUGS,
            lists=_lists(comparison),
            how=_how(comparison),
        ),
        pictures=pictures,
    )


def comparison_sentence(comparison: Mapping[str, Any]) -> str:
    """What came out, in a sentence or two: the worst first, and what can not be decided."""
    counts = Counter(one["outcome"] for one in comparison["keys"])
    every = sum(counts.values())
    if not every:
        return "Nothing is compared: no key has a valid result on both sides."
    parts = [
        (counts["worse"], "is worse", "are worse"),
        (counts["better"], "is better", "are better"),
        (counts["no difference shown"], "shows no difference", "show no difference"),
        (counts["inconclusive"], "is not decided", "are not decided"),
    ]
    said = [f"{number} {one if number == 1 else many}" for number, one, many in parts if number]
    text = f"Of {count_of(every, 'figure')} {', '.join(said)}."
    pools = sorted({one["pool"] for one in comparison["families"] if _whole_pool(one, "worse")})
    if pools:
        text += f" Worse as a whole: {', '.join(pools)}."
    if counts["inconclusive"] and any(noise["without_repeats"] for noise in comparison["noise"]):
        text += (
            " No run has repeats, so single figures can hardly be decided: what a key scatters by is guessed "
            "from all keys. Pools and patterns can. --odf-repeat measures it."
        )
    return text


def _whole_pool(family: Mapping[str, Any], outcome: str) -> bool:
    return not family["pattern"] and family["outcome"] == outcome


def ratio_text(one: Mapping[str, Any]) -> str:
    """``0.752 (0.741 to 0.763)``."""
    return f"{one['ratio']:.3f} ({one['low']:.3f} to {one['high']:.3f})"


def figure_name(one: Mapping[str, Any]) -> str:
    """``read rate``, ``wal write p99``."""
    return " ".join(filter(None, (one["section"], one["direction"], _NAMES[one["metric"]])))


def figure_text(metric: str, value: float | None) -> str:
    """A figure with its unit; nothing for one that an earlier version did not write."""
    if value is None:
        return ""
    return f"{short(value)} IOPS" if metric == "rate" else f"{digits(value / 1e6)} ms"


def _families(comparison: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Pools and what differs come first; the other patterns are folded."""
    first = [one for one in comparison["families"] if not one["pattern"] or one["outcome"] in _DIFFERS]
    others = [one for one in comparison["families"] if one["pattern"] and one["outcome"] not in _DIFFERS]
    first.sort(key=lambda one: one["outcome"] not in _DIFFERS)
    for heading, families, folded in (
        ("Pools and patterns", first, False),
        ("Patterns without a difference, or not decided", others, True),
    ):
        rows = [
            [
                one["outcome"], one["pool"], one["pattern"] or "all keys", _NAMES[one["metric"]],
                str(one["cells"]), ratio_text(one),
            ]
            for one in families
        ]  # fmt: skip
        yield {"heading": heading, "heads": _FAMILY_HEADS, "rows": rows, "more": "", "folded": folded}


def _differences(comparison: Mapping[str, Any]) -> dict[str, Any]:
    found = sorted(
        (one for one in comparison["keys"] if one["outcome"] != "no difference shown"),
        key=lambda one: (one["outcome"] == "inconclusive", -abs(log(one["ratio"]))),
    )
    rows = [
        [
            one["outcome"], one["key"], figure_name(one),
            figure_text(one["metric"], one.get("baseline")), figure_text(one["metric"], one.get("current")),
            ratio_text(one), f"{one['baseline_repeats']} / {one['repeats']}", one.get("suspect") or "",
        ]
        for one in found[:_ROWS]
    ]  # fmt: skip
    return {
        "heading": "Keys that differ, or are not decided",
        "heads": (
            "Outcome", "Key", "Figure", "Baseline", "Now", "Ratio", "Repeats baseline / now", "Suspect",
        ),
        "rows": rows,
        "more": f"and {len(found) - _ROWS} more, in comparison.json" if len(found) > _ROWS else "",
        "folded": False,
    }  # fmt: skip


def _gate(cells: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    rows = [
        [
            one["outcome"], one["key"], figure_name(one), ratio_text(one),
            figure_text(one["metric"], one["current"]), figure_text(one["metric"], one["baseline"]),
            f"{digits((one['floor'] - 1) * 100, 2)} %", str(one["repeats"]),
            "none" if one["control_ratio"] is None else f"{one['controls']} at {one['control_ratio']:.3f}",
            one["why"],
        ]
        for one in cells
    ]  # fmt: skip
    return {
        "heading": "Measured again for the gate",
        "heads": _GATE_HEADS,
        "rows": rows,
        "more": "",
        "folded": False,
    }


def _lists(comparison: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []
    gate = comparison.get("gate") or {}
    for heading, reasons in (
        ("Not gateable", gate.get("not_gateable") or {}),
        ("Not compared", comparison["refused"]),
    ):
        if reasons:
            found.append((heading, _cut([f"{name}: {why}" for name, why in reasons.items()])))
    for heading, keys in (
        ("Only in this run", comparison["only_current"]),
        ("Only in the baseline", comparison["only_baseline"]),
    ):
        if keys:
            found.append((heading, _cut(list(keys))))
    return found


def _cut(lines: list[str]) -> list[str]:
    more = [f"and {len(lines) - _ROWS} more, in comparison.json"] if len(lines) > _ROWS else []
    return [*lines[:_ROWS], *more]


def _how(comparison: Mapping[str, Any]) -> list[str]:
    lines = [
        "Ratios are now / baseline, of geometric means, with their 90 % intervals. A lower rate and a higher "
        "p99 are worse.",
        "Worse and better: more than chance among all figures of a metric (false discovery rate at most "
        "10 %), and beyond the floor. No difference shown: the whole interval lies within the margin. What "
        "is neither is inconclusive: more repeats or more baseline runs decide it.",
    ]
    for noise in comparison["noise"]:
        sd = f"sessions differ by {noise['session_sd']:.1%}"
        if noise["session_assumed"]:
            sd += ", which is assumed: one baseline run can not show it"
        limits = f"floor {(noise['floor'] - 1):.1%}, margin {(noise['margin'] - 1):.1%}"
        lines.append(f"{_NAMES[noise['metric']]}: {limits}, {sd}")
    return lines

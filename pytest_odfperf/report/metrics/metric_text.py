"""Gauges as text that is Prometheus' text format 0.0.4 and OpenMetrics 1.0 at once.

The textfile collector of node_exporter and the Pushgateway read the first only: no counter names as
OpenMetrics has them, no ``info`` type, no timestamps. To them ``# UNIT`` and ``# EOF`` are comments. Gauges
are written alike in both. See https://prometheus.io/docs/instrumenting/exposition_formats/ and
https://prometheus.io/docs/specs/om/open_metrics_spec/.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Family:
    """One gauge. ``name`` ends in ``unit``, if it has one; ``help`` is a line without quotes."""

    name: str
    help: str
    unit: str = ""
    #: Labels as `labels_text` gives them, and the value.
    samples: list[tuple[str, float]] = field(default_factory=list)


#: Of the characters that are no text to people only the line's end has an escape.
_ESCAPES = (
    dict.fromkeys([*range(32), 127, *range(0x80, 0xA0), 0x2028, 0x2029], "\ufffd")
    | {
        ord("\\"): "\\\\",
        ord('"'): '\\"',
        ord("\n"): "\\n",
    }
    | dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
)


def labels_text(labels: Mapping[str, str]) -> str:
    """``pool="rep3",size="small"``; values may be any text, names are ours."""
    return ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels.items())


def metric_text(families: Iterable[Family]) -> str:
    """All families that have a sample."""
    lines = []
    for family in families:
        if not family.samples:
            continue
        lines.append(f"# HELP {family.name} {family.help}")
        lines.append(f"# TYPE {family.name} gauge")
        if family.unit:
            lines.append(f"# UNIT {family.name} {family.unit}")
        lines += [
            f"{family.name}{{{labels}}} {value!r}" if labels else f"{family.name} {value!r}"
            for labels, value in family.samples
        ]
    return "\n".join([*lines, "# EOF"]) + "\n"

"""A limit on a figure of a key, as a matrix says it: ``write p99 < 5ms``, ``read iops >= 10k``.

Grammar: ``[read | write | sync | each] METRIC [of SECTION] OPERATOR VALUE``.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pytest_odfperf.errors import InputError
from pytest_odfperf.quantity import parse_quantity

Unit = Literal["ns", "IOPS", "bytes/s", "share"]

DIRECTIONS = ("read", "write", "sync")
#: Stands for every direction that a key has.
EACH = "each"
OPERATORS = ("<=", ">=", "<", ">")
#: By the words of a limit. Latency is from submission to completion, over all guests if it says no other.
METRICS: Mapping[str, Unit] = {
    "iops": "IOPS",
    "bw": "bytes/s",
    "mean": "ns",
    "p50": "ns",
    "p95": "ns",
    "p99": "ns",
    "p99.9": "ns",
    "max": "ns",
    "worst guest p99": "ns",
    "median guest p99": "ns",
    "fairness": "share",
}
#: Of these a limit need not name a direction: then they are of `ALL` I/Os, reads and writes together.
_OF_ALL = ("fairness",)
ALL = "all"

_FORMS: Mapping[Unit, str] = {
    "ns": "a time such as 800us, 5ms or 1.5s",
    "IOPS": "a rate such as 500, 10k or 1.5M",
    "bytes/s": "a bandwidth such as 200M, 200MiB/s or 1.5Gi",
    "share": "a number above 0 and up to 1, such as 0.9",
}
_PARTS = re.compile(r"([^<>=!≤≥]*?)\s*(<=|>=|≤|≥|<|>)\s*([^<>=!≤≥]+)")
_SPELLED = {"≤": "<=", "≥": ">="}
_TIME = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)\s?(ns|us|µs|μs|ms|s)", re.ASCII)
_NS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9}
_RATE = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?[kMG]?", re.ASCII)
_BANDWIDTH = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?(?:[kMGT]|[KMGT]i)?)(?:B?(?:/s)?)", re.ASCII)
_SHARE = re.compile(r"[01](?:\.[0-9]{1,9})?", re.ASCII)
_SECTION = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """``value`` is in the unit of the metric: ns, IOPS, bytes per second, or a share of 1."""

    text: str
    #: ``read``, ``write``, ``sync``, `EACH` or `ALL`.
    direction: str
    metric: str
    #: The section of the profile; None: the key as a whole, or each section where they are unlike.
    section: str | None
    operator: str
    value: float

    @property
    def unit(self) -> Unit:
        return METRICS[self.metric]

    @property
    def directions(self) -> tuple[str, ...]:
        """Those that it is about, if the key has them."""
        found = DIRECTIONS if self.direction == EACH else (self.direction,)
        return tuple(name for name in found if self.metric != "bw" or name != "sync")

    def holds(self, figure: float) -> bool:
        """Whether ``figure`` is within the limit."""
        if self.operator == "<":
            return figure < self.value
        if self.operator == "<=":
            return figure <= self.value
        return figure > self.value if self.operator == ">" else figure >= self.value


@lru_cache(maxsize=4096)
def _parse(text: str) -> Limit:
    shown = f"limit {text[:80]!r}"
    found = _PARTS.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if found is None:
        raise InputError(
            f"{shown} is not written as a figure, one of {', '.join(OPERATORS)} and a value: write p99 < 5ms"
        )
    words = found[1].split()
    section = None
    if len(words) > 2 and words[-2] == "of":
        *words, _, section = words
        if not _SECTION.fullmatch(section):
            raise InputError(f"{shown}: {section[:40]!r} can not be a section of a profile")
    direction = words.pop(0) if words and words[0] in (*DIRECTIONS, EACH) else None
    metric = " ".join(words)
    if metric not in METRICS:
        unknown = f"{metric[:40]!r} is no figure" if metric else "it names no figure"
        raise InputError(f"{shown}: {unknown}{_known(metric, METRICS)}, after read, write, sync or each")
    if direction is None and metric not in _OF_ALL:
        raise InputError(f"{shown} names no direction: write read, write, sync or each before {metric}")
    if direction == "sync" and metric == "bw":
        raise InputError(f"{shown}: syncs have no bandwidth; limit their iops, mean or p99")
    value = _value(found[3].strip(), METRICS[metric])
    if value is None or not (value > 0 and math.isfinite(value)):
        raise InputError(f"{shown}: {found[3].strip()[:40]!r} is not {_FORMS[METRICS[metric]]}")
    return Limit(
        text=" ".join(text.split()),
        direction=direction or ALL,
        metric=metric,
        section=section,
        operator=_SPELLED.get(found[2], found[2]),
        value=value,
    )


def parse_limit(text: str, *, place: str | None = None) -> Limit:
    """The limit that ``text`` says. Raises `InputError` with what is wrong and what is allowed."""
    try:
        return _parse(text)
    except InputError as error:
        raise InputError(error.problem, place=place) from error


def _known(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name[:100], list(known), 1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    return f" ({meant}known: {', '.join(known)})"


def _value(text: str, unit: Unit) -> float | None:
    """The number in the metric's unit; None for what is not written as one."""
    if unit == "ns":
        time = _TIME.fullmatch(text.replace("µ", "u").replace("μ", "u"))
        return float(time[1]) * _NS[time[2]] if time else None
    if unit == "share":
        share = float(text) if _SHARE.fullmatch(text) else None
        return share if share is None or share <= 1 else None
    if unit == "IOPS":
        return float(parse_quantity(text)) if _RATE.fullmatch(text) else None
    bandwidth = _BANDWIDTH.fullmatch(text)
    return float(parse_quantity(bandwidth[1])) if bandwidth else None

"""Samples of Prometheus' text format 0.0.4: the few that are wanted of an answer that may be very long.

What is not a sample as the format has it is passed over: an answer comes from outside.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,200}", re.ASCII)
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]{0,100})="((?:[^"\\]|\\.){0,2000})"', re.ASCII)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MEANT = {"n": "\n", '"': '"', "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Sample:
    name: str
    labels: Mapping[str, str]
    #: A finite number.
    value: float


def read_samples(text: bytes, names: Iterable[str]) -> list[Sample]:
    """The samples of the metrics ``names``, in their order; a name that ends in ``*`` is a beginning."""
    wanted = "|".join(_pattern(name) for name in names)
    if not wanted:
        return []
    quoted = r'"(?:[^"\\\n]|\\[^\n])*"'
    labels_part = rf'(?:\{{((?:[^"}}\n]|{quoted})*)\}})?'
    rest = r"[ \t]+(\S+)(?:[ \t]+-?[0-9]+)?[ \t]*\r?$"
    line = re.compile(f"^({wanted}){labels_part}{rest}".encode(), re.MULTILINE)
    found = []
    for name, labels, value in line.findall(text):
        number = _number(value)
        if number is not None:
            found.append(Sample(name.decode(), _labels(labels.decode("utf-8", "replace")), number))
    return found


def _pattern(name: str) -> str:
    if not _NAME.fullmatch(name.removesuffix("*")):
        raise ValueError(f"{name!r} is no metric's name")
    return name[:-1] + "[a-zA-Z0-9_:]{0,100}" if name.endswith("*") else name


def _labels(text: str) -> dict[str, str]:
    return {name: _ESCAPED.sub(_meant, value) for name, value in _LABEL.findall(text)}


def _meant(escaped: re.Match[str]) -> str:
    return _MEANT.get(escaped[1], escaped[0])


def _number(text: bytes) -> float | None:
    try:
        number = float(text.decode("ascii"))
    except ValueError:
        return None
    return number if math.isfinite(number) and b"_" not in text else None

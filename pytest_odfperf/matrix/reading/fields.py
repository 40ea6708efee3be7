"""Checked reads of marked values: each says the line and what was expected."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.keys import check_name
from pytest_odfperf.matrix.reading.yaml_marks import Marked
from pytest_odfperf.quantity import to_bytes

T = TypeVar("T")

_DURATION = re.compile(r"([0-9]{1,9})\s?(s|m|h)?", re.ASCII)
_SECONDS = {None: 1, "s": 1, "m": 60, "h": 3600}
_FIO_SIZE = re.compile(r"([0-9]{1,15})(?:([kKmMgGtT])(?:i?[bB]?)?)?", re.ASCII)
_FIO_STEPS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_SUBDOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*", re.ASCII)

Read = Callable[[Marked, str], T]


def listed(names: Iterable[object]) -> str:
    return ", ".join(str(name) for name in names) or "none"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` (did you mean 'x'? known: x, y)``, for the end of a message."""
    known = list(known)
    close = difflib.get_close_matches(name[:100], known, 1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    return f" ({meant}known: {listed(known)})"


def wrong(item: Marked, what: str, expected: str) -> InputError:
    """The error of a value of the wrong type."""
    found = item.kind if isinstance(item.value, dict | list | None) else f"{_short(item.text)}, {item.kind}"
    return InputError(f"{what} must be {expected}, not {found}", place=item.place)


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def mapping(item: Marked, what: str) -> dict[str, Marked]:
    if not isinstance(item.value, dict):
        raise wrong(item, what, "a mapping")
    return item.value


def truth(item: Marked, what: str) -> bool:
    if not isinstance(item.value, bool):
        raise wrong(item, what, "true or false")
    return item.value


def fields(item: Marked, what: str, known: Sequence[str], required: Sequence[str] = ()) -> dict[str, Marked]:
    """A mapping with ``known`` names only; those without a value are left out."""
    values = mapping(item, what)
    for name in values:
        if name not in known:
            raise InputError(
                f"unknown field {_short(name)} in {what}{did_you_mean(name, known)}",
                place=item.key_place(name),
            )
    for name in required:
        if name not in values or values[name].value is None:
            raise InputError(f"{what} has no {name}", place=item.place)
    return {name: value for name, value in values.items() if value.value is not None}


def items(item: Marked, what: str) -> list[Marked]:
    """A list that is not empty."""
    if not isinstance(item.value, list):
        raise wrong(item, what, "a list")
    if not item.value:
        raise InputError(f"{what} is empty; leave it out or name at least one", place=item.place)
    return item.value


def each(item: Marked, what: str, one: str, read: Read[T]) -> tuple[T, ...]:
    """The items of a list, all different."""
    seen: dict[T, Marked] = {}
    for entry in items(item, what):
        value = read(entry, one)
        if value in seen:
            # What is on the command line has no lines.
            first = f", first on line {line}" if (line := seen[value].line) else ""
            raise InputError(f"{one} {value!r} is there twice{first}", place=entry.place)
        seen[value] = entry
    return tuple(seen)


def text(item: Marked, what: str) -> str:
    if not isinstance(item.value, str):
        quoted = (
            "" if isinstance(item.value, dict | list | None) else f" (write it in quotes: {item.text[:40]!r})"
        )
        error = wrong(item, what, "a text")
        raise InputError(f"{error.problem}{quoted}", place=item.place)
    if not item.value:
        raise InputError(f"{what} is empty", place=item.place)
    return item.value


def written(item: Marked, what: str) -> str:
    """A text, or a whole number as it was written."""
    if type(item.value) is int:
        return item.text
    return text(item, what)


def name(item: Marked, what: str) -> str:
    """A text that can be a field of a key."""
    return check_name(what, text(item, what), place=item.place)


def whole(item: Marked, what: str, low: int, high: int) -> int:
    value = item.value
    if type(value) is not int:
        raise wrong(item, what, "a whole number")
    if not low <= value <= high:
        raise InputError(f"{what} {item.text[:40]} is not from {low} to {high}", place=item.place)
    return int(value)


def number(item: Marked, what: str, low: float, high: float) -> float:
    value = item.value
    if type(value) not in (int, float):
        raise wrong(item, what, "a number")
    if not low <= value <= high:
        raise InputError(f"{what} {item.text[:40]} is not from {low:g} to {high:g}", place=item.place)
    return float(value)


def choice(item: Marked, what: str, known: Sequence[str]) -> str:
    value = text(item, what)
    if value not in known:
        raise InputError(f"{what} {_short(value)} is not known{did_you_mean(value, known)}", place=item.place)
    return value


def check_dns_label(what: str, value: str, *, place: str | None = None) -> str:
    """Return ``value`` if it is a DNS-1123 label, as namespaces are named; `InputError` if not."""
    if _LABEL.fullmatch(value):
        return value
    raise InputError(
        f"{what} {_short(value)} is not a DNS-1123 label: 1 to 63 of lower-case letters, digits and '-', "
        "the first and last a letter or digit",
        place=place,
    )


def dns_label(item: Marked, what: str) -> str:
    return check_dns_label(what, text(item, what), place=item.place)


def check_subdomain(what: str, value: str, *, place: str | None = None) -> str:
    """Return ``value`` if objects of the cluster can have it as their name; `InputError` if not."""
    if len(value) <= 253 and _SUBDOMAIN.fullmatch(value):
        return value
    raise InputError(
        f"{what} {_short(value)} is not a DNS-1123 subdomain: at most 253 of lower-case letters, digits, '-' "
        "and '.', the first and last of each part a letter or digit",
        place=place,
    )


def subdomain(item: Marked, what: str) -> str:
    return check_subdomain(what, text(item, what), place=item.place)


def quantity_bytes(item: Marked, what: str, low: int, high: int) -> int:
    """Bytes of a Kubernetes quantity (``150Gi``)."""
    try:
        value = to_bytes(written(item, what))
    except InputError as error:
        raise InputError(f"{what}: {error.problem}", place=item.place) from error
    if not low <= value <= high:
        raise InputError(
            f"{what} {item.text[:40]} is {value} bytes, not from {low} to {high}", place=item.place
        )
    return value


def parse_duration_s(value: str) -> int | None:
    """Seconds of ``120``, ``120s``, ``2m`` or ``1h``; None if it is none of them."""
    found = _DURATION.fullmatch(value)
    return int(found[1]) * _SECONDS[found[2]] if found else None


def parse_latency_ns(value: str) -> int | None:
    """``5ms``, ``250us``, ``1.5s`` or ``800ns``; None for everything else, a number without a unit too."""
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ns|us|ms|s)", value.strip(), re.ASCII)
    if match is None:
        return None
    return round(float(match[1]) * {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}[match[2]])


def parse_fio_bytes(value: str) -> int | None:
    """Bytes of a size as fio writes it; None if it is none.

    ``4k``, ``4K``, ``4Ki`` and ``4KiB`` are all 4096: fio's units are powers of 1024 (``kb_base``), and the
    matrix keeps that for fio's own settings. PVC and memory sizes are Kubernetes quantities, where ``4G``
    is 4 * 1000^3.
    """
    found = _FIO_SIZE.fullmatch(value)
    return int(found[1]) << _FIO_STEPS[(found[2] or "").lower()] if found else None


def in_job_file(value: str) -> str:
    """A size of the matrix as a job file has to say it: fio itself takes ``4KiB`` for 4000."""
    return re.sub("i?b?$", "", value, flags=re.IGNORECASE)


def parsed(
    item: Marked, what: str, parse: Callable[[str], int | None], form: str, low: int, high: int
) -> int:
    """A number with a unit; ``form`` shows how it is written."""
    value = parse(written(item, what))
    if value is None:
        raise InputError(f"{what} {_short(item.text)} is not written as {form}", place=item.place)
    if not low <= value <= high:
        raise InputError(f"{what} {item.text[:40]} is {value}, not from {low} to {high}", place=item.place)
    return value


def plain_mapping(item: Marked, what: str) -> dict[str, Any]:
    """A mapping that is not looked into, but can be written as JSON."""
    mapping(item, what)
    plain: dict[str, Any] = item.plain()
    return plain

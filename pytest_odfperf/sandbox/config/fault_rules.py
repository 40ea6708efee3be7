"""Rules of what goes wrong in the API server, checked; from a configuration or from ``/sandbox/faults``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pytest_odfperf.errors import InputError
from pytest_odfperf.sandbox.config.config_values import ApiFault, ApiFaultKind
from pytest_odfperf.sandbox.config.mapping_reader import Reader

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Expired",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}
_FLAGS = ("reset", "lost", "hang", "cut", "expire")
_SPANS = ("freeze_s", "restart_s")


def read_api_faults(raw: Any, place: str) -> tuple[ApiFault, ...]:
    """A list of rules. Raises `InputError` that names the place."""
    if not isinstance(raw, list | tuple):
        raise InputError(f"{raw!r} is not a list of rules", place=place)
    return tuple(read_api_fault(entry, f"{place}[{index}]") for index, entry in enumerate(raw))


def read_api_fault(raw: Any, place: str) -> ApiFault:
    """One rule. Raises `InputError`."""
    read = Reader(raw, place)
    kind = _kind(raw, place)
    verbs = read.texts("verbs")
    if unknown := [verb for verb in verbs if verb not in VERBS]:
        raise InputError(f"{unknown[0]!r} is not one of {', '.join(VERBS)}", place=f"{place}.verbs")
    status = read.integer("status", 0, at_least=0)
    if kind == "status" and not 400 <= status <= 599:
        raise InputError(f"{status} is not an HTTP status from 400 to 599", place=f"{place}.status")
    probability = read.number("probability", 1.0)
    if probability > 1:
        raise InputError(f"{probability} is more than 1", place=f"{place}.probability")
    for name in _FLAGS:
        read.flag(name, False)
    spans = [read.number(name, 0.0) for name in _SPANS]
    counted = read.value("times", None) is not None
    timed = read.value("for_s", None) is not None
    retried = read.value("retry_after_s", None) is not None
    fault = ApiFault(
        kind=kind,
        verbs=verbs,
        resources=read.texts("resources"),
        name=read.text("name", "*"),
        namespace=read.text("namespace", "*"),
        after=read.integer("after", 0, at_least=0),
        times=read.integer("times", 1, at_least=1) if counted else None,
        for_s=read.number("for_s", 1.0, above=0.0) if timed else None,
        probability=probability,
        seed=read.integer("seed", 1, at_least=0),
        status=status,
        reason=read.text("reason", _REASONS.get(status, "InternalError")),
        message=read.text("message", "the sandbox was told to answer so"),
        retry_after_s=read.integer("retry_after_s", 1, at_least=0) if retried else None,
        delay_s=read.number("delay_s", 0.0),
        away_s=max(spans),
    )
    read.end()
    return fault


def _kind(raw: Mapping[str, Any], place: str) -> ApiFaultKind:
    known = get_args(ApiFaultKind)
    found = [name for name in known if name != "delay_s" and raw.get(name)]
    if not found and raw.get("delay_s"):
        found = ["delay_s"]
    if len(found) != 1:
        what = "nothing goes wrong" if not found else f"{' and '.join(found)} exclude each other"
        raise InputError(f"{what}: one of {', '.join(known)}", place=place)
    kind: ApiFaultKind = found[0]
    return kind

"""The journal of the storage's health, as a table: when, which object, how it was from then on."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_odfperf.report.run_page.sections.small_table import SmallTable

_ROWS = 200
_LONGEST = 400


def storage_journal(heading: str, entries: Sequence[Mapping[str, Any]]) -> Iterator[SmallTable]:
    """One table; none without entries."""
    told = [entry for entry in entries if "name" in entry]
    if told:
        yield SmallTable(
            heading=heading,
            heads=("From (UTC)", "Object", "State"),
            rows=[
                [_time(entry.get("at")), str(entry["name"])[:_LONGEST], _state(entry)[:_LONGEST]]
                for entry in told[:_ROWS]
            ],
            more=f"and {len(told) - _ROWS} more" if len(told) > _ROWS else "",
        )


def _time(at: object) -> str:
    """As ISO 8601 has it, to the second; of what is no time that anybody can mean, as it is."""
    if isinstance(at, int | float) and 0 < at < 1e11:
        return f"{datetime.datetime.fromtimestamp(at, tz=datetime.UTC):%Y-%m-%d %H:%M:%S}"
    return str(at)[:40]


def _state(entry: Mapping[str, Any]) -> str:
    state, kind = entry.get("state"), entry.get("of")
    if not isinstance(state, Mapping):
        return "gone, or not known any more"
    if kind == "ceph":
        return "; ".join(_ceph(state))
    if kind == "pgs":
        return ", ".join([f"{state.get('total')} PGs", *_counts(state.get("states"))])
    return str(state.get("phase"))


def _ceph(state: Mapping[str, Any]) -> Iterator[str]:
    yield str(state.get("health"))
    checks = state.get("checks")
    for check in checks if isinstance(checks, list | tuple) else ():
        if isinstance(check, Mapping):
            words = f" ({check['message']})" if check.get("message") else ""
            yield f"{check.get('code')}{words}"
    used = state.get("used_share")
    if isinstance(used, int | float):
        yield f"{used:.0%} used"
    if state.get("trouble"):
        yield str(state["trouble"])


def _counts(states: object) -> Iterator[str]:
    for one in states if isinstance(states, list | tuple) else ():
        if isinstance(one, Mapping):
            yield f"{one.get('count')} {one.get('state')}"

"""What the storage did in the course of a run, by its own counters: recovery, others' I/O, OSDs that left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

#: What is less is no bar: see ``others_io`` and ``recovery_ran`` in docs/verdicts.md.
_LEAST_IOPS, _LEAST_BYTES_PER_S = 50.0, 5 << 20
_MOST_TEXT = 160
RECOVERY, OTHERS, OSDS = "recovery", "others' I/O", "OSDs away"


@dataclass(slots=True)
class StorageBar:
    """``began_s`` and ``ended_s`` since the epoch."""

    activity: str
    began_s: float
    ended_s: float
    what: str


def storage_bars(entries: Iterable[Mapping[str, Any]], own: frozenset[str]) -> Iterator[StorageBar]:
    """Of the lines of counters.jsonl; ``own`` are the storage's pools that the run's VMs use."""
    before: dict[str, tuple[float, Mapping[str, Any]]] = {}
    going: dict[tuple[str, str], StorageBar] = {}
    for entry in entries:
        if entry.get("session"):
            before.clear()
            yield from going.values()
            going.clear()
        at_s, name, pools = entry.get("at"), entry.get("name"), entry.get("pools")
        if not isinstance(at_s, int | float) or not isinstance(name, str) or not isinstance(pools, dict):
            continue
        then = before.get(name)
        before[name] = float(at_s), entry
        if then is None or at_s <= then[0]:
            continue
        found = dict(_between(then[1], entry, at_s - then[0], own))
        for activity in (RECOVERY, OTHERS, OSDS):
            key, text = (name, activity), found.get(activity)
            bar = going.get(key)
            if text is None:
                if bar is not None:
                    yield going.pop(key)
            elif bar is None:
                going[key] = StorageBar(activity, then[0], float(at_s), text[:_MOST_TEXT])
            else:
                bar.ended_s = float(at_s)
                bar.what = text[:_MOST_TEXT] if activity == OSDS else bar.what
    yield from going.values()


def _between(
    before: Mapping[str, Any], after: Mapping[str, Any], seconds: float, own: frozenset[str]
) -> Iterator[tuple[str, str]]:
    recovered = _step(before.get("recovered"), after.get("recovered")) / seconds
    told = after.get("recovering")
    rate = told[0] if isinstance(told, list) and told and isinstance(told[0], int | float) else 0.0
    if (most := max(recovered, rate)) > 0:
        yield RECOVERY, f"{most / (1 << 20):.3g} MiB/s"
    found = []
    for pool, counts in after["pools"].items():
        then = before.get("pools", {}).get(pool)
        if pool in own or not isinstance(counts, list) or not isinstance(then, list):
            continue
        if len(counts) == len(then) == 4:
            steps = [_step(a, b) / seconds for a, b in zip(then, counts, strict=True)]
            found.append((steps[0] + steps[2], steps[1] + steps[3], str(pool)))
    ios, moved = sum(one[0] for one in found), sum(one[1] for one in found)
    if ios > _LEAST_IOPS or moved > _LEAST_BYTES_PER_S:
        busiest = max(found, key=lambda one: one[1])[2]
        yield OTHERS, f"{busiest[:60]}: {ios:.0f} I/Os and {moved / (1 << 20):.3g} MiB a second"
    osds = after.get("osds")
    away = [
        f"{name} {'down' if not state[0] else 'out'}"
        for name, state in (osds.items() if isinstance(osds, dict) else ())
        if isinstance(state, list) and len(state) > 1 and not (state[0] and state[1])
    ]
    if away:
        yield OSDS, ", ".join(away)


def _step(before: object, after: object) -> float:
    """0 where it is not told, or began anew."""
    if isinstance(before, int | float) and isinstance(after, int | float):
        return max(0.0, float(after) - float(before))
    return 0.0

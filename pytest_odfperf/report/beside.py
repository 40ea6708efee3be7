"""What overlapped in a run of several pools at one time, for the terminal and the HTML report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pytest_odfperf.measure.record import Record
from pytest_odfperf.schedule.backends import Sharing

#: Longer lists help nobody.
_SHOWN = 8

_WHERE: dict[Sharing, str] = {
    "shared": "on the same devices",
    "not_known": "on devices that may be the same",
    "separate": "on separate devices",
}


@dataclass
class _Pair:
    sharing: Sharing
    why: str
    #: Results that the other ran beside, by pool.
    results: dict[str, int] = field(default_factory=dict)
    share: float = 0.0


def beside_lines(records: Iterable[Record]) -> list[str]:
    """A line for each two pools that ran at one time, what is known to be separate last; none without any."""
    pairs: dict[tuple[frozenset[str], Sharing, str], _Pair] = {}
    for record in records:
        for one in record.beside:
            pool = record.key.pool
            pair = pairs.setdefault(
                (frozenset((pool, one.pool)), one.backend, one.disks), _Pair(one.backend, one.why)
            )
            pair.results[pool] = pair.results.get(pool, 0) + 1
            pair.share = max(pair.share, 1.0 if one.share is None else one.share)
    found = sorted(pairs.items(), key=lambda item: (list(_WHERE).index(item[1].sharing), -item[1].share))
    lines = [_line(sorted(pools), disks, pair) for (pools, _, disks), pair in found[:_SHOWN]]
    if len(found) > _SHOWN:
        lines.append(f"and {len(found) - _SHOWN} more; results.jsonl has what ran beside each result")
    return lines


def _line(pools: list[str], disks: str, pair: _Pair) -> str:
    counts = ", ".join(
        f"{number} {'result' if number == 1 else 'results'} of {pool}"
        for pool, number in pair.results.items()
    )
    what = "VMs booted beside" if disks == "root" else "at one time"
    return (
        f"{' and '.join(pools)}: {what}, {_WHERE[pair.sharing]} ({pair.why}); {counts}, "
        f"up to {pair.share:.0%} of the window"
    )

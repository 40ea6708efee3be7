"""When the placement groups of new pools are settled: all there, active and clean, and not about to be split.

A new pool begins with one PG (Ceph 18.2 and later) and the autoscaler, which looks once a minute, splits it
later: what is measured before that is one OSD, and what is measured while it splits is recovery. HEALTH_OK is
said of PGs that are unknown or being created, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_odfperf.prometheus_text import Sample

#: The autoscaler sleeps 60 s between two looks (``mgr/pg_autoscaler/sleep_interval``).
QUIET_S = 65.0
#: The metrics that are read.
METRICS = ("ceph_pool_metadata", "ceph_pg_*", "ceph_mgr_module_status", "ceph_mgr_module_can_run")
_AUTOSCALER = "pg_autoscaler"


@dataclass(frozen=True, slots=True)
class PgCounts:
    """The PGs of one pool: how many, and how many are in each state; a PG counts in each of its states."""

    total: int
    states: Mapping[str, int]

    @property
    def is_clean(self) -> bool:
        return self.total > 0 and all(self.states.get(name, 0) == self.total for name in ("active", "clean"))

    def __str__(self) -> str:
        said = ", ".join(
            f"{count} {name}" for name, count in sorted(self.states.items()) if count and name != "total"
        )
        return f"{self.total} {'PG' if self.total == 1 else 'PGs'}{f' ({said})' if said else ''}"


@dataclass(frozen=True, slots=True)
class PgLook:
    """What the manager said at one time. ``autoscales`` None: not known."""

    counts: Mapping[str, PgCounts]
    autoscales: bool | None


def look_of(samples: Iterable[Sample]) -> PgLook:
    """The PGs of each pool by its name, from `METRICS`."""
    names: dict[str, str] = {}
    states: dict[str, dict[str, int]] = {}
    modules: list[float] = []
    for sample in samples:
        number = sample.labels.get("pool_id", "")
        if sample.name == "ceph_pool_metadata":
            names[number] = sample.labels.get("name", "")
        elif sample.name.startswith("ceph_pg_") and number:
            states.setdefault(number, {})[sample.name.removeprefix("ceph_pg_")] = round(sample.value)
        elif sample.labels.get("name") == _AUTOSCALER:
            modules.append(sample.value)
    counts = {
        names[number]: PgCounts(found.get("total", 0), found)
        for number, found in states.items()
        if number in names
    }
    return PgLook(counts, all(modules) if modules else None)


class Settling:
    """Looks at some pools, one after the other, until they are settled."""

    def __init__(self, pools: Sequence[str], fixed: Iterable[str], quiet_s: float = QUIET_S) -> None:
        """``fixed`` are the pools whose number of PGs was said: nobody splits them."""
        self._pools = tuple(dict.fromkeys(pools))
        self._fixed = frozenset(fixed)
        self._quiet_s = quiet_s
        #: By pool: its number of PGs and when it was first seen.
        self._since: dict[str, tuple[int, float]] = {}

    def unsettled(self, look: PgLook, now_s: float) -> dict[str, str]:
        """The pools that are not settled yet, and in what state they are."""
        return {pool: why for pool in self._pools if (why := self._why(pool, look, now_s)) is not None}

    def _why(self, pool: str, look: PgLook, now_s: float) -> str | None:
        found = look.counts.get(pool)
        if found is None:
            return "the manager does not know it yet"
        total, since_s = self._since.get(pool, (-1, now_s))
        if total != found.total:
            since_s = now_s
            self._since[pool] = found.total, now_s
        if not found.is_clean:
            return str(found)
        if pool in self._fixed:
            return None
        if look.autoscales is not False and now_s - since_s < self._quiet_s:
            return f"{found}: the autoscaler may split them"
        if found.total == 1:
            cause = " (its module does not run)" if look.autoscales is False else ""
            return (
                f"1 PG, so it is on one OSD; the autoscaler has not split it{cause}: say pg_num in its recipe"
            )
        return None

    def is_hopeless(self, look: PgLook, now_s: float) -> bool:
        """Whether nothing of what is not settled will become so: nobody is there who splits PGs."""
        left = self.unsettled(look, now_s)
        return bool(left) and look.autoscales is False and all("say pg_num" in why for why in left.values())

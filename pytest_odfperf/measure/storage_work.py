"""What the storage did in a key's window, by its own counters; what a record keeps of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from pytest_odfperf.measure.storage_counters import CountersEvidence, CountersLook, IoCount, OsdState

#: Pools with the most client I/O are kept by name.
_MOST_POOLS = 8
_MOST_EVENTS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolWork:
    """Client I/O of a pool of the storage, on average."""

    pool: str
    read_iops: float
    read_bytes_per_s: float
    write_iops: float
    write_bytes_per_s: float
    #: Known to be on other devices than the key's.
    separate: bool = False

    @property
    def text(self) -> str:
        """In a few words."""
        return (
            f"{self.pool} {self.read_iops:.0f} reads/s ({_mib(self.read_bytes_per_s)}/s), "
            f"{self.write_iops:.0f} writes/s ({_mib(self.write_bytes_per_s)}/s)"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageWork:
    """Over the ``seen_s`` seconds of its window (``window_s``) of which the counters are; both may be 0."""

    window_s: float
    seen_s: float
    #: Why nobody witnessed what the storage did; None: somebody did.
    unwitnessed: str | None = None
    #: The pools with the key's data and metadata together; None: not known.
    own: PoolWork | None = None
    #: What the guests did in the same time, by their own word; None: not known.
    guests: PoolWork | None = None
    #: Others that did something, the busiest first.
    others: tuple[PoolWork, ...] = ()
    recovered_bytes_per_s: float | None = None
    osds_up: int | None = None
    osds: int | None = None
    #: What happened to OSDs and checks, with its second.
    events: tuple[str, ...] = ()
    slow_ops: int = 0
    #: The slowest OSD's latency of a commit, at its worst.
    commit_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Two looks: all that the second counts beyond the first was done between ``from_s`` and ``to_s``."""

    first: CountersLook
    last: CountersLook

    @property
    def seconds(self) -> float:
        """How long the counters are of, on average."""
        return self.last.usual_s - self.first.usual_s

    @property
    def middle_s(self) -> tuple[float, float]:
        """From when to when the counters are of, on average."""
        return self.first.usual_s, self.last.usual_s

    def count(self, pools: tuple[str, ...]) -> IoCount | None:
        """Of these pools together; None: one is not told, or began anew."""
        total = IoCount()
        for pool in pools:
            after = self.last.counters.pools.get(pool)
            # One that was not there was made meanwhile.
            before = self.first.counters.pools.get(pool, IoCount())
            step = after.since(before) if after is not None else None
            if step is None:
                return None
            total += step
        return total


def inner_span(evidence: CountersEvidence) -> Span | None:
    """The longest whose counters hold nothing that was done outside of the window; None: there is none."""
    inside = [look for look in evidence.looks if look.earliest_s >= 0]
    return Span(inside[0], inside[-1]) if len(inside) > 1 else None


def outer_span(evidence: CountersEvidence) -> Span | None:
    """The one that begins with the window or just before it, so that its counters hold all that they can."""
    before = sum(look.at_s <= 0 for look in evidence.looks)
    looks = evidence.looks[max(0, before - 1) :]
    return Span(looks[0], looks[-1]) if len(looks) > 1 else None


def meanwhile(evidence: CountersEvidence) -> tuple[CountersLook, ...]:
    """The looks of the window, with the last one before it."""
    before = sum(look.at_s <= 0 for look in evidence.looks)
    return evidence.looks[max(0, before - 1) :]


def strangers(evidence: CountersEvidence) -> tuple[str, ...]:
    """Pools of the storage on what may be the key's devices, which no pool of the run is."""
    known = {*evidence.data, *evidence.metadata, *evidence.run, *evidence.separate}
    looks = evidence.looks[-1:]
    return tuple(pool for look in looks for pool in look.counters.pools if pool not in known)


def storage_work(evidence: CountersEvidence) -> StorageWork:
    """What the record keeps."""
    looks, span = meanwhile(evidence), inner_span(evidence)
    if span is None:
        why = evidence.problem or "its window is too short for the storage's counters"
        last = looks[-1].counters if looks else None
        return StorageWork(
            window_s=round(evidence.window_s, 1),
            seen_s=0.0,
            unwitnessed=why,
            osds_up=sum(one.up for one in last.osds.values()) if last else None,
            osds=len(last.osds) if last else None,
            events=events(looks),
        )
    own = span.count((*evidence.data, *evidence.metadata)) if evidence.data else None
    others = []
    for pool in span.last.counters.pools:
        step = span.count((pool,))
        if pool not in evidence.data and pool not in evidence.metadata and step is not None and step.ios:
            others.append(_work(pool, step, span.seconds, pool in evidence.separate))
    others.sort(key=lambda one: -(one.read_bytes_per_s + one.write_bytes_per_s))
    last = span.last.counters
    times = [one.commit_ms for look in looks for one in look.counters.osds.values()]
    return StorageWork(
        window_s=round(evidence.window_s, 1),
        seen_s=round(span.seconds, 1),
        own=_work("+".join(evidence.data), own, span.seconds) if own is not None else None,
        others=tuple(others[:_MOST_POOLS]),
        recovered_bytes_per_s=round(recovered_bytes(looks) / max(1.0, _length_s(looks))),
        osds_up=sum(one.up for one in last.osds.values()),
        osds=len(last.osds),
        events=events(looks),
        slow_ops=max(look.counters.slow_ops for look in looks),
        commit_ms=max((one for one in times if one is not None), default=None),
    )


def recovered_bytes(looks: tuple[CountersLook, ...]) -> float:
    """What recovery moved between the looks: by the OSDs' counters, else by the rates that were told."""
    found = 0.0
    for before, after in pairwise(looks):
        one, other = before.counters.recovered_bytes, after.counters.recovered_bytes
        counted = other - one if one is not None and other is not None and other >= one else 0
        told = after.counters.recovering_bytes_per_s * (after.at_s - before.at_s)
        found += max(counted, told)
    return found


def events(looks: tuple[CountersLook, ...]) -> tuple[str, ...]:
    """OSDs that went down or out or came back, checks that came or went."""
    found = []
    for before, after in pairwise(looks):
        parts = []
        for name, now in after.counters.osds.items():
            parts += osd_changes(name, before.counters.osds.get(name), now)
        codes = [{check.code for check in look.counters.checks} for look in (before, after)]
        parts += [f"{code} came" for code in sorted(codes[1] - codes[0])]
        parts += [f"{code} went" for code in sorted(codes[0] - codes[1])]
        if parts:
            found.append(f"after {max(0.0, after.at_s):.1f} s: {', '.join(parts[:_MOST_EVENTS])}")
    return tuple(found[:_MOST_EVENTS])


def osd_changes(name: str, before: OsdState | None, after: OsdState) -> list[str]:
    """In words."""
    if before is None:
        return []
    found = []
    if before.up != after.up:
        found.append(f"{name} {'came up' if after.up else 'went down'}")
    if before.taken_in != after.taken_in:
        found.append(f"{name} went {'in' if after.taken_in else 'out'}")
    return found


def _work(pool: str, step: IoCount, seconds: float, separate: bool = False) -> PoolWork:
    seconds = max(seconds, 1e-3)
    return PoolWork(
        pool=pool[:100],
        read_iops=round(step.reads / seconds, 1),
        read_bytes_per_s=round(step.read_bytes / seconds),
        write_iops=round(step.writes / seconds, 1),
        write_bytes_per_s=round(step.written_bytes / seconds),
        separate=separate,
    )


def _length_s(looks: tuple[CountersLook, ...]) -> float:
    return looks[-1].at_s - looks[0].at_s if looks else 0.0


def _mib(count: float) -> str:
    return f"{count / (1 << 20):.3g} MiB"

"""What a storage counted of its own work: client I/O of each pool, its daemons, its checks, at moments.

Counters are late: Ceph's OSDs report every 5 s, and its manager collects for its metrics every 15 s unless
it is told otherwise (both measured with 16.2). A look that shows other counters than the one before was
collected between the two; what it counts was done up to `LAG_S` before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_odfperf.measure.storage_health import CephKind, HealthCheck

#: An OSD reports every 5 s (``mgr_stats_period``), the manager takes that up every 2 s (``mgr_tick_period``).
LAG_S = 7.0
#: How late they are on average: half of what an OSD waits.
USUAL_LAG_S = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class IoCount:
    """Operations and bytes of clients: each once, whatever copies or chunks were made of it."""

    reads: int = 0
    read_bytes: int = 0
    writes: int = 0
    written_bytes: int = 0

    def __add__(self, other: IoCount) -> IoCount:
        return IoCount(
            reads=self.reads + other.reads,
            read_bytes=self.read_bytes + other.read_bytes,
            writes=self.writes + other.writes,
            written_bytes=self.written_bytes + other.written_bytes,
        )

    def since(self, before: IoCount) -> IoCount | None:
        """What was done between; None: a counter went back, so that it began anew."""
        steps = (
            self.reads - before.reads,
            self.read_bytes - before.read_bytes,
            self.writes - before.writes,
            self.written_bytes - before.written_bytes,
        )
        if min(steps) < 0:
            return None
        return IoCount(reads=steps[0], read_bytes=steps[1], writes=steps[2], written_bytes=steps[3])

    @property
    def ios(self) -> int:
        return self.reads + self.writes

    @property
    def moved_bytes(self) -> int:
        return self.read_bytes + self.written_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OsdState:
    """A daemon of one device. None: not told."""

    up: bool = True
    #: Whether data is placed on it.
    taken_in: bool = True
    #: What clients asked of it, since it was started.
    ops: int | None = None
    #: Of its device, 0 to 1.
    used_share: float | None = None
    commit_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageCounters:
    """One look. Pools and OSDs by name; ``recovering_bytes_per_s`` is of all pools."""

    pools: Mapping[str, IoCount] = field(default_factory=dict)
    osds: Mapping[str, OsdState] = field(default_factory=dict)
    checks: tuple[HealthCheck, ...] = ()
    recovering_bytes_per_s: float = 0.0
    recovering_objects_per_s: float = 0.0
    #: All that was ever moved by recovery, by its OSDs' own counters; None: not told.
    recovered_bytes: int | None = None
    slow_ops: int = 0
    #: How often all this was collected since the manager began; another number is another collection.
    collected: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountersLook:
    """Times in seconds of a key's window; before it they are negative."""

    #: When they were read.
    at_s: float
    #: They were not collected before: the last look with other counters was then.
    since_s: float
    counters: StorageCounters

    @property
    def earliest_s(self) -> float:
        """All that was done until then is counted."""
        return self.since_s - LAG_S

    @property
    def usual_s(self) -> float:
        """What was done until then is counted, on average."""
        return (self.since_s + self.at_s) / 2 - USUAL_LAG_S


@dataclass(frozen=True, slots=True, kw_only=True)
class CountersEvidence:
    """What the storage counted around a key."""

    kind: CephKind
    window_s: float
    #: In the order of time; the first may be of before the window, none is of after it.
    looks: tuple[CountersLook, ...] = ()
    #: The storage's pools with the key's data, and with their metadata only.
    data: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    #: Those of other pools of the run and of root disks: neighbours speak of them.
    run: tuple[str, ...] = ()
    #: Those that are known to be on other devices.
    separate: tuple[str, ...] = ()
    #: Pools of the run (not of the storage) that keep their data in the same ones.
    also: tuple[str, ...] = ()
    #: Why nothing is known, or was for a while.
    problem: str | None = None

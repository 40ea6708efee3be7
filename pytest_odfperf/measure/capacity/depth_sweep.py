"""The same job at several queue depths: where the rate peaks, and which depths keep a latency limit.

Each depth is a variant of its profile (``iodepth: [1, 4, 16]``), measured as any other key; a sweep is made
of their records. A depth without a valid measurement is missing in it, and said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.matrix.variants import listed_numbers, variant_name
from pytest_odfperf.measure.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthPoint:
    """One depth: reads and writes together, the slowest section; the worst p99 of all of them."""

    depth: int
    iops_per_s: float
    lat_p99_ns: int
    suspect: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthSweep:
    """``points`` by depth. ``key`` has the profile's name without its depth."""

    key: Key
    points: tuple[DepthPoint, ...]
    #: Depths without a valid measurement.
    missing: tuple[int, ...]
    #: What p99 was to keep; None: no limit was said.
    lat_p99_limit_ns: int | None

    @property
    def peak(self) -> DepthPoint:
        """The largest rate; of equal ones the lowest depth."""
        return max(self.points, key=lambda point: (point.iops_per_s, -point.depth))

    @property
    def deepest_kept(self) -> DepthPoint | None:
        """The largest depth up to which every depth keeps the limit; None: none does, or there is none."""
        found = None
        for point in self.points:
            if self.lat_p99_limit_ns is None or point.lat_p99_ns > self.lat_p99_limit_ns:
                break
            found = point
        return found


def depth_sweeps(records: Iterable[Record], matrix: Matrix, keys: Iterable[Key]) -> list[DepthSweep]:
    """The sweeps of the selected ``keys``, in their order, each with two depths or more.

    Repeats of a depth: the median one by rate.
    """
    found: dict[Key, list[Record]] = {}
    for record in records:
        if record.status == "passed" and record.usable and record.jobs:
            found.setdefault(record.key, []).append(record)
    profiles = {profile.name: profile for profile in matrix.profiles}
    sweeps: dict[Key, dict[int, list[Record]]] = {}
    for key in keys:
        profile = profiles.get(key.profile)
        numbers: Mapping[str, int] = listed_numbers(profile) if profile and profile.base else {}
        if profile is None or "iodepth" not in numbers:
            continue
        rest = {name: number for name, number in numbers.items() if name != "iodepth"}
        name = variant_name(profile.base or profile.name, rest)
        place = Key(key.pool, key.size, key.pvc, key.concurrency, name, key.block_size)
        sweeps.setdefault(place, {})[numbers["iodepth"]] = found.get(key, [])
    limit = matrix.capacity.lat_p99_ns if matrix.capacity is not None else None
    return [
        DepthSweep(
            key=key,
            points=tuple(_point(depth, own) for depth, own in sorted(depths.items()) if own),
            missing=tuple(depth for depth, own in sorted(depths.items()) if not own),
            lat_p99_limit_ns=limit,
        )
        for key, depths in sweeps.items()
        if len(depths) > 1 and any(depths.values())
    ]


def _point(depth: int, records: list[Record]) -> DepthPoint:
    points = sorted((_rate(record), _p99_ns(record), record.verdict == "suspect") for record in records)
    rate, p99_ns, suspect = points[len(points) // 2]
    return DepthPoint(depth=depth, iops_per_s=rate, lat_p99_ns=p99_ns, suspect=suspect)


def _rate(record: Record) -> float:
    return min(sum(part.iops_per_s for part in (job.read, job.write) if part) for job in record.jobs)


def _p99_ns(record: Record) -> int:
    return max(
        part.lat_p99_ns for job in record.jobs for part in (job.read, job.write, job.sync) if part is not None
    )

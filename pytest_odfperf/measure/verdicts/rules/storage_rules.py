"""What the storage counted against what the guests say, and who else it worked for.

Ceph counts an operation of a client once, with its bytes, whatever copies or chunks it makes of it: with
erasure coding in the data pool, headers and object maps in the other (measured on 16.2: 2000 writes of 4 KiB
are 2000 and 8,192,000 bytes in pools of two and three copies and of 2+1 chunks; opening an image is 36 reads
and 5 writes of 31 KiB in all). It counts whole KiB: an I/O of 512 bytes is one of 1024. One that crosses the
border of an object (4 MiB) is one for each.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_odfperf.fio.job import Direction
from pytest_odfperf.measure.guests_io import Course, between, courses
from pytest_odfperf.measure.storage_counters import CountersEvidence, IoCount
from pytest_odfperf.measure.storage_work import (
    Span,
    inner_span,
    meanwhile,
    outer_span,
    recovered_bytes,
    strangers,
)
from pytest_odfperf.measure.verdicts.doubt import Doubt, Level
from pytest_odfperf.measure.verdicts.evidence import Evidence

#: Between what guests and the storage say: block sizes of a mix are known by their mean only.
MARGIN = 0.02
#: How exactly the moments of a guest's I/Os are known in a window: fio's start and its end.
SLACK_S = 1.5
#: What the storage may do beside, for headers, object maps and watches of images, and the file systems' own.
BESIDE_BYTES = 16 << 20
#: What the storage may do more than that, of what the guests did.
MORE, MORE_BYTES_PER_S = 0.05, 1 << 20
#: Less than this part of the least that is possible is no storage's answer.
HALF = 0.5
#: What others may do, of what the guests do; and what is too little to matter.
OTHERS = 0.05
OTHERS_IOPS, OTHERS_BYTES_PER_S = 50.0, 5 << 20
#: What recovery may move: a peering PG's few objects.
RECOVERED_BYTES = 4 << 20
#: An RBD object and a CephFS one, unless somebody asked for another size.
OBJECT_BYTES = 4 << 20
_DIRECTIONS: tuple[Direction, ...] = ("read", "write")


def own_io(evidence: Evidence) -> Iterator[Doubt]:
    """``storage_saw_less`` and ``storage_saw_more``."""
    counters = evidence.counters
    if counters is None or not counters.data or not evidence.guests:
        return
    if evidence.job.buffered or evidence.job.own_files_bytes:
        # When the page cache writes, and when fio lays out, nobody tells.
        return
    span = inner_span(counters)
    step = span.count(counters.data) if span is not None else None
    if span is None or step is None:
        return
    also = any(one.pool in counters.also for one in evidence.beside)
    total = sum(
        sum(between(courses(evidence, counters.window_s, way), 0, counters.window_s)) for way in _DIRECTIONS
    )
    for direction in _DIRECTIONS:
        found = courses(evidence, counters.window_s, direction)
        did_bytes, did_ios = _of(step, direction)
        yield from _less(evidence, span, found, direction, did_bytes, did_ios)
        if not also:
            yield from _more(evidence, counters, span, found, direction, did_bytes, total)


def _less(
    evidence: Evidence, span: Span, found: list[Course], direction: Direction, did_bytes: int, did_ios: int
) -> Iterator[Doubt]:
    least_bytes, least_ios = between(found, span.first.at_s + SLACK_S, span.last.earliest_s - SLACK_S)
    least_bytes -= 2 * len(evidence.guests) * _in_flight_bytes(evidence, direction)
    if least_bytes <= 0:
        return
    checks = [("MiB", did_bytes / (1 << 20), least_bytes / (1 << 20))]
    if evidence.job.sections and all(
        "rand" in section.options.get("rw", "") for section in evidence.job.sections
    ):
        # Neighbours in sequence are merged on the way.
        checks.append(("I/Os", float(did_ios), least_ios))
    for unit, did, least in checks:
        if did < (1 - MARGIN) * least:
            level: Level = "invalid" if did < HALF * least else "suspect"
            yield Doubt(
                code="storage_saw_less",
                level=level,
                text=f"the guests did at least {short(least)} {unit} of {direction}s in "
                f"{span.seconds:.0f} s of which the storage counts {short(did)} (limit {MARGIN:.0%} less, "
                f"invalid below {HALF:.0%}): a cache, a memory or objects that were never written answered",
                figures={
                    "guests": round(least, 3),
                    "storage": round(did, 3),
                    "seconds": round(span.seconds, 1),
                },
            )
            return


def _more(
    evidence: Evidence,
    counters: CountersEvidence,
    span: Span,
    found: list[Course],
    direction: Direction,
    did_bytes: int,
    own_total: float,
) -> Iterator[Doubt]:
    from_s, to_s = span.first.earliest_s - SLACK_S, span.last.at_s + SLACK_S
    most_bytes, most_ios = between(found, from_s, to_s)
    own_bytes, _ = between(found, 0.0, counters.window_s)
    most = (1 + MARGIN) * most_bytes + BESIDE_BYTES + _rounding(evidence, direction) * most_ios
    for guest in evidence.guests:
        for other in guest.witness.others if guest.witness is not None else ():
            most += other.read_bytes if direction == "read" else other.written_bytes
    more = did_bytes - most
    seconds = max(1.0, span.seconds)
    if more <= max(MORE * own_bytes, MORE_BYTES_PER_S * seconds):
        return
    level: Level = "invalid" if more > max(own_total, 1.0) else "suspect"
    yield Doubt(
        code="storage_saw_more",
        level=level,
        text=f"the storage counts {mib(did_bytes)} MiB of {direction}s in {seconds:.0f} s of pool "
        f"{'+'.join(counters.data)}, of which the guests did at most {mib(most)} (limit "
        f"{MORE:.0%} and {MORE_BYTES_PER_S >> 20} MiB/s more; invalid if that is more than all they did): "
        "somebody else uses the pool",
        figures={"storage_bytes": did_bytes, "most_bytes": round(most), "seconds": round(seconds, 1)},
    )


def others(evidence: Evidence) -> Iterator[Doubt]:
    """``others_io``: client I/O of pools that are nobody's of this run, on what may be the same devices."""
    counters = evidence.counters
    span = outer_span(counters) if counters is not None else None
    if counters is None or span is None:
        return
    steps = {pool: step for pool in strangers(counters) if (step := span.count((pool,))) is not None}
    total = sum(steps.values(), IoCount())
    seconds = max(1.0, span.seconds)
    iops, bytes_per_s = total.ios / seconds, total.moved_bytes / seconds
    own_bytes = own_ios = 0.0
    for direction in _DIRECTIONS:
        done, ios = between(courses(evidence, counters.window_s, direction), 0.0, counters.window_s)
        own_bytes, own_ios = own_bytes + done, own_ios + ios
    # Of the whole window, as rates: fio did not begin before it.
    own_iops, own_bytes_per_s = (own / max(1.0, counters.window_s) for own in (own_ios, own_bytes))
    if not (
        iops > max(OTHERS_IOPS, OTHERS * own_iops)
        or bytes_per_s > max(OTHERS_BYTES_PER_S, OTHERS * own_bytes_per_s)
    ):
        return
    much = iops > max(10 * OTHERS_IOPS, own_iops) or bytes_per_s > max(
        10 * OTHERS_BYTES_PER_S, own_bytes_per_s
    )
    busy = sorted(steps, key=lambda pool: -steps[pool].moved_bytes)
    named = ", ".join(pool[:60] for pool in busy[:3] if steps[pool].ios)
    yield Doubt(
        code="others_io",
        level="invalid" if much else "suspect",
        text=f"clients of other pools ({named}) did {iops:.0f} I/Os and {mib(bytes_per_s)} MiB a "
        f"second on what may be the same devices, the guests {own_iops:.0f} and "
        f"{mib(own_bytes_per_s)} (limit {OTHERS:.0%}, or {OTHERS_IOPS:.0f} and "
        f"{OTHERS_BYTES_PER_S >> 20}; invalid if more than the guests, and ten times that)",
        figures={
            "others_iops": round(iops, 1),
            "others_bytes_per_s": round(bytes_per_s),
            "guests_iops": round(own_iops, 1),
            "guests_bytes_per_s": round(own_bytes_per_s),
        },
    )


def recovery(evidence: Evidence) -> Iterator[Doubt]:
    """``recovery_ran``."""
    counters = evidence.counters
    looks = meanwhile(counters) if counters is not None else ()
    moved = recovered_bytes(looks)
    if counters is None or moved <= RECOVERED_BYTES:
        return
    own = sum(
        between(courses(evidence, counters.window_s, direction), 0.0, counters.window_s)[0]
        for direction in _DIRECTIONS
    )
    yield Doubt(
        code="recovery_ran",
        level="invalid" if moved > own else "suspect",
        text=f"recovery moved {mib(moved)} MiB while it was measured (limit "
        f"{RECOVERED_BYTES >> 20}; invalid above what the guests moved, {mib(own)} MiB)",
        figures={"recovered_bytes": round(moved), "guests_bytes": round(own)},
    )


def mib(count: float) -> str:
    """Bytes as MiB, for people."""
    return short(count / (1 << 20))


def short(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _of(step: IoCount, direction: Direction) -> tuple[int, int]:
    return (step.read_bytes, step.reads) if direction == "read" else (step.written_bytes, step.writes)


def _in_flight_bytes(evidence: Evidence, direction: Direction) -> int:
    return sum(
        section.numjobs * section.iodepth * section.block_bytes.get(direction, (0, 0))[1]
        for section in evidence.job.sections
        if direction in section.directions
    )


def _rounding(evidence: Evidence, direction: Direction) -> int:
    """Bytes that the storage counts too much for each I/O: it counts whole KiB."""
    sizes = [
        least
        for section in evidence.job.sections
        if direction in section.directions
        for least in section.block_bytes.get(direction, (1024, 1024))
    ]
    return max((-size % 1024 for size in sizes), default=0)

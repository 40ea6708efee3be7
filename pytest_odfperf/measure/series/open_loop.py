"""Jobs that ask for a rate: whether it was held, and whether the queue was deep enough to ask for it.

fio counts a latency from when it issues an I/O, not from when it should have: once all ``iodepth`` I/Os of
a worker are in flight it issues no more, and what waits then has no latency. So a latency is only that of
the rate that was asked for while the queue is not full.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pytest_odfperf.fio.answers.fio_result import JobResult, LatencyResult
from pytest_odfperf.fio.histogram import lowest_of
from pytest_odfperf.fio.job_file.fio_numbers import size_bytes, whole
from pytest_odfperf.fio.job_file.section import Direction, Section


class Held(NamedTuple):
    """One direction of a section; both in IOPS of all its workers."""

    asked_iops_per_s: float
    done_iops_per_s: float


def asked_rates(section: Section) -> dict[Direction, float]:
    """IOPS that a section's workers together are held at, for each direction that is; empty: closed loop."""
    found: dict[Direction, float] = {}
    for direction in sorted(section.directions):
        number = 0 if direction == "read" else 1
        each = whole(_of(section.options, "rate_iops", number)) or None
        size = section.block_bytes.get(direction, (0, 0))
        # fio holds bytes, and makes those of rate_iops with the least block: with blocks of several sizes
        # rate_iops=50 is fewer (bssplit=4k/70:16k/30, fio 3.19 to 3.42: 31).
        if size[0] != size[1]:
            continue
        if size[0] and (limit := size_bytes(_of(section.options, "rate", number))):
            by_bytes = limit / size[0]
            each_iops = by_bytes if each is None else min(each, by_bytes)
        elif each is not None:
            each_iops = float(each)
        else:
            continue
        found[direction] = each_iops * section.numjobs
    return found


def held(section: Section, result: JobResult) -> Mapping[Direction, Held]:
    """What was asked for and what was done, for each direction with a rate."""
    found = {}
    for direction, asked in asked_rates(section).items():
        part: LatencyResult | None = getattr(result, direction)
        if part is not None:
            found[direction] = Held(asked, part.iops_per_s)
    return found


def full_queue_share(section: Section, result: JobResult) -> float:
    """The share of I/Os in whose time a worker at its rate issues ``iodepth`` of them: 0 in closed loop."""
    asked = asked_rates(section)
    if len(asked) < len(section.directions):
        return 0.0
    each_per_s = sum(asked.values()) / section.numjobs
    most_ns = 1e9 * section.iodepth / each_per_s
    parts = [part for part in (result.read, result.write) if part is not None]
    longer = sum(
        count for part in parts for index, count in part.histogram.counts if lowest_of(index) > most_ns
    )
    return longer / sum(part.histogram.total for part in parts)


def _of(options: Mapping[str, str], name: str, number: int) -> str:
    """The value for reads (0) or writes (1) of ``500`` or ``400,100``; ``500`` is of both."""
    parts = options.get(name, "").split(",")
    return parts[min(number, len(parts) - 1)].strip()

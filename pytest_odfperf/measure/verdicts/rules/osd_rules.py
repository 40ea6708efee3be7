"""Whether the storage's daemons were all at work while a key was measured.

A hung OSD is ``up`` for half a minute and more, and two dead ones are no more than HEALTH_WARN (both
measured on Ceph 16.2): so their own counters are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from pytest_odfperf.fio.job import Direction
from pytest_odfperf.measure.guests_io import between, courses
from pytest_odfperf.measure.storage_counters import CountersLook
from pytest_odfperf.measure.storage_work import meanwhile, osd_changes
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.measure.verdicts.evidence import Evidence

#: That an OSD does nothing that did so many operations between two looks before is no chance.
BUSY_OPS = 50
#: Than before: all OSDs together, where something waits for one of them.
SLOWER = 0.5
#: Of the window, in which an OSD may stand still before nothing of it is to be believed; as of a stall.
STILL = 0.2
#: Of what the guests do on average.
NOTHING = 0.01
_TOLD = 5
_DIRECTIONS: tuple[Direction, ...] = ("read", "write")


def lost(evidence: Evidence) -> Iterator[Doubt]:
    """``osd_lost``: one went down or out, or was down with data on it."""
    looks = meanwhile(evidence.counters) if evidence.counters is not None else ()
    down = {name for look in looks for name, one in look.counters.osds.items() if one.taken_in and not one.up}
    together = max(
        (sum(one.taken_in and not one.up for one in look.counters.osds.values()) for look in looks), default=0
    )
    told = [f"{name} was down" for name in sorted(down)]
    for before, after in pairwise(looks):
        for name, now in after.counters.osds.items():
            changes = osd_changes(name, before.counters.osds.get(name), now)
            told += [f"{change} after {max(0.0, after.at_s):.0f} s" for change in changes]
    gone = {
        name
        for before, after in pairwise(looks)
        for name in before.counters.osds.keys() - after.counters.osds.keys()
    }
    told += [f"{name} was removed" for name in sorted(gone)]
    if told:
        more = f", and {len(told) - _TOLD} more" if len(told) > _TOLD else ""
        yield Doubt(
            code="osd_lost",
            level="invalid" if together > 1 else "suspect",
            text=f"{', '.join(told[:_TOLD])}{more} (limit none; invalid: two down at a time)",
            figures={"osds_down": together},
        )


def hung(evidence: Evidence) -> Iterator[Doubt]:
    """``osd_hung``: one that is up did nothing while others did, PGs were laggy, or nothing went at all."""
    counters = evidence.counters
    if counters is None:
        return
    looks = meanwhile(counters)
    window_s = max(1e-3, counters.window_s)
    laggy = (
        max((moment.state.count("laggy") for moment in evidence.health.pgs), default=0)
        if evidence.health
        else 0
    )
    slow = max((look.counters.slow_ops for look in looks), default=0)
    still = _stopped(looks, window_s, waited_for=bool(laggy or slow))
    all_still_s = _nothing_went_s(evidence, window_s, looks)
    told = [
        f"{name} is up, and did nothing for {seconds:.0f} s after it had worked"
        for name, seconds in sorted(still.items(), key=lambda one: -one[1])
    ]
    if laggy:
        told.append(f"{laggy} PGs were laggy")
    if all_still_s:
        told.append(f"no client I/O at all for {all_still_s:.0f} s while fio ran")
    if not told:
        return
    longest_s = max([all_still_s, *still.values()])
    yield Doubt(
        code="osd_hung",
        level="invalid" if longest_s > STILL * window_s else "suspect",
        text=f"{', '.join(told[:_TOLD])} (limit none; invalid for more than {STILL:.0%} of the window)",
        figures={"still_s": round(longest_s, 1), "laggy_pgs": laggy, "slow_ops": slow},
    )


def _steps(before: CountersLook, after: CountersLook) -> dict[str, int]:
    """Operations of the OSDs that were up and in at both looks."""
    found = {}
    for name, now in after.counters.osds.items():
        then = before.counters.osds.get(name)
        if then is None or then.ops is None or now.ops is None or now.ops < then.ops:
            continue
        if then.up and now.up and then.taken_in and now.taken_in:
            found[name] = now.ops - then.ops
    return found


def _stopped(looks: tuple[CountersLook, ...], window_s: float, *, waited_for: bool) -> dict[str, float]:
    """For how long OSDs did nothing that had worked in the window, while something waited for them.

    One that is asked nothing is idle, as where none of a small file's objects is on it: the rest then goes as
    fast as before. What waits shows in laggy PGs and slow operations (``waited_for``), or in all of them
    together going slower.
    """
    found: dict[str, float] = {}
    worked: set[str] = set()
    usual: list[float] = []
    for before, after in pairwise(looks):
        if before.earliest_s < 0:
            continue
        steps, seconds = _steps(before, after), max(1e-3, after.at_s - before.at_s)
        rate = sum(steps.values()) / seconds
        slower = bool(usual) and rate < SLOWER * sum(usual) / len(usual)
        for name in sorted(worked):
            if steps.get(name) == 0 and (slower or waited_for):
                found[name] = found.get(name, 0.0) + min(after.at_s, window_s) - before.at_s
        worked |= {name for name, count in steps.items() if count >= BUSY_OPS}
        if not slower:
            usual.append(rate)
    return found


def _nothing_went_s(evidence: Evidence, window_s: float, looks: tuple[CountersLook, ...]) -> float:
    """The longest time in which no pool did anything, and the guests got nothing either."""
    every = [one for direction in _DIRECTIONS for one in courses(evidence, window_s, direction)]
    total, _ = between(every, 0.0, window_s)
    longest_s, first = 0.0, None
    for look in looks:
        if look.earliest_s < 0 or look.counters.collected is None:
            continue
        if first is None or look.counters.pools != first.counters.pools:
            first = look
            continue
        # What is counted of this time was done before it was looked at.
        seconds = look.earliest_s - first.at_s
        done, _ = between(every, first.at_s, look.earliest_s)
        if seconds > longest_s and total > 0 and done < NOTHING * total * seconds / window_s:
            longest_s = seconds
    return longest_s

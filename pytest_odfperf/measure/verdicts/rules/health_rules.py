"""Rules on the storage's own health while a key was measured. What could not be read makes no doubt."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_odfperf.ceph_health_codes import Effect, effect_of, of_file_systems
from pytest_odfperf.measure.storage_counters import CountersEvidence
from pytest_odfperf.measure.storage_health import (
    CephMoment,
    HealthEvidence,
    PgMoment,
    PgState,
    PoolMoment,
    PoolState,
)
from pytest_odfperf.measure.storage_work import meanwhile
from pytest_odfperf.measure.verdicts.doubt import Doubt, Level
from pytest_odfperf.measure.verdicts.evidence import Evidence

#: Of the raw capacity: Ceph's own nearfull ratio, unless an administrator changed it.
NEARLY_FULL = 0.85
#: The same of one OSD, at which it takes no more writes.
FULL = 0.95
#: Of all PGs, scrubbed (not deeply) at one time.
SCRUBBED = 0.02
#: Of the window, in which some PGs took no I/O.
INACTIVE = 0.1

_CODES: dict[Effect | None, tuple[str, Level]] = {
    "full": ("storage_full", "invalid"),
    "away": ("storage_away", "invalid"),
    "moving": ("storage_recovering", "suspect"),
    "filling": ("storage_nearly_full", "suspect"),
    "slow": ("storage_slow", "suspect"),
    None: ("storage_unhealthy", "suspect"),
}


def look_at_health(evidence: Evidence) -> Iterator[Doubt]:
    """One doubt for each effect of the checks that were there at any time of the window."""
    if evidence.health is None:
        return
    found: dict[Effect | None, list[str]] = {}
    known = {check.code for moment in evidence.health.ceph for check in moment.state.checks}
    told = _told_by_manager(evidence.counters, evidence.health.kind, set(known))
    for effect, text in (*_checks(evidence.health), *told, *_states(evidence.health.ceph)):
        found.setdefault(effect, []).append(text)
    for effect, (code, level) in _CODES.items():
        if effect in found:
            yield Doubt(
                code=code, level=level, text=f"Ceph said while it was measured: {'; '.join(found[effect])}"
            )
    yield from _full(evidence.health)
    yield from _fullest(evidence.counters)


def look_at_pools(evidence: Evidence) -> Iterator[Doubt]:
    """Whether the Ceph object behind the pool stayed the one that it was, and Ready."""
    if evidence.health is None:
        return
    first: dict[str, PoolState | None] = {}
    told: set[tuple[str, str]] = set()
    for moment in evidence.health.pools:
        before = first.setdefault(moment.name, moment.state)
        for level, text in _pool(moment, before):
            if (moment.name, level) not in told:
                told.add((moment.name, level))
                yield Doubt(code="pool_rebuilt", level=level, text=f"{moment.name} {text}")


def look_at_pgs(evidence: Evidence) -> Iterator[Doubt]:
    """Whether all PGs were active and clean, and none was scrubbed, where that could be seen."""
    if evidence.health is None or not evidence.health.pgs:
        return
    states = [moment.state for moment in evidence.health.pgs]
    yield from _inactive(evidence, evidence.health.pgs)
    worst = max(states, key=_unclean)
    if (unclean := _unclean(worst)) > 0:
        yield Doubt(
            code="pgs_not_clean",
            level="suspect",
            text=f"{unclean} of {worst.total} PGs were not active and clean: {worst.text}",
            figures={"unclean_pgs": unclean, "pgs": worst.total},
        )
    deep = max(state.count("deep") for state in states)
    share = max(state.count("scrubbing") / max(1, state.total) for state in states)
    if deep or share > SCRUBBED:
        yield Doubt(
            code="storage_scrubbing",
            level="suspect",
            text=f"{deep} PGs were deep-scrubbed, and {share:.1%} scrubbed (limits none, {SCRUBBED:.0%})",
            figures={"deep_scrubbed_pgs": deep, "scrubbed_share": share},
        )


def _inactive(evidence: Evidence, moments: tuple[PgMoment, ...]) -> Iterator[Doubt]:
    window_s = max((guest.ran_s for guest in evidence.guests), default=0.0)
    if evidence.counters is not None:
        window_s = evidence.counters.window_s
    ends = [*(moment.at_s for moment in moments[1:]), window_s]
    found = [
        (moment.state, max(0.0, end_s - moment.at_s))
        for moment, end_s in zip(moments, ends, strict=True)
        if moment.state.total > moment.state.count("active")
    ]
    if not found:
        return
    worst, lasted_s = min(found, key=lambda one: one[0].count("active"))[0], sum(s for _, s in found)
    count = worst.total - worst.count("active")
    yield Doubt(
        code="pgs_inactive",
        level="invalid" if lasted_s > INACTIVE * window_s else "suspect",
        text=f"{count} of {worst.total} PGs were not active for {lasted_s:.0f} s: {worst.text} (limit none; "
        f"invalid for more than {INACTIVE:.0%} of the window)",
        figures={"inactive_pgs": count, "inactive_s": round(lasted_s, 1)},
    )


def _unclean(state: PgState) -> int:
    """PGs that are inactive or not clean; a busy manager may count them a moment apart."""
    return max(0, state.total - min(state.count("active"), state.count("clean")))


def _pool(moment: PoolMoment, before: PoolState | None) -> Iterator[tuple[Level, str]]:
    if moment.state is None:
        yield "invalid", "was deleted while it was measured"
    elif before is not None and moment.state.identity != before.identity:
        yield "invalid", "was deleted and made anew while it was measured"
    elif before is not None and before.phase == "Ready" and moment.state.phase != "Ready":
        yield "suspect", f"was {moment.state.phase}, not Ready, from {moment.at_s:.1f} s of its window on"


def _told_by_manager(
    counters: CountersEvidence | None, kind: str, known: set[str]
) -> Iterator[tuple[Effect | None, str]]:
    """Checks that the operator did not hear of: it asks Ceph once a minute, the manager knows at once."""
    for look in meanwhile(counters) if counters is not None else ():
        for check in look.counters.checks:
            if check.code in known:
                continue
            known.add(check.code)
            effect = effect_of(check.code)
            if effect != "harmless" and not (kind == "rbd" and of_file_systems(check.code)):
                yield effect, f"{check.code}, by its manager after {max(0.0, look.at_s):.1f} s of its window"


def _checks(health: HealthEvidence) -> Iterator[tuple[Effect | None, str]]:
    first: dict[str, float] = {}
    for moment in health.ceph:
        for check in moment.state.checks:
            effect = effect_of(check.code, check.message)
            if effect == "harmless" or check.code in first:
                continue
            if health.kind == "rbd" and of_file_systems(check.code):
                continue
            first[check.code] = moment.at_s
            words = f" ({check.message})" if check.message else ""
            yield effect, f"{check.code}{words}{_when(check.code, moment.at_s, health.ceph[-1])}"


def _when(code: str, since_s: float, last: CephMoment) -> str:
    since = "" if since_s <= 0 else f", from {since_s:.1f} s of its window on"
    return since if code in last.state.codes else f"{since}, and no more at its end"


def _states(moments: tuple[CephMoment, ...]) -> Iterator[tuple[Effect | None, str]]:
    """A health without a reason, and a Ceph that its operator does not reach."""
    for moment in moments:
        state = moment.state
        if state.trouble is not None:
            yield None, state.trouble
            return
        if state.health != "HEALTH_OK" and not state.checks:
            yield None, f"{state.health}, without a reason"
            return


def _full(health: HealthEvidence) -> Iterator[Doubt]:
    shares = [moment.state.used_share for moment in health.ceph if moment.state.used_share is not None]
    told = {check.code for moment in health.ceph for check in moment.state.checks}
    if (
        shares
        and max(shares) >= NEARLY_FULL
        and not any(effect_of(code) in ("full", "filling") for code in told)
    ):
        yield Doubt(
            code="storage_nearly_full",
            level="suspect",
            text=f"{max(shares):.0%} of Ceph's raw capacity were used (limit {NEARLY_FULL:.0%})",
            figures={"used_share": max(shares)},
        )


def _fullest(counters: CountersEvidence | None) -> Iterator[Doubt]:
    """What counts is the fullest OSD: writes stop when one of them is full."""
    looks = meanwhile(counters) if counters is not None else ()
    shares = {
        (one.used_share, name)
        for look in looks
        for name, one in look.counters.osds.items()
        if one.used_share is not None
    }
    share, name = max(shares, default=(0.0, ""))
    if share >= NEARLY_FULL:
        full = share >= FULL
        yield Doubt(
            code="storage_full" if full else "storage_nearly_full",
            level="invalid" if full else "suspect",
            text=f"{name} was {share:.1%} full while it was measured (limit {NEARLY_FULL:.0%}, invalid "
            f"{FULL:.0%})",
            figures={"osd_used_share": share},
        )

"""Whether the rate was held, and steady: see `measure.series`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from pytest_odfperf.fio.answers.fio_result import JobResult
from pytest_odfperf.fio.job import Section
from pytest_odfperf.measure.series.guest_series import Series, series_of
from pytest_odfperf.measure.series.open_loop import asked_rates, full_queue_share, held
from pytest_odfperf.measure.series.stalls import Stall, least_ms, stalls_of
from pytest_odfperf.measure.series.steadiness import RANGE, SLOPE, Steadiness, steadiness_of
from pytest_odfperf.measure.verdicts.doubt import Doubt, Level
from pytest_odfperf.measure.verdicts.evidence import Evidence, GuestEvidence

#: A run that stood still for more than this share of it is of no use.
STALLED = 0.2
#: So is one whose fastest and slowest fifth are further apart than the mean is high.
TORN = 1.0
#: An I/O of this share of the run, and of so many times p99, hung. A wide spread alone has its longest of
#: thousands of I/Os at ten times its p99.
HUNG, _USUAL = 0.1, 30
#: What must be left of a rate that was asked for.
HELD = 0.99
#: The I/Os in flight may be this share of those of a sample.
_IN_FLIGHT = 0.1
#: I/Os in whose time the queue filled up.
FULL = 0.01


def steady(evidence: Evidence) -> Iterator[Doubt]:
    """``stall``, ``hung_io``, ``warm_up``, ``drift``, ``burst_then_cap``, ``outside_event``, ``noisy``."""
    runtime_ms = 1000 * evidence.settings.runtime_s
    series = {guest.name: _series(guest, runtime_ms) for guest in evidence.guests}
    for number, section in enumerate(evidence.job.sections):
        stopped = False
        for guest in evidence.guests:
            job = guest.result.jobs[number]
            about = _about(evidence, guest, section)
            doubts = list(_still(job, section, runtime_ms, about))
            stopped = stopped or any(doubt.code == "stall" for doubt in doubts)
            yield from doubts
        if not stopped and not _pauses(section, series):
            # After a stall it makes up for it, which is no form of its own.
            yield from _forms(evidence, section, series)


def open_loop(evidence: Evidence) -> Iterator[Doubt]:
    """``saturated``, ``depth_exhausted``."""
    for guest in evidence.guests:
        for section, job in zip(evidence.job.sections, guest.result.jobs, strict=True):
            about = _about(evidence, guest, section)
            missed = False
            for direction, (asked, done) in held(section, job).items():
                part = job.read if direction == "read" else job.write
                # With rate_process=poisson the number of I/Os is random itself.
                random = 3 / part.total_ios**0.5 if part and "rate_process" in section.options else 0.0
                # Of a short run one I/O of each worker is a share of its own.
                one_each = section.numjobs / evidence.settings.runtime_s
                if done < (HELD - random) * asked - one_each:
                    missed = True
                    yield Doubt(
                        code="saturated",
                        level="suspect",
                        text=f"{about}: {done:.4g} of the {asked:.4g} {direction} IOPS that were asked "
                        f"for were "
                        f"done, {done / asked:.1%} (limit {HELD:.0%}): its latencies are lower bounds",
                        figures={"asked_iops_per_s": asked, "done_iops_per_s": done},
                    )
            share = full_queue_share(section, job)
            if share > FULL and not missed:
                yield Doubt(
                    code="depth_exhausted",
                    level="suspect",
                    text=f"{about}: {share:.1%} of the I/Os took as long as {section.iodepth} I/Os at "
                    f"the rate that "
                    f"was asked for (limit {FULL:.0%}): what waited for a full queue has no latency",
                    figures={"share": share, "iodepth": float(section.iodepth)},
                )


def _pauses(section: Section, series: Mapping[str, tuple[Series, ...]]) -> bool:
    """Whether the job pauses so long between I/Os that its series says more of that than of the storage."""
    samples = [one.sample_ms for of_guest in series.values() for one in of_guest if one.job == section.name]
    return bool(samples) and 1000 * section.thinktime_s > samples[0] / 10


def latencies(evidence: Evidence) -> Iterator[Doubt]:
    """``latency_changed``: at a rate that is held, only the latency shows that the storage did."""
    runtime_ms = 1000 * evidence.settings.runtime_s
    for guest in evidence.guests:
        for section, one in product(evidence.job.sections, _series(guest, runtime_ms)):
            if one.job != section.name or one.direction not in asked_rates(section):
                continue
            lats = [float(sample.lat_mean_ns) for sample in one.samples if sample.lat_mean_ns is not None]
            found = steadiness_of(lats, one.sample_ms / 1000, alike=len(evidence.guests))
            if found.kind in ("steady", "noisy") or found.spread <= TORN:
                continue
            at = [share * evidence.settings.runtime_s for share in found.changes]
            when = f" at {' and '.join(f'{time:.3g} s' for time in at)}" if at else ""
            yield Doubt(
                code="latency_changed",
                level="suspect",
                text=f"{_about(evidence, guest, section)}: its {one.direction} latency went from "
                f"{found.before / 1e6:.3g} to {found.after / 1e6:.3g} ms{when} at a fixed rate (fifths of "
                f"the run {found.spread:.0%} of the mean apart, limit {TORN:.0%})",
                figures={
                    "before_lat_mean_ns": round(found.before),
                    "after_lat_mean_ns": round(found.after),
                    "rounds_apart": round(found.spread, 4),
                },
            )


def _series(guest: GuestEvidence, runtime_ms: int) -> tuple[Series, ...]:
    return series_of(guest.result, runtime_ms) if guest.series is None else guest.series


def _about(evidence: Evidence, guest: GuestEvidence | None, section: Section) -> str:
    job = f"job {section.name}"
    if guest is None or len(evidence.guests) == 1:
        return job
    return f"guest {guest.name}, {job}"


def _still(job: JobResult, section: Section, runtime_ms: int, about: str) -> Iterator[Doubt]:
    parts = [part for part in (job.read, job.write) if part is not None]
    longest_ns = max((part.lat_max_ns for part in (*parts, job.sync) if part is not None), default=0)
    stalls = stalls_of(job.log, runtime_ms, longest_ns, pauses=section.thinktime_s > 0)
    if stalls:
        yield _stall(stalls, runtime_ms, about, least_ms(job.log.interval_ms, runtime_ms), longest_ns)
        return
    least_ns = 1e6 * max(HUNG * runtime_ms, least_ms(job.log.interval_ms, runtime_ms))
    # Without a log of its completions a stall is known by its I/Os alone: with a deep queue these are many.
    percent = 99 if job.log.problem is None else 90
    for part in parts:
        usual_ns = part.histogram.percentile_ns(percent)
        if part.lat_max_ns >= least_ns and part.lat_max_ns > _USUAL * usual_ns:
            text = (
                f"{about}: an I/O took {part.lat_max_ns / 1e9:.1f} s of the {runtime_ms / 1000:.0f} s "
                f"(limit {HUNG:.0%}); {percent} % took {usual_ns / 1e6:.3g} ms at most (limit {_USUAL} times)"
            )
            yield Doubt(
                code="hung_io",
                level="suspect",
                text=text,
                figures={"lat_max_ns": part.lat_max_ns, f"lat_p{percent}_ns": usual_ns},
            )
            return


def _stall(stalls: Sequence[Stall], runtime_ms: int, about: str, limit_ms: float, longest_ns: int) -> Doubt:
    longest = max(stalls, key=lambda stall: stall.length_ms * stall.share)
    lost_ms = sum(stall.length_ms * stall.share for stall in stalls)
    level: Level = "invalid" if lost_ms > STALLED * runtime_ms else "suspect"
    of = "nothing completed" if longest.share >= 0.9 else f"{longest.share:.0%} of its I/Os did not complete"
    more = f" ({len(stalls)} times, {lost_ms / 1000:.1f} s in all)" if len(stalls) > 1 else ""
    if longest_ns / 1e6 < longest.length_ms / 2:
        more += "; no I/O waited that long, so that the guest stood still rather than its disk"
    return Doubt(
        code="stall",
        level=level,
        text=f"{about}: {of} for {longest.length_ms / 1000:.1f} s, from {longest.from_ms / 1000:.1f} s "
        f"on{more}, of "
        f"{runtime_ms / 1000:.0f} s (limit {limit_ms / 1000:.2g} s; invalid above {STALLED:.0%})",
        figures={
            "stalled_ms": round(lost_ms, 1),
            "longest_ms": round(longest.length_ms, 1),
            "from_ms": round(longest.from_ms, 1),
            "stalls": len(stalls),
        },
    )


def _forms(evidence: Evidence, section: Section, series: dict[str, tuple[Series, ...]]) -> Iterator[Doubt]:
    """The guests together, whose sum is the figure; else those that alone are unsteady."""
    own: dict[str, list[float]] = {}
    sample_ms = 0
    for name, all_series in series.items():
        directions = [one for one in all_series if one.job == section.name]
        if directions:
            sample_ms = directions[0].sample_ms
            own[name] = _known(_added([one.rates for one in directions]), section, sample_ms / 1000)
    if not own:
        return
    runtime_s = evidence.settings.runtime_s
    streams = section.numjobs * len(section.directions)
    added = _added(list(own.values()))
    cap = _cap(evidence, section)
    sum_cap = None if cap is None else cap * len(own)
    together = steadiness_of(added, sample_ms / 1000, cap=sum_cap, streams=streams * len(own))
    if together.kind != "steady":
        yield _of_form(together, runtime_s, _about(evidence, None, section))
    if together.kind in ("steady", "noisy") and len(own) > 1:
        for guest in evidence.guests:
            rates = own.get(guest.name, [])
            form = steadiness_of(rates, sample_ms / 1000, cap=cap, alike=len(own), streams=streams)
            if form.kind not in ("steady", "noisy"):
                yield _of_form(form, runtime_s, _about(evidence, guest, section))


def _cap(evidence: Evidence, section: Section) -> float | None:
    """The IOPS that one volume is known to be limited to for this section; None: not known."""
    kinds = ["", *(f"{direction}_" for direction in section.directions if len(section.directions) == 1)]
    found = [evidence.caps[f"{kind}iops"] for kind in kinds if f"{kind}iops" in evidence.caps]
    sizes = {size for sizes in section.block_bytes.values() for size in sizes}
    if len(sizes) == 1:
        size = sizes.pop()
        found += [evidence.caps[f"{k}bandwidth"] / size for k in kinds if f"{k}bandwidth" in evidence.caps]
    return min(found, default=None)


def _known(rates: list[float], section: Section, sample_s: float) -> list[float]:
    """Without the first sample, if what was in flight at the ramp's end is much of it."""
    usual = sum(rates) / len(rates) * sample_s
    return rates[1:] if section.iodepth * section.numjobs > _IN_FLIGHT * usual else rates


def _added(series: Sequence[Sequence[float]]) -> list[float]:
    return [sum(rates) for rates in zip(*series, strict=False)]


def _of_form(form: Steadiness, runtime_s: int, about: str) -> Doubt:
    figures = {
        "cv": round(form.cv, 4),
        "rounds_apart": round(form.spread, 4),
        "rise_or_fall": round(form.excursion, 4),
        "mean_error": round(form.error, 4),
    }
    if form.kind == "noisy":
        text = (
            f"{about}: its rate varies by {form.cv:.0%} (coefficient of variation) from moment to moment, "
            f"and its mean "
            f"is known to ±{min(form.error, 1):.0%} only; it is not shown to change"
        )
        return Doubt(code="noisy", level="suspect", text=text, figures=figures)
    level: Level = "invalid" if form.spread > TORN else "suspect"
    limits = f"fifths of the run {form.spread:.0%} of the mean apart (limit {RANGE:.0%}), "
    limits += f"rise or fall {form.excursion:.0%} (limit {SLOPE:.0%}); invalid above {TORN:.0%} apart"
    at = [share * runtime_s for share in form.changes]
    way = f"from {form.before:.4g} to {form.after:.4g} IOPS"
    match form.kind:
        case "drift":
            said = f"its rate drifted {way}"
        case "outside_event" if len(at) == 2:
            said = f"its rate went {way} from {at[0]:.3g} to {at[1]:.3g} s, and back"
        case "outside_event":
            said = f"its rate went {way} at {at[0]:.3g} s"
        case "warm_up":
            said = f"its rate rose {way} in the first {at[0]:.3g} s: it warmed up within the measured time"
        case _:
            said = f"its rate fell {way} after {at[0]:.3g} s and stayed there: a burst, then a cap"
    figures |= {"before_iops_per_s": round(form.before, 2), "after_iops_per_s": round(form.after, 2)}
    figures |= {f"change_{number}_s": round(time, 2) for number, time in enumerate(at, 1)}
    return Doubt(code=form.kind, level=level, text=f"{about}: {said} ({limits})", figures=figures)

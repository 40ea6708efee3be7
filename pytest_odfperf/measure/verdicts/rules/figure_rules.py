"""The figures agree with each other: counts, rates, histograms, percentiles of one answer, Little's law.

Each limit is what fio's own counting leaves open: I/Os in flight at the ends of the window, and the width of
the histogram's buckets (fio 3.33 to 3.41).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from operator import mul

from pytest_odfperf.fio.answers.fio_result import LatencyResult
from pytest_odfperf.fio.answers.reported import ReportedDirection
from pytest_odfperf.fio.histogram import BUCKETS_PER_GROUP, EDGES_NS, TOP, VALUES_NS, Histogram
from pytest_odfperf.measure.verdicts.doubt import Doubt, Level
from pytest_odfperf.measure.verdicts.evidence import Evidence, SectionEvidence
from pytest_odfperf.measure.verdicts.rules.held_back import held_back

#: I/Os in flight may differ by so much from rate x latency; beyond the second limit it is invalid.
LITTLE_SUSPECT, LITTLE_INVALID = 0.05, 0.15
#: What fio and the guest's kernel take between two I/Os of a worker: short I/Os are in flight for less time.
BETWEEN_IOS_S = 20e-6
#: fio writes percents with so many digits behind the point.
_DECIMALS = 6
#: Two figures that fio makes of the same counts differ by rounding only.
ROUNDING = 0.01
#: Faster is no disk: an answer from memory (fio 3.33, direct, file system in RAM: 1 to 3 us).
LEAST_MEAN_LAT_NS = 4_000
#: More than one worker can issue (fio's null engine: a million a second on one core).
MOST_IOPS_OF_A_WORKER = 2_000_000


def littles_law(evidence: Evidence) -> Iterator[Doubt]:
    """In flight = rate x latency. Never more than was asked for; in a closed loop also not less."""
    for one in evidence.sections():
        parts = list(one.directions.values())
        if not parts:
            continue
        asked = float(one.section.numjobs * one.section.iodepth)
        rate = sum(part.iops_per_s for part in parts)
        ios = sum(part.total_ios for part in parts)
        found = sum(part.iops_per_s * part.lat_mean_ns for part in parts) / 1e9
        # Those in flight at the ends count with all their time, of which a part lies outside.
        outside = sum(_longest_s(part.histogram, int(asked)) for part in parts) / evidence.settings.runtime_s
        most = asked * (1 + min(1.0, asked / ios)) + outside
        idle = max(asked * one.reported.cpu_share / 2, rate * BETWEEN_IOS_S)
        least = 0.0 if held_back(one.section) else asked * (1 - min(1.0, asked / ios)) - idle
        level: Level | None = None
        for limit, worse in ((LITTLE_SUSPECT, "suspect"), (LITTLE_INVALID, "invalid")):
            if found > most + limit * asked or found < least - limit * asked:
                level = "invalid" if worse == "invalid" else "suspect"
        if level is not None:
            yield Doubt(
                code="littles_law",
                level=level,
                text=f"{one.where}: {rate:.0f} IOPS x {1e3 * found / rate:.3f} ms are {found:.2f} I/Os in "
                f"flight; {asked:.0f} were asked for, and {max(0.0, least):.2f} to {most:.2f} can be, "
                f"± {100 * LITTLE_SUSPECT:.0f} %",
                figures={"in_flight": found, "in_flight_asked": asked},
            )


def _longest_s(histogram: Histogram, count: int) -> float:
    """What the ``count`` longest I/Os took together, in seconds."""
    total_ns = 0.0
    for index, ios in reversed(histogram.counts):
        taken = min(ios, count)
        total_ns += taken * VALUES_NS[index]
        count -= taken
        if count <= 0:
            break
    return total_ns / 1e9


def counts(evidence: Evidence) -> Iterator[Doubt]:
    """fio's count of I/Os, that of the latencies, and that of the log of completions."""
    for one in evidence.sections():
        in_flight = one.section.numjobs * (one.section.iodepth + 1)
        for direction, part in one.directions.items():
            said = one.reported.directions.get(direction)
            counted = said.total_ios if said else None
            if counted is not None and abs(counted - part.total_ios) > in_flight:
                yield _differ(
                    "counts_differ",
                    f"{one.where} {direction}: {counted:.0f} I/Os, but {part.total_ios} latencies, with at "
                    f"most {in_flight} in flight",
                    total_ios=counted,
                    latencies=part.total_ios,
                )
            logged = one.result.log.ios(direction)
            if logged > part.total_ios:
                yield _differ(
                    "counts_differ",
                    f"{one.where} {direction}: {part.total_ios} I/Os, but {logged} in the log of completions",
                    logged_ios=logged,
                    latencies=part.total_ios,
                )


def _differ(code: str, text: str, **figures: float) -> Doubt:
    return Doubt(code=code, level="invalid", text=text, figures=figures)


def rates(evidence: Evidence) -> Iterator[Doubt]:
    """fio's rates are its counts over its runtime; and the plugin's own is near them."""
    for one in evidence.sections():
        for direction, said in one.reported.directions.items():
            for name, rate, amount in (
                ("IOPS", said.iops_per_s, said.total_ios),
                ("bytes/s", said.bw_bytes_per_s, said.io_bytes),
            ):
                if rate is None or amount is None or not said.runtime_ms:
                    continue
                made = 1000 * amount / said.runtime_ms
                # Older versions print whole numbers.
                if abs(rate - made) > ROUNDING * made + 1:
                    yield _differ(
                        "rates_differ",
                        f"{one.where} {direction}: {rate:.0f} {name}, but {amount:.0f} in "
                        f"{said.runtime_ms:.0f} ms are {made:.0f}",
                        told=rate,
                        made=made,
                    )


def histograms(evidence: Evidence) -> Iterator[Doubt]:
    """The histogram against N, least, mean, most and spread: each I/O lies within its bucket."""
    for one in evidence.sections():
        for sort, part in one.sorts.items():
            said = _said(one, sort)
            problem = _of_histogram(part, said)
            if problem is not None:
                yield _differ("histogram_differs", f"{one.where} {sort}: {problem}", total_ios=part.total_ios)


def _said(one: SectionEvidence, sort: str) -> ReportedDirection | None:
    return one.reported.sync if sort == "sync" else one.reported.directions.get(sort)


def _of_histogram(part: LatencyResult, said: ReportedDirection | None) -> str | None:
    found = part.histogram
    total = found.total
    if said is not None and said.lat_count != total:
        count = "no number" if said.lat_count is None else f"{said.lat_count:.0f}"
        return f"the histogram has {total} I/Os, and N is {count}"
    first_low, first_high = EDGES_NS[found.counts[0][0]]
    last, last_ios = found.counts[-1]
    last_low, last_high = EDGES_NS[last]
    largest = max(last_high, part.lat_max_ns) if last == TOP else last_high
    if not first_low <= part.lat_min_ns <= first_high:
        return (
            f"the least latency is {part.lat_min_ns} ns, and the first bucket {first_low} to {first_high} ns"
        )
    if not last_low <= part.lat_max_ns <= largest:
        return (
            f"the largest latency is {part.lat_max_ns} ns, and the last bucket {last_low} to {last_high} ns"
        )
    middles, widths = sum(found.sums_ns), list(_widths(found))
    least = (middles - sum(width // 2 * ios for width, ios in widths)) / total
    most = (middles + sum((width - 1) // 2 * ios for width, ios in widths)) / total
    most += (largest - last_high) * last_ios / total
    # Older versions print means as whole numbers.
    if not least * (1 - 1e-6) - 1 <= part.lat_mean_ns <= most * (1 + 1e-6) + 1:
        return f"the mean is {part.lat_mean_ns:.0f} ns, and the histogram's {least:.0f} to {most:.0f} ns"
    return None if found.saturated else _of_spread(part, widths)


def _widths(histogram: Histogram) -> Iterator[tuple[int, int]]:
    """How many I/Os lie in buckets of each width in ns: those of a group are equally wide."""
    buckets, upto = histogram.buckets, histogram.upto
    start = before = 0
    while start < len(buckets):
        low, high = EDGES_NS[buckets[start]]
        end = bisect_left(buckets, (buckets[start] // BUCKETS_PER_GROUP + 1) * BUCKETS_PER_GROUP, start)
        yield high - low + 1, upto[end - 1] - before
        start, before = end, upto[end - 1]


def _of_spread(part: LatencyResult, widths: Sequence[tuple[int, int]]) -> str | None:
    """Moving each I/O to its bucket's middle changes the deviation by no more than the mean square move."""
    found = part.histogram
    if (total := found.total) < 2:
        return None
    # Of whole numbers, as the difference of two that are nearly the same.
    once = sum(found.sums_ns)
    twice = sum(map(mul, found.sums_ns, map(VALUES_NS.__getitem__, found.buckets)))
    square = (twice * total - once**2) / (total * (total - 1))
    moved = sum(width**2 * ios for width, ios in widths) / 4
    deviation, most = math.sqrt(square), math.sqrt(moved / (total - 1)) + 1
    if abs(deviation - part.lat_stddev_ns) <= most + 0.001 * deviation:
        return None
    return f"the standard deviation is {part.lat_stddev_ns:.0f} ns, and the histogram's {deviation:.0f} ns"


def percentiles(evidence: Evidence) -> Iterator[Doubt]:
    """fio's own table of percentiles against the histogram's ranks, a bucket more or less."""
    for one in evidence.sections():
        for sort, part in one.sorts.items():
            said = _said(one, sort)
            if said is None or not said.percentiles_ns:
                continue
            counts, upto = part.histogram.counts, part.histogram.upto
            for percent, told_ns in said.percentiles_ns.items():
                near = _near(counts, upto, percent)
                if near is not None and not near[0] <= told_ns <= near[1]:
                    yield _differ(
                        "percentiles_differ",
                        f"{one.where} {sort}: fio's p{float(percent):g} is {told_ns:.0f} ns, and the "
                        f"histogram's {near[0]} to {near[1]} ns",
                        told_ns=told_ns,
                        least_ns=near[0],
                        most_ns=near[1],
                    )
                    break


def _near(counts: Sequence[tuple[int, int]], done: Sequence[int], percent: str) -> tuple[int, int] | None:
    """The buckets around a percentile: its own, and for a rank that floats round the ones beside it.

    ``done``: the I/Os up to the end of each of ``counts``. None for a percent that fio does not write.
    """
    if (units := _units(percent)) is None:
        return None
    # In units of 10^-8 I/Os, exactly.
    rank = units * done[-1]
    unit = 100 * 10**_DECIMALS
    place = min(bisect_left(done, rank / unit), len(done) - 1)
    # Only where the rank lies at a bucket's edge may floats have taken the one beside it.
    below = place - 1 if place and rank - done[place - 1] * unit <= unit else place
    above = place + 1 if done[place] * unit - rank < unit and place + 1 < len(done) else place
    return EDGES_NS[counts[below][0]][0], EDGES_NS[counts[above][0]][1]


@lru_cache(256)
def _units(percent: str) -> int | None:
    whole, _, part = percent.partition(".")
    if not (whole + part).isdecimal() or len(part) > _DECIMALS or len(whole) > 3:
        return None
    return int(whole + part.ljust(_DECIMALS, "0"))


def beyond_histogram(evidence: Evidence) -> Iterator[Doubt]:
    """I/Os that took longer than the histogram reaches."""
    for one in evidence.sections():
        for sort, part in one.sorts.items():
            if part.histogram.saturated:
                ios = part.histogram.counts[-1][1]
                yield Doubt(
                    code="beyond_histogram",
                    level="suspect",
                    text=f"{one.where} {sort}: {ios} I/Os took longer than the histogram reaches (17 s), the "
                    f"longest {part.lat_max_ns / 1e9:.1f} s: high percentiles are lower bounds",
                    figures={"ios": ios, "lat_max_ns": part.lat_max_ns},
                )


def impossible(evidence: Evidence) -> Iterator[Doubt]:
    """Values that no disk and no guest can have, and latencies out of their order."""
    for one in evidence.sections():
        for sort, part in one.sorts.items():
            problem = _impossible(one, sort, part)
            if problem is not None:
                yield _differ(
                    "impossible_value",
                    f"{one.where} {sort}: {problem}",
                    iops_per_s=part.iops_per_s,
                    lat_mean_ns=part.lat_mean_ns,
                )


def _impossible(one: SectionEvidence, sort: str, part: LatencyResult) -> str | None:
    least, mean, most = part.lat_min_ns, part.lat_mean_ns, part.lat_max_ns
    # Means of older versions are whole numbers.
    if not least <= mean + 1 or not mean <= most + 1:
        return f"latencies of {least} ns at least, {mean:.0f} ns on the mean and {most} ns at most"
    if part.lat_stddev_ns > (most - least) + 1:
        return f"a standard deviation of {part.lat_stddev_ns:.0f} ns between {least} and {most} ns"
    most_iops = MOST_IOPS_OF_A_WORKER * one.section.numjobs
    if part.iops_per_s > most_iops:
        return f"{part.iops_per_s:.0f} IOPS, more than {most_iops} of {one.section.numjobs} workers"
    if sort != "sync" and not one.section.buffered and mean < LEAST_MEAN_LAT_NS:
        return f"{mean:.0f} ns on the mean, less than the {LEAST_MEAN_LAT_NS} ns of any disk: memory answered"
    return None

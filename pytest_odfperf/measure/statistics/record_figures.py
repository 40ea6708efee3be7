"""The figures of one record, by their names: what limits and repeats go over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pytest_odfperf.matrix.values.limit import ALL
from pytest_odfperf.measure.aggregate import DirectionMeasurement, JobMeasurement, LatencyMeasurement
from pytest_odfperf.measure.fairness import jain
from pytest_odfperf.measure.record import DIRECTIONS, Record
from pytest_odfperf.measure.statistics.over_repeats import shown_name

#: Percentiles by the words of a limit.
_PERCENTILES = {
    "p50": "lat_p50_ns",
    "p95": "lat_p95_ns",
    "p99": "lat_p99_ns",
    "p99.9": "lat_p999_ns",
    "worst guest p99": "worst_guest_lat_p99_ns",
    "median guest p99": "median_guest_lat_p99_ns",
}


class FigureName(NamedTuple):
    """``section`` is empty for the key as a whole; ``metric`` is a word of `METRICS`.

    ``direction`` is `ALL` for what is of reads and writes together.
    """

    section: str
    direction: str
    metric: str

    def __str__(self) -> str:
        return shown_name(*self)


#: A figure that the sample does not carry is None: it was measured, and says nothing.
Figures = Mapping[FigureName, float | None]


def limit_figures(record: Record, *, sections: bool = True) -> Figures:
    """All figures of a record, in the units of `METRICS`; none of an invalid one.

    Those of the key as a whole are missing where its sections are unlike. Without ``sections`` those of
    single sections are left out where the key has some as a whole.
    """
    if not record.usable:
        return {}
    found: dict[FigureName, float | None] = {}
    if not record.apart:
        found.update(_positive(_figures("", record, [guest.jobs for guest in record.guests])))
    if found and not sections:
        return found
    for job in record.jobs:
        own = [[one for one in guest.jobs if one.name == job.name] for guest in record.guests]
        found.update(_positive(_figures(job.name, job, own)))
    return found


def _positive(
    figures: Iterable[tuple[FigureName, float | None]],
) -> Iterator[tuple[FigureName, float | None]]:
    """Figures of records that somebody changed are not computed with."""
    return ((name, value if value is not None and value > 0 else None) for name, value in figures)


def shown_sections(figures: Iterable[FigureName]) -> list[str]:
    """The sections that have figures of their own: an empty name where the key has some as a whole."""
    names = dict.fromkeys(name.section for name in figures)
    return [""] if "" in names else list(names)


def _figures(
    section: str, of: Record | JobMeasurement, guests: Sequence[Sequence[JobMeasurement]]
) -> Iterator[tuple[FigureName, float | None]]:
    if of.read or of.write:
        rates = [_rate(jobs, "read") + _rate(jobs, "write") for jobs in guests]
        yield FigureName(section, ALL, "fairness"), jain(rates)
    for direction in DIRECTIONS:
        part: LatencyMeasurement | None = getattr(of, direction)
        if part is None:
            continue

        def named(metric: str, direction: str = direction) -> FigureName:
            return FigureName(section, direction, metric)

        yield named("iops"), part.iops_per_s
        if isinstance(part, DirectionMeasurement):
            yield named("bw"), part.bw_bytes_per_s
        yield named("mean"), part.lat_mean_ns
        for metric, attribute in _PERCENTILES.items():
            yield named(metric), part.carried_ns(attribute)
        yield named("max"), part.lat_max_ns
        yield named("fairness"), jain([_rate(jobs, direction) for jobs in guests])


def _rate(jobs: Iterable[JobMeasurement], direction: str) -> float:
    rate: float = 0
    for job in jobs:
        part: LatencyMeasurement | None = getattr(job, direction)
        if part is not None:
            rate += part.iops_per_s
    return rate

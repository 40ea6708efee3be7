"""A guest's series with fewer samples, of which none is a mean: what was least and most is still there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_odfperf.measure.record import Record
from pytest_odfperf.measure.series.guest_series import Sample, Series
from pytest_odfperf.measure.series.series_csv import FILE_NAME, read_series
from pytest_odfperf.report.content.run_content import RunContent


@dataclass(frozen=True, slots=True)
class GuestSeries:
    """``offset_ms``: how much later than the first guest this one began."""

    #: Its place among the record's guests, from 1.
    guest: int
    offset_ms: float
    series: Series


def read_guest_series(content: RunContent, record: Record, most_guests: int) -> list[GuestSeries]:
    """The series of the first guests of a record, valid or not; those that are there and whole."""
    starts = {guest.name: guest.started_at_epoch_ns for guest in record.guests}
    first = min(starts.values(), default=0)
    found: list[GuestSeries] = []
    for path in record.artefacts:
        if not path.endswith(f"-{FILE_NAME}") or len({one.guest for one in found}) == most_guests:
            continue
        raw = content.read(record, path)
        try:
            series = read_series(raw.decode()) if raw is not None else ()
        except ValueError:
            continue
        name = path.rsplit("/", 1)[-1].removesuffix(f"-{FILE_NAME}")
        offset_ms = (starts.get(name, first) - first) / 1e6
        place = list(starts).index(name) + 1 if name in starts else len(starts) + 1
        found += [GuestSeries(place, offset_ms, one) for one in series]
    return found


def thinned(samples: Sequence[Sample], pieces: int) -> Iterator[Sample]:
    """Of each of ``pieces`` of one length the samples with the least and most I/Os, and with the longest."""
    count = len(samples)
    if count <= 3 * pieces:
        yield from samples
        return
    for piece in range(pieces):
        own = range(piece * count // pieces, (piece + 1) * count // pieces)
        chosen = {
            min(own, key=lambda at: samples[at].iops_per_s),
            max(own, key=lambda at: samples[at].iops_per_s),
            max(own, key=lambda at: samples[at].lat_max_below_ns or 0),
        }
        yield from (samples[at] for at in sorted(chosen))

"""The series of a guest as a file that people and spreadsheets read, and back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from pytest_odfperf.measure.series.guest_series import Sample, Series

#: The end of the file's name, after the guest's.
FILE_NAME = "series.csv"
HEADER = (
    "job", "direction", "end_ms", "iops_per_s", "lat_mean_ns", "lat_p99_below_ns", "lat_max_below_ns",
)  # fmt: skip


def write_series(series: Iterable[Series]) -> str:
    """A line for each sample: ``end_ms`` is the time since its section's ramp. Empty: there was no I/O."""
    lines = [",".join(HEADER)]
    for one in series:
        # Names of sections are letters, digits, '.', '_' and '-'.
        start = f"{one.job},{one.direction},"
        for end_ms, iops, mean, p99, longest in one.samples:
            lat = ",," if mean is None else f"{mean},{p99},{longest}"
            lines.append(f"{start}{end_ms},{iops:.1f},{lat}")
    return "\n".join(lines) + "\n"


def read_rates(text: str) -> dict[tuple[str, str], list[tuple[int, float]]]:
    """By section and direction the ends in ms and the IOPS alone, which takes a third of `read_series`' time.

    Raises `ValueError` that names the line.
    """
    head, *lines = text.split("\n")
    if head != ",".join(HEADER):
        raise ValueError(f"line 1 is not {','.join(HEADER)}")
    found: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for number, line in enumerate(lines, 2):
        if not line:
            continue
        try:
            job, direction, end, iops, _ = line.split(",", 4)
            end_ms, iops_per_s = int(end), float(iops)
            if direction not in ("read", "write") or end_ms < 1 or not 0 <= iops_per_s < 1e12:
                raise ValueError
        except ValueError:
            raise ValueError(f"line {number} is {line!r:.80}") from None
        found.setdefault((job, direction), []).append((end_ms, iops_per_s))
    return found


def read_series(text: str) -> tuple[Series, ...]:
    """What `write_series` wrote, rates to a tenth. Raises `ValueError` that names the line."""
    rows = csv.reader(io.StringIO(text))
    if tuple(next(rows, ())) != HEADER:
        raise ValueError(f"line 1 is not {','.join(HEADER)}")
    found: dict[tuple[str, str], list[Sample]] = {}
    for number, row in enumerate(rows, 2):
        try:
            job, direction, end_ms, iops, *latencies = row
            mean, p99, longest = (int(text) if text else None for text in latencies)
            if direction not in ("read", "write") or int(end_ms) < 1 or not 0 <= float(iops) < 1e12:
                raise ValueError
        except ValueError:
            raise ValueError(f"line {number} is {','.join(row)!r:.80}") from None
        found.setdefault((job, direction), []).append(Sample(int(end_ms), float(iops), mean, p99, longest))
    return tuple(
        Series(job=job, direction=direction, sample_ms=samples[0].end_ms, samples=tuple(samples))
        for (job, direction), samples in found.items()
    )

"""Histograms of results as columns of lists: the I/Os that took ``lower_ns`` to ``upper_ns``.

histograms.json of many results (`pooled_histograms`) is read at once by pyarrow, a file as a line: one by
one, with all numbers as Python's, they take as long as all else together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pytest_odfperf.fio.histogram import EDGES_NS
from pytest_odfperf.measure.pooled_histograms import FILE_NAME, SCHEMA
from pytest_odfperf.measure.record import DIRECTIONS, Record
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.parquet.list_column import Piece, list_column, read_whole
from pytest_odfperf.report.tables.result_rows import Source

if TYPE_CHECKING:
    import pyarrow as pa

#: Of each file, where the buckets of a job and a direction are among all of that direction.
_Pieces = list[dict[tuple[str, str], Piece]]


def bucket_type() -> pa.DataType:
    """The last bucket of fio counts all that took longer, too."""
    import pyarrow as pa

    fields = [pa.field(name, pa.int64(), nullable=False) for name in ("lower_ns", "upper_ns", "count")]
    return pa.list_(pa.struct(fields))


class HistogramColumns:
    """Those of some rows. Rows of single guests have none: a key's are pooled over its guests."""

    def __init__(self, content: RunContent) -> None:
        self._content = content
        self._bodies: list[bytes] = []
        #: Of each row the place of its file, and by direction the jobs that it is over.
        self._rows: list[tuple[int, dict[str, list[str]]] | None] = []
        self._last: tuple[Record | None, int | None] = None, None

    def add(self, source: Source) -> None:
        """The next row."""
        record, job, guest = source
        if guest is not None or not record.usable:
            self._rows.append(None)
            return
        if self._last[0] is not record:
            self._last = record, self._body(record)
        place = self._last[1]
        if place is None:
            self._rows.append(None)
            return
        of, jobs = (record, record.jobs) if job is None else (job, (job,))
        names = {
            direction: [one.name for one in jobs if getattr(one, direction) is not None]
            for direction in DIRECTIONS
            if getattr(of, direction) is not None
        }
        self._rows.append((place, names))

    def _body(self, record: Record) -> int | None:
        found = self._content.read(record, FILE_NAME)
        if not found or b"\n" in found[:-1]:
            return None
        self._bodies.append(found.rstrip(b"\n"))
        return len(self._bodies) - 1

    def made(self) -> dict[str, pa.Array]:
        """By the names of the columns."""
        buckets, pieces = read_whole(self._bodies, _read)
        kind = bucket_type()
        found = {}
        for direction in DIRECTIONS:
            values = _Values(buckets[direction])
            rows: list[Piece | None] = []
            for row in self._rows:
                parts = [
                    pieces[row[0]][name, direction]
                    for name in (row[1].get(direction, ()) if row else ())
                    if row and (name, direction) in pieces[row[0]]
                ]
                rows.append(None if not parts else parts[0] if len(parts) == 1 else values.merged(parts))
            found[f"{direction}_histogram"] = list_column(values.all(), rows, kind)
        return found


class _Values:
    """All buckets of a direction, and those that are merged of several sections."""

    def __init__(self, buckets: pa.StructArray) -> None:
        self._buckets = buckets
        self._merged: list[dict[str, int]] = []

    def merged(self, parts: Sequence[Piece]) -> Piece:
        """A new piece: fio's buckets are the same for all."""
        counts: dict[tuple[int, int], int] = {}
        for start, stop in parts:
            for one in self._buckets.slice(start, stop - start).to_pylist():
                edges = one["lower_ns"], one["upper_ns"]
                counts[edges] = counts.get(edges, 0) + one["count"]
        start = len(self._buckets) + len(self._merged)
        self._merged += [
            {"lower_ns": low, "upper_ns": high, "count": counts[low, high]} for low, high in sorted(counts)
        ]
        return start, start + len(counts)

    def all(self) -> pa.Array:
        import pyarrow as pa

        return pa.concat_arrays([self._buckets, pa.array(self._merged, self._buckets.type)])


def _read(bodies: Sequence[bytes]) -> tuple[dict[str, pa.StructArray], _Pieces]:
    import pyarrow as pa
    from pyarrow import json

    kind = bucket_type().value_type
    numbers = pa.list_(pa.int64())
    counts = pa.struct({"at_least_ns": numbers, "ios": numbers}.items())
    job = pa.struct({"job": pa.string(), **dict.fromkeys(DIRECTIONS, counts)}.items())
    # One that is not there is a line all the same.
    text = b"\n".join(body or b"{}" for body in bodies) + b"\n"
    table = json.read_json(
        pa.BufferReader(text if bodies else b"{}\n"),
        read_options=json.ReadOptions(
            use_threads=False, block_size=max(1 << 20, 2 * max(map(len, bodies), default=0))
        ),
        parse_options=json.ParseOptions(
            explicit_schema=pa.schema({"schema": pa.int64(), "jobs": pa.list_(job)}.items()),
            unexpected_field_behavior="ignore",
        ),
    ).combine_chunks()
    versions, jobs = table["schema"].combine_chunks(), table["jobs"].combine_chunks()
    if any(body and one != SCHEMA for body, one in zip(bodies, versions.to_pylist(), strict=False)):
        raise pa.ArrowInvalid("another schema")
    names = jobs.values.field("job").to_pylist()
    found, spans = {}, {}
    for direction in DIRECTIONS:
        found[direction], spans[direction] = _direction(jobs.values.field(direction), kind)
    starts = jobs.offsets.to_pylist()
    return found, [dict(_of_file(range(start, stop), names, spans)) for start, stop in pairwise(starts)]


def _direction(counts: pa.StructArray, kind: pa.DataType) -> tuple[pa.StructArray, list[Piece | None]]:
    """All buckets of a direction, and where those of each job are; None: it does not do that."""
    import pyarrow as pa
    from pyarrow import compute

    edges, ios = counts.field("at_least_ns"), counts.field("ios")
    lower, upper = zip(*EDGES_NS, strict=True)
    places = compute.index_in(edges.values, pa.array(lower, pa.int64()))
    if places.null_count or ios.values.null_count or not edges.offsets.equals(ios.offsets):
        raise pa.ArrowInvalid("these are not fio's buckets")
    uppers = pa.array(upper, pa.int64()).take(places)
    buckets = pa.StructArray.from_arrays([edges.values, uppers, ios.values], fields=list(kind))
    offsets, there = edges.offsets.to_pylist(), compute.is_valid(counts).to_pylist()
    return buckets, [piece if known else None for piece, known in zip(pairwise(offsets), there, strict=True)]


def _of_file(
    jobs: range, names: Sequence[Any], spans: dict[str, list[Piece | None]]
) -> Iterator[tuple[tuple[str, str], Piece]]:
    for direction, pieces in spans.items():
        for number in jobs:
            if (piece := pieces[number]) is not None:
                yield (names[number], direction), piece

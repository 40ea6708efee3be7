"""The series of guests as columns of lists of samples, from the files beside the raw answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from pytest_odfperf.measure.record import GuestRecord, Record
from pytest_odfperf.measure.series.series_csv import FILE_NAME, HEADER
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.parquet.list_column import Piece, list_column, read_whole
from pytest_odfperf.report.tables.result_rows import Source

if TYPE_CHECKING:
    import pyarrow as pa

DIRECTIONS = ("read", "write")

#: A file of each guest of each result is read: more of them would take longer than all else together.
MOST_FILES = 5_000

_END = f"-{FILE_NAME}"

_HEAD = (",".join(HEADER) + "\n").encode()


def sample_type() -> pa.DataType:
    import pyarrow as pa

    kinds = [pa.int64(), pa.float64(), pa.int64(), pa.int64(), pa.int64()]
    fields = [
        pa.field(name, kind, nullable=place > 1)
        for place, (name, kind) in enumerate(zip(HEADER[2:], kinds, strict=True))
    ]
    return pa.list_(pa.struct(fields))


def with_series(records: Iterable[Record]) -> set[str]:
    """The tests whose series are told: all, or of too many the suspect ones, from the first on."""
    usable = [record for record in records if record.usable and record.guests]
    if sum(len(record.guests) for record in usable) > MOST_FILES:
        usable = [record for record in usable if record.verdict == "suspect"]
    found, files = set(), 0
    for record in usable:
        files += len(record.guests)
        if files > MOST_FILES:
            break
        found.add(record.test)
    return found


def series_paths(record: Record) -> dict[str, str]:
    """The file of each guest that has one, below the run's folder, by the guest's name."""
    found: dict[str, str] = {}
    for path in record.artefacts:
        if path.endswith(_END):
            found.setdefault(path.rpartition("/")[2].removesuffix(_END), path)
    return found


class SeriesColumns:
    """Those of some rows; rows that are not of single guests have none."""

    def __init__(self, content: RunContent, tests: set[str]) -> None:
        self._content = content
        self._tests = tests
        #: Of each row the place of its file among the bodies, and its section.
        self._rows: list[tuple[int, str] | None] = []
        self._bodies: list[bytes] = []
        self._last: tuple[Record | None, GuestRecord | None, int | None] = None, None, None

    def add(self, source: Source) -> None:
        """The next row."""
        record, job, guest = source
        if job is None or guest is None or record.test not in self._tests:
            self._rows.append(None)
            return
        if self._last[0] is not record or self._last[1] is not guest:
            self._last = record, guest, self._body(record, guest)
        place = self._last[2]
        self._rows.append(None if place is None else (place, job.name))

    def _body(self, record: Record, guest: GuestRecord) -> int | None:
        path = series_paths(record).get(guest.name)
        found = self._content.read(record, path) if path is not None else None
        if found is None or not found.startswith(_HEAD) or not found.endswith(b"\n"):
            return None
        self._bodies.append(found[len(_HEAD) :])
        return len(self._bodies) - 1

    def made(self) -> dict[str, pa.Array]:
        """By the names of the columns."""

        kind = sample_type()
        samples, pieces = read_whole(self._bodies, _read)
        return {
            f"{direction}_series": list_column(
                samples,
                [None if row is None else pieces[row[0]].get((row[1], direction)) for row in self._rows],
                kind,
            )
            for direction in DIRECTIONS
        }


#: Of each body, where the samples of a section and a direction are among all.
_Pieces = list[dict[tuple[str, str], Piece]]


def _read(bodies: Sequence[bytes]) -> tuple[pa.StructArray, _Pieces]:
    import pyarrow as pa
    from pyarrow import compute, csv

    kind = sample_type().value_type
    if not any(bodies):
        return pa.array([], kind), [{} for _ in bodies]
    words = pa.dictionary(pa.int32(), pa.string())
    types = {"job": words, "direction": words, **{field.name: field.type for field in kind}}
    table = (
        csv.read_csv(
            pa.BufferReader(b"".join(bodies)),
            read_options=csv.ReadOptions(use_threads=False, column_names=list(types), block_size=8 << 20),
            convert_options=csv.ConvertOptions(column_types=types),
        )
        .unify_dictionaries()
        .combine_chunks()
    )
    job, direction = (table[name].combine_chunks() for name in ("job", "direction"))
    sides = direction.dictionary.to_pylist()
    names = [(name, side) for name in job.dictionary.to_pylist() for side in sides]
    # One number for both, so that a run of lines that are alike is found without a look at each in Python.
    both = compute.multiply(job.indices, pa.scalar(len(sides), pa.int32()))
    runs = compute.run_end_encode(compute.add(both, direction.indices))
    ends = [
        (end, names[place])
        for end, place in zip(runs.run_ends.to_pylist(), runs.values.to_pylist(), strict=True)
    ]
    samples = pa.StructArray.from_arrays(
        [table[field.name].combine_chunks() for field in kind], fields=list(kind)
    )
    return samples, list(_pieces([body.count(b"\n") for body in bodies], ends))


def _pieces(
    lengths: Iterable[int], ends: Sequence[tuple[int, tuple[str, str]]]
) -> Iterator[dict[tuple[str, str], Piece]]:
    """Where each body's pieces are: a run of lines that are alike may go on in the next body."""
    number, start = 0, 0
    for length in lengths:
        stop, found = start + length, {}
        while start < stop:
            end, name = ends[number]
            found[name] = (start, min(end, stop))
            start = min(end, stop)
            if end <= stop:
                number += 1
        yield found

"""Histograms of results as columns of lists: the I/Os that took ``lower_ns`` to ``upper_ns``."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from pytest_odfperf.fio.histogram import EDGES_NS
from pytest_odfperf.json_reading import read_json
from pytest_odfperf.measure.pooled_histograms import FILE_NAME, SCHEMA
from pytest_odfperf.measure.record import DIRECTIONS, Record
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.tables.result_rows import Source

if TYPE_CHECKING:
    import pyarrow as pa

#: By the least latency of each bucket of fio's, its number: two bytes.
_NUMBERS = {lower_ns: number for number, (lower_ns, _) in enumerate(EDGES_NS)}
#: The numbers of buckets, ascending, and what they count.
_Counts = tuple["array[int]", "array[int]"]
#: Of a file, by job and direction.
_File = dict[tuple[str, str], _Counts]


def bucket_type() -> pa.DataType:
    """The last bucket of fio counts all that took longer, too."""
    import pyarrow as pa

    fields = [pa.field(name, pa.int64(), nullable=False) for name in ("lower_ns", "upper_ns", "count")]
    return pa.list_(pa.struct(fields))


class HistogramColumns:
    """Those of some rows. Rows of single guests have none: a key's are pooled over its guests."""

    def __init__(self, content: RunContent) -> None:
        self._content = content
        #: Of each row that has some, by direction.
        self._rows: list[Mapping[str, _Counts] | None] = []
        self._last: tuple[Record | None, _File] = None, {}

    def add(self, source: Source) -> None:
        """The next row."""
        record, job, guest = source
        if guest is not None or not record.usable:
            self._rows.append(None)
            return
        if self._last[0] is not record:
            self._last = record, _read(self._content.read(record, FILE_NAME))
        file = self._last[1]
        found: dict[str, _Counts] = {}
        for direction in DIRECTIONS if file else ():
            if getattr(job or record, direction) is not None:
                names = [one.name for one in ((job,) if job else record.jobs) if getattr(one, direction)]
                parts = [file[name, direction] for name in names if (name, direction) in file]
                if parts:
                    found[direction] = parts[0] if len(parts) == 1 else _added(parts)
        self._rows.append(found)

    def made(self) -> dict[str, pa.Array]:
        """By the names of the columns."""
        return {f"{direction}_histogram": self._column(direction) for direction in DIRECTIONS}

    def _column(self, direction: str) -> pa.Array:
        import pyarrow as pa

        numbers, counts = array("H"), array("q")
        #: Where each row begins; None: it has none.
        begins: list[int | None] = []
        for row in self._rows:
            own = row.get(direction) if row else None
            begins.append(None if own is None else len(counts))
            if own is not None:
                numbers.extend(own[0])
                counts.extend(own[1])
        size, kind = len(counts), bucket_type()
        places = pa.Array.from_buffers(pa.uint16(), size, [None, pa.py_buffer(numbers)])
        edges = [pa.array(side, pa.int64()).take(places) for side in zip(*EDGES_NS, strict=True)]
        ios = pa.Array.from_buffers(pa.int64(), size, [None, pa.py_buffer(counts)])
        buckets = pa.StructArray.from_arrays([*edges, ios], fields=list(kind.value_type))
        return pa.ListArray.from_arrays(pa.array([*begins, size], pa.int32()), buckets, type=kind)


def _added(parts: Sequence[_Counts]) -> _Counts:
    """fio's buckets are the same for all."""
    found: dict[int, int] = {}
    for part in parts:
        for number, count in zip(*part, strict=True):
            found[number] = found.get(number, 0) + count
    return array("H", sorted(found)), array("q", [found[number] for number in sorted(found)])


def _read(raw: bytes | None) -> _File:
    """Of histograms.json; nothing where it is none."""
    try:
        plain = read_json(raw) if raw is not None else {}
        if plain.get("schema") != SCHEMA:
            return {}
        return {
            (job["job"], direction): _counts(job[direction])
            for job in plain["jobs"]
            for direction in DIRECTIONS
            if job.get(direction) is not None
        }
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError, struct.error):
        return {}


def _counts(plain: Any) -> _Counts:
    edges, ios = plain["at_least_ns"], plain["ios"]
    if len(edges) != len(ios):
        raise ValueError("edges and counts are not as many")
    if len(edges) < 2:
        return array("H", [_NUMBERS[edge] for edge in edges]), array("q", ios)
    # A run has millions of both: in a comprehension they take twice as long.
    return array("H", itemgetter(*edges)(_NUMBERS)), array("q", struct.pack(f"{len(ios)}q", *ios))

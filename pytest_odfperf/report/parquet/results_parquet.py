"""The whole file: `row_parts`, with what a table of texts has no room for."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pytest_odfperf.measure.record import DIRECTIONS, Record
from pytest_odfperf.plain import to_plain
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.parquet import series_column
from pytest_odfperf.report.parquet.histogram_column import HistogramColumns, bucket_type
from pytest_odfperf.report.parquet.series_column import SeriesColumns, sample_type, series_path
from pytest_odfperf.report.tables.result_rows import (
    COLUMNS,
    KEY_COLUMNS,
    TEST_COLUMNS,
    Row,
    Source,
    row_parts,
)

if TYPE_CHECKING:
    import pyarrow as pa

#: Of the columns and what they mean.
SCHEMA = 1
#: Results whose files are in memory at one time.
_AT_ONCE = 250


def results_parquet(content: RunContent) -> bytes | None:
    """The file; None where pyarrow is not installed, or there is no result."""
    if not content.records or find_spec("pyarrow") is None:
        return None
    import pyarrow as pa
    from pyarrow import parquet

    schema = _schema(content)
    tests = series_column.with_series(content.records)
    file = io.BytesIO()
    # Buckets ascend: told by their distances they are smaller, and are written faster.
    buckets = [
        f"{direction}_histogram.list.element.{name}"
        for direction in DIRECTIONS
        for name in ("lower_ns", "upper_ns", "count")
    ]
    with parquet.ParquetWriter(
        file,
        schema,
        compression="zstd",
        write_statistics=_PLAIN,
        use_dictionary=[field.name for field in schema if field.type == pa.string()],
        column_encoding=dict.fromkeys(buckets, "DELTA_BINARY_PACKED"),
    ) as writer:
        for start in range(0, len(content.records), _AT_ONCE):
            writer.write_batch(_batch(content, content.records[start : start + _AT_ONCE], tests, schema))
    return file.getvalue()


#: Lists are never asked for by their greatest value.
_PLAIN = list(COLUMNS)


def _schema(content: RunContent) -> pa.Schema:
    import pyarrow as pa

    kinds = {"text": pa.string(), "whole": pa.int64(), "real": pa.float64(), "flag": pa.bool_()}
    text, real = pa.string(), pa.float64()
    outcome = {"limit": text, "figure_name": text, "outcome": text, "why": text, "figure": real, "low": real}
    outcome |= {"high": real, "repeats": pa.int64()}
    doubt = {"code": text, "level": text, "text": text}
    fields = {
        "key": text,
        **{name: kinds[kind] for name, kind in COLUMNS.items()},
        "definition": text,
        "limit_outcomes": pa.list_(pa.struct(outcome.items())),
        "doubts_told": pa.list_(pa.struct(doubt.items())),
        "series_file": text,
        **{f"{direction}_histogram": bucket_type() for direction in DIRECTIONS},
        **{f"{direction}_series": sample_type() for direction in series_column.DIRECTIONS},
    }
    return pa.schema(
        fields.items(),
        metadata={
            "odfperf_schema": str(SCHEMA),
            "odfperf_runs": json.dumps([run.run_id for run in content.runs]),
            "odfperf_marking": content.marking or "",
        },
    )


def _batch(
    content: RunContent, records: Sequence[Record], tests: set[str], schema: pa.Schema
) -> pa.RecordBatch:
    import pyarrow as pa

    histograms, series = HistogramColumns(content), SeriesColumns(content, tests)
    #: What all rows of a test have in common is made once: most rows are of single guests.
    of_tests: list[Row] = []
    tests_of_rows: list[int] = []
    rows: list[Row] = []
    last: Row | None = None
    for parts in row_parts(records, _text):
        record = parts.source[0]
        if parts.test is not last:
            last = parts.test
            of_tests.append((*parts.key, *parts.test, str(record.key), record.definition))
        tests_of_rows.append(len(of_tests) - 1)
        rows.append((*parts.what, *parts.all_figures, *_of(parts.source, content.run_of(record).href)))
        histograms.add(parts.source)
        series.add(parts.source)
    kinds = {field.name: field.type for field in schema}
    places = pa.array(tests_of_rows, pa.int32())
    made = {
        name: pa.array(values, kinds[name]).take(places)
        for name, values in zip(_OF_TEST, zip(*of_tests, strict=True), strict=True)
    }
    made |= {
        name: pa.array(values, kinds[name])
        for name, values in zip(_OF_ROW, zip(*rows, strict=True), strict=True)
    }
    made |= {**histograms.made(), **series.made()}
    return pa.RecordBatch.from_arrays([made[name] for name in kinds], schema=schema)


_OF_TEST = (*KEY_COLUMNS, *TEST_COLUMNS, "key", "definition")
#: The last three are in the order of `_of`.
_OF_ROW = (
    *(name for name in COLUMNS if name not in _OF_TEST), "series_file", "limit_outcomes", "doubts_told",
)  # fmt: skip


def _of(source: Source, href: str) -> tuple[Any, ...]:
    record, job, guest = source
    path = None if guest is None else series_path(record, guest)
    file = None if path is None else _text(href + path)
    if job is not None:
        return file, None, None
    return file, [_plain(one) for one in record.limits], [_plain(one) for one in record.doubts]


def _text(value: str) -> str:
    """A lone surrogate (a path that is no text) is written as its escape."""
    return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")


def _plain(value: Any) -> Any:
    return {
        name: _text(one) if isinstance(one, str) else one
        for name, one in to_plain(value).items()
        if name != "figures"
    }

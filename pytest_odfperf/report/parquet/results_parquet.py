"""The whole file: `row_parts`, with what a table of texts has no room for."""

from __future__ import annotations

import io
import json
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pytest_odfperf.measure.record import DIRECTIONS, Record
from pytest_odfperf.plain import to_plain
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.parquet import series_column
from pytest_odfperf.report.parquet.histogram_column import HistogramColumns, bucket_type
from pytest_odfperf.report.parquet.series_column import SeriesColumns, sample_type, series_paths
from pytest_odfperf.report.parquet.sparse_columns import SparseColumns
from pytest_odfperf.report.tables.result_rows import (
    COLUMNS,
    FIGURE_COLUMNS,
    KEY_COLUMNS,
    TEST_COLUMNS,
    WHAT_COLUMNS,
    Row,
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
    with (
        _system_memory(),
        parquet.ParquetWriter(
            file,
            schema,
            compression="zstd",
            write_statistics=_PLAIN,
            use_dictionary=[field.name for field in schema if field.type == pa.string()],
            column_encoding=dict.fromkeys(buckets, "DELTA_BINARY_PACKED"),
        ) as writer,
        # One is compressed and written, which needs no Python, while the next one is made.
        ThreadPoolExecutor(1, "results.parquet") as beside,
    ):
        written = beside.submit(bool)
        for start in range(0, len(content.records), _AT_ONCE):
            batch = _batch(content, content.records[start : start + _AT_ONCE], tests, schema)
            written.result()
            written = beside.submit(writer.write_batch, batch)
        written.result()
    return file.getvalue()


@contextmanager
def _system_memory() -> Generator[None]:
    """Arrow's own pools keep what they had once: 60 MB more, and no faster."""
    import pyarrow as pa

    usual = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(usual)


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

    kinds = {field.name: field.type for field in schema}
    histograms, series = HistogramColumns(content), SeriesColumns(content, tests)
    whats: list[Row] = []
    # What all rows of a test have in common, or few rows have, is made once: most rows are of single guests.
    tests_own = SparseColumns((*KEY_COLUMNS, *TEST_COLUMNS, "key", "definition"))
    told, files = SparseColumns(("limit_outcomes", "doubts_told")), SparseColumns(("series_file",))
    figures = [SparseColumns(names) for names in FIGURE_COLUMNS.values()]
    last: Row | None = None
    paths: Mapping[str, str] = {}
    for parts in row_parts(records, _text):
        record, job, guest = parts.source
        if parts.test is not last:
            last = parts.test
            tests_own.add((*parts.key, *parts.test, str(record.key), record.definition))
            href = content.run_of(record).href
            paths = {name: _text(href + path) for name, path in series_paths(record).items()}
        else:
            tests_own.add_again()
        told.add(([*map(_plain, record.limits)], [*map(_plain, record.doubts)]) if job is None else None)
        whats.append(parts.what)
        file = None if guest is None else paths.get(guest.name)
        files.add(None if file is None else (file,))
        for column, own in zip(figures, parts.figures, strict=True):
            column.add(own)
        histograms.add(parts.source)
        series.add(parts.source)
    made = {
        name: pa.array(values, kinds[name])
        for name, values in zip(WHAT_COLUMNS, zip(*whats, strict=True), strict=True)
    }
    for sparse in (tests_own, told, files, *figures):
        made |= sparse.made(kinds)
    made |= {**histograms.made(), **series.made()}
    return pa.RecordBatch.from_arrays([made[name] for name in kinds], schema=schema)


def _text(value: str) -> str:
    """A lone surrogate (a path that is no text) is written as its escape."""
    return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")


def _plain(value: Any) -> Any:
    return {
        name: _text(one) if isinstance(one, str) else one
        for name, one in to_plain(value).items()
        if name != "figures"
    }

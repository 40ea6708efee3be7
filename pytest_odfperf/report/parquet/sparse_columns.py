"""Columns of which few rows have a value of their own: the others have none, or that of the row before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pytest_odfperf.report.tables.result_rows import Row

if TYPE_CHECKING:
    import pyarrow as pa


class SparseColumns:
    """Several columns, ``names``, that have values in the same rows. Each value becomes Arrow's once."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._values: list[Row] = []
        #: Of each row.
        self._places: list[int | None] = []

    def add(self, values: Row | None) -> None:
        """The next row; None: it has none."""
        if values is None:
            self._places.append(None)
            return
        self._places.append(len(self._values))
        self._values.append(values)

    def add_again(self) -> None:
        """The next row has the same values as the one before."""
        self._places.append(self._places[-1])

    def made(self, kinds: Mapping[str, pa.DataType]) -> dict[str, pa.Array]:
        """By the names of the columns."""
        import pyarrow as pa

        if not self._values:
            return {name: pa.nulls(len(self._places), kinds[name]) for name in self._names}
        places = pa.array(self._places, pa.int32())
        columns = zip(*self._values, strict=True)
        return {
            name: pa.array(values, kinds[name]).take(places)
            for name, values in zip(self._names, columns, strict=True)
        }

"""A column of lists whose entries lie somewhere in one long array."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import pyarrow as pa

#: From one entry up to another.
Piece = tuple[int, int]
_T = TypeVar("_T")


def list_column(values: pa.Array, pieces: Sequence[Piece | None], kind: pa.DataType) -> pa.Array:
    """Of each row the entries of ``values`` in its piece; null where it has none."""
    import pyarrow as pa

    wanted, offsets, at = array("q"), [], 0
    in_order = _follow_each_other(pieces)
    for piece in pieces:
        offsets.append(None if piece is None else at)
        if piece is not None:
            at += piece[1] - piece[0]
            if not in_order:
                wanted.extend(range(*piece))
    found = values.slice(0, at) if in_order else values.take(pa.array(wanted, pa.int64()))
    return pa.ListArray.from_arrays(pa.array([*offsets, at], pa.int32()), found, type=kind)


def _follow_each_other(pieces: Sequence[Piece | None]) -> bool:
    """Whether the pieces are the beginning of the array, so that nothing has to be moved."""
    at = 0
    for piece in pieces:
        if piece is not None:
            if piece[0] != at:
                return False
            at = piece[1]
    return True


def read_whole(bodies: Sequence[bytes], read: Callable[[Sequence[bytes]], _T]) -> _T:
    """What ``read`` makes of the bodies together; those that it refuses are taken for empty."""
    import pyarrow as pa

    def takes(body: bytes) -> bool:
        try:
            read([body])
        except pa.ArrowInvalid:
            return False
        return True

    try:
        return read(bodies)
    except pa.ArrowInvalid:
        return read([body if takes(body) else b"" for body in bodies])

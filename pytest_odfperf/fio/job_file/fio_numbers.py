"""Numbers of a job file, as fio reads them. What fio reads as another number than it says is none here.

fio takes ``4x`` for 4, ``1.5k`` for 1, ``bs=4k-8k`` for 4k reads and 8k writes (measured with 3.33).
"""

from __future__ import annotations

import re
from collections.abc import Callable

_SIZE = re.compile(r"([0-9]{1,15})([kmgtp]?)(i?b?)", re.ASCII | re.IGNORECASE)
_HEX = re.compile(r"0x[0-9a-f]{1,12}", re.ASCII | re.IGNORECASE)
_TIME = re.compile(r"([0-9]{1,12})(us|usec|ms|msec|s|m|h|d)?", re.ASCII | re.IGNORECASE)
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
_STEP = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_UNITS_S = {
    "us": 1e-6, "usec": 1e-6, "ms": 1e-3, "msec": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0,
}  # fmt: skip

#: The smallest and the largest size of the blocks of one direction.
Sizes = tuple[int, int]


def size_bytes(text: str) -> int | None:
    """Bytes of a size; None if it is none.

    As fio takes it (measured with 3.33; HOWTO, ``kb_base``): ``4k``, ``4kB`` and ``4Ki`` are 4096, but
    ``4KiB`` is 4000.
    """
    if _HEX.fullmatch(text):
        return int(text, 16)
    found = _SIZE.fullmatch(text)
    if found is None:
        return None
    base = 1000 if found[3].lower() == "ib" else 1024
    return int(found[1]) * int(base ** _STEP[found[2].lower()])


def whole(text: str) -> int | None:
    """A count; None if it is none."""
    return int(text) if _WHOLE.fullmatch(text) else None


def time_s(text: str, unit: str) -> float | None:
    """Seconds of a time; ``unit`` is the one of an option whose value names none. None if it is none."""
    found = _TIME.fullmatch(text)
    return int(found[1]) * _UNITS_S[(found[2] or unit).lower()] if found else None


def block_sizes(text: str) -> tuple[Sizes, Sizes] | None:
    """``bs``: of reads and of writes, from ``4k``, ``4k,8k`` or ``4k,8k,``; None if it is none of them."""
    return _both(text, lambda part: None if (size := size_bytes(part)) is None else (size, size))


def block_ranges(text: str) -> tuple[Sizes, Sizes] | None:
    """``bsrange``: of reads and of writes, from ``1k-4k`` or ``1k-4k,8k-16k``."""
    return _both(text, _range)


def block_split(text: str) -> tuple[Sizes, Sizes] | None:
    """``bssplit``: of reads and of writes, from ``4k/70:64k/30``, or two of them with a comma between."""
    return _both(text, _split)


def _both(text: str, one: Callable[[str], Sizes | None]) -> tuple[Sizes, Sizes] | None:
    parts = text.split(",")
    # The third is of trims. With nothing after the first comma, fio leaves writes at what they were.
    if len(parts) > 3 or (len(parts) > 1 and not parts[1]) or not parts[0]:
        return None
    found = [one(part) for part in parts if part]
    if any(sizes is None or sizes[0] < 1 for sizes in found):
        return None
    read, write = found[0], found[min(1, len(found) - 1)]
    assert read is not None
    assert write is not None
    return read, write


def _range(text: str) -> Sizes | None:
    ends = [size_bytes(part) for part in re.split("[-:]", text)]
    if len(ends) != 2 or ends[0] is None or ends[1] is None:
        return None
    return min(ends[0], ends[1]), max(ends[0], ends[1])


def _split(text: str) -> Sizes | None:
    sizes = []
    for part in text.split(":"):
        size, slash, share = part.partition("/")
        bytes_ = size_bytes(size)
        if bytes_ is None or (slash and share and whole(share) is None):
            return None
        sizes.append(bytes_)
    return min(sizes), max(sizes)

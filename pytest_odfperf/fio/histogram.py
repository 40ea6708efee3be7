"""fio's latency histogram: 29 groups of 64 buckets, each at most 1/64 of its value wide.

From fio's ``stat.h`` and ``stat.c`` (``plat_val_to_idx``, ``plat_idx_to_val``, ``calc_clat_percentiles``).
The keys of json+ ``bins`` are the middles of the buckets in ns. Histograms of many workers, guests and
runs add up bucket by bucket; percentiles do not, and are never averaged here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

_BITS = 6
_BUCKETS_PER_GROUP = 1 << _BITS
BUCKETS = 29 * _BUCKETS_PER_GROUP

#: All that took longer than about 17 s is counted here: only the maximum still tells how long.
TOP = BUCKETS - 1


def index_of(value_ns: int) -> int:
    """The bucket of a latency."""
    if value_ns < 0:
        raise ValueError(f"a latency of {value_ns} ns")
    top_bit = value_ns.bit_length() - 1
    if top_bit <= _BITS:
        return value_ns
    shift = top_bit - _BITS
    return min(((shift + 1) << _BITS) + ((value_ns >> shift) & (_BUCKETS_PER_GROUP - 1)), TOP)


def value_of(index: int) -> int:
    """The middle of a bucket in ns, within 1/128 of every latency in it."""
    if not 0 <= index < BUCKETS:
        raise ValueError(f"bucket {index} of {BUCKETS}")
    if index < 2 * _BUCKETS_PER_GROUP:
        return index
    shift = (index >> _BITS) - 1
    return (1 << (shift + _BITS)) + int((index % _BUCKETS_PER_GROUP + 0.5) * (1 << shift))


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts by bucket: ascending (bucket, count), no count is 0."""

    counts: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, counts: Mapping[int, int]) -> Histogram:
        for index, count in counts.items():
            if not 0 <= index < BUCKETS or count < 0:
                raise ValueError(f"bucket {index} with count {count}")
        return cls(tuple(sorted((index, count) for index, count in counts.items() if count)))

    @classmethod
    def from_bins(cls, bins: Mapping[str, int]) -> Histogram:
        """From json+ ``bins``. Raises `ValueError` for what fio does not write."""
        counts: Counter[int] = Counter()
        for key, count in bins.items():
            if isinstance(count, bool) or not isinstance(count, int | float) or count != int(count):
                raise ValueError(f"bin {key!r} has count {count!r}")
            value_ns = int(key)
            index = index_of(value_ns)
            if value_of(index) != value_ns:
                raise ValueError(f"bin {key!r} is not the middle of a bucket")
            counts[index] += int(count)
        return cls.of(counts)

    @classmethod
    def from_values(cls, values_ns: Iterable[int]) -> Histogram:
        return cls.of(Counter(map(index_of, values_ns)))

    @property
    def bins(self) -> dict[str, int]:
        """As json+ writes it."""
        return {str(value_of(index)): count for index, count in self.counts}

    @property
    def total(self) -> int:
        return sum(count for _, count in self.counts)

    @property
    def saturated(self) -> bool:
        """Whether a latency fell into the top bucket, where percentiles are lower bounds."""
        return bool(self.counts) and self.counts[-1][0] == TOP

    def merge(self, *others: Histogram) -> Histogram:
        """The histogram of all I/Os of all of them."""
        counts: Counter[int] = Counter(dict(self.counts))
        for other in others:
            counts.update(dict(other.counts))
        return Histogram.of(counts)

    def percentile_ns(self, percent: float) -> int:
        """Nearest rank, as fio: the first bucket by which ``percent`` of the I/Os are done.

        The rank is exact: with floats, 99.9 % of 1000 I/Os is a little more than 999 of them.
        """
        if not self.counts:
            raise ValueError("a histogram without I/Os has no percentiles")
        if not 0 < percent <= 100:
            raise ValueError(f"percentile {percent}")
        wanted = Fraction(str(percent)) / 100 * self.total
        seen = 0
        for index, count in self.counts:
            seen += count
            if seen >= wanted:
                return value_of(index)
        return value_of(self.counts[-1][0])

"""fio's latency histogram: 29 groups of 64 buckets, each at most 1/64 of its value wide.

From fio's ``stat.h`` and ``stat.c`` (``plat_val_to_idx``, ``plat_idx_to_val``, ``calc_clat_percentiles``).
The keys of json+ ``bins`` are the middles of the buckets in ns. Histograms of many workers, guests and
runs add up bucket by bucket; percentiles do not, and are never averaged here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from operator import mul

_BITS = 6
BUCKETS_PER_GROUP = 1 << _BITS
BUCKETS = 29 * BUCKETS_PER_GROUP

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
    return min(((shift + 1) << _BITS) + ((value_ns >> shift) & (BUCKETS_PER_GROUP - 1)), TOP)


def value_of(index: int) -> int:
    """The middle of a bucket in ns, within 1/128 of every latency in it."""
    if not 0 <= index < BUCKETS:
        raise ValueError(f"bucket {index} of {BUCKETS}")
    if index < 2 * BUCKETS_PER_GROUP:
        return index
    shift = (index >> _BITS) - 1
    return (1 << (shift + _BITS)) + int((index % BUCKETS_PER_GROUP + 0.5) * (1 << shift))


def lowest_of(index: int) -> int:
    """The least latency of a bucket in ns; of one beyond the last: where that ends."""
    if not 0 <= index <= BUCKETS:
        raise ValueError(f"bucket {index} of {BUCKETS}")
    if index < 2 * BUCKETS_PER_GROUP:
        return index
    shift = (index >> _BITS) - 1
    return (BUCKETS_PER_GROUP + (index & (BUCKETS_PER_GROUP - 1))) << shift


#: The middle of each bucket, and each bucket by it as json+ writes it: a run reads millions of them.
VALUES_NS = tuple(map(value_of, range(BUCKETS)))
_BY_KEY = {str(value_ns): index for index, value_ns in enumerate(VALUES_NS)}


def edges_of(index: int) -> tuple[int, int]:
    """The least and the largest latency in ns that a bucket counts; the top one counts all that is larger."""
    if not 0 <= index < BUCKETS:
        raise ValueError(f"bucket {index} of {BUCKETS}")
    if index < 2 * BUCKETS_PER_GROUP:
        return index, index
    shift = (index >> _BITS) - 1
    low = (BUCKETS_PER_GROUP + index % BUCKETS_PER_GROUP) << shift
    return low, low + (1 << shift) - 1


#: `edges_of` each bucket.
EDGES_NS = tuple(map(edges_of, range(BUCKETS)))


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts by bucket: ascending (bucket, count), no count is 0."""

    counts: tuple[tuple[int, int], ...]
    #: Counts up to each bucket, once somebody asked; of what is as large as this, all is asked many times.
    _done: list[int] = field(default_factory=list, init=False, repr=False, compare=False)
    #: The buckets and their counts apart, and what the I/Os of each took together, likewise.
    _apart: list[tuple[int, ...]] = field(default_factory=list, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, counts: Mapping[int, int]) -> Histogram:
        if counts and not (0 <= min(counts) <= max(counts) < BUCKETS and min(counts.values()) >= 0):
            wrong = next(one for one in counts.items() if not 0 <= one[0] < BUCKETS or one[1] < 0)
            raise ValueError(f"bucket {wrong[0]} with count {wrong[1]}")
        return cls(tuple(sorted(item for item in counts.items() if item[1])))

    @classmethod
    def from_bins(cls, bins: Mapping[str, int]) -> Histogram:
        """From json+ ``bins``. Raises `ValueError` for what fio does not write."""
        # As fio writes them, all is fast.
        indices, ios = tuple(map(_BY_KEY.get, bins)), tuple(bins.values())
        usual = set(map(type, ios)) == {int} and None not in indices and min(ios) > 0
        if usual and list(indices) == sorted(indices):  # type: ignore[type-var]
            made = cls(tuple(zip(indices, ios, strict=True)))  # type: ignore[arg-type]
            made._apart.extend((indices, ios))  # type: ignore[arg-type]
            return made
        counts: dict[int, int] = {}
        for key, count in bins.items():
            index = _BY_KEY.get(key)
            if index is None or type(count) is not int:
                index, count = _unusual(key, count)
            counts[index] = counts.get(index, 0) + count
        return cls.of(counts)

    @classmethod
    def from_values(cls, values_ns: Iterable[int]) -> Histogram:
        return cls.of(Counter(map(index_of, values_ns)))

    @property
    def bins(self) -> dict[str, int]:
        """As json+ writes it."""
        return {str(VALUES_NS[index]): count for index, count in self.counts}

    @property
    def total(self) -> int:
        return self.upto[-1] if self.counts else 0

    @property
    def upto(self) -> Sequence[int]:
        """How many I/Os there are up to each of ``counts``."""
        if not self._done:
            self._done[:] = accumulate(self.ios)
        return self._done

    @property
    def buckets(self) -> tuple[int, ...]:
        return self._columns[0]

    @property
    def ios(self) -> tuple[int, ...]:
        return self._columns[1]

    @property
    def sums_ns(self) -> tuple[int, ...]:
        """What the I/Os of each bucket took together, each as long as its bucket's middle."""
        columns = self._columns
        if len(columns) == 2:
            columns.append(tuple(map(mul, map(VALUES_NS.__getitem__, columns[0]), columns[1])))
        return columns[2]

    @property
    def _columns(self) -> list[tuple[int, ...]]:
        if not self._apart:
            self._apart.extend(zip(*self.counts, strict=True) if self.counts else ((), ()))
        return self._apart

    @property
    def saturated(self) -> bool:
        """Whether a latency fell into the top bucket, where percentiles are lower bounds."""
        return bool(self.counts) and self.counts[-1][0] == TOP

    def merge(self, *others: Histogram) -> Histogram:
        """The histogram of all I/Os of all of them."""
        parts = [part for part in (self, *others) if part.counts]
        if len(parts) < 2:
            return parts[0] if parts else self
        counts = dict(parts[0].counts)
        for part in parts[1:]:
            for index, count in part.counts:
                counts[index] = counts.get(index, 0) + count
        return Histogram(tuple(sorted(counts.items())))

    def percentile_ns(self, percent: float) -> int:
        """Nearest rank, as fio: the first bucket by which ``percent`` of the I/Os are done.

        The rank is exact: with floats, 99.9 % of 1000 I/Os is a little more than 999 of them.
        """
        if not self.counts:
            raise ValueError("a histogram without I/Os has no percentiles")
        if not 0 < percent <= 100:
            raise ValueError(f"percentile {percent}")
        done = self.upto
        return VALUES_NS[self.counts[bisect_left(done, _rank(percent, done[-1]))][0]]

    def percentiles_ns(self, percents: Iterable[float]) -> list[int]:
        """`percentile_ns` of several at once, of a histogram that is not empty."""
        done = self.upto
        ranks = (_rank(percent, done[-1]) for percent in percents)
        return [VALUES_NS[self.counts[bisect_left(done, rank)][0]] for rank in ranks]


def _rank(percent: float, total: int) -> int:
    """The I/O, counted from 1, by which ``percent`` of ``total`` are done."""
    part, whole = _share(percent)
    return -(-part * total // whole)


@lru_cache(256)
def _share(percent: float) -> tuple[int, int]:
    share = Fraction(str(percent)) / 100
    return share.numerator, share.denominator


def _unusual(key: str, count: object) -> tuple[int, int]:
    """The bucket and count of a bin that is not written as most are; `ValueError` if it can not be one."""
    if isinstance(count, bool) or not isinstance(count, int | float) or count != count // 1:
        raise ValueError(f"bin {key!r} has count {count!r}")
    value_ns = int(key)
    index = index_of(value_ns)
    if value_of(index) != value_ns:
        raise ValueError(f"bin {key!r} is not the middle of a bucket")
    return index, int(count)

"""The figures of tests as pictures show them: rounded, with the word of their state; none of invalid ones."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.keys import NATIVE, Key
from pytest_odfperf.matrix.reading.fields import parse_fio_bytes
from pytest_odfperf.matrix.variants import listed_numbers
from pytest_odfperf.measure.aggregate import DirectionMeasurement, LatencyMeasurement
from pytest_odfperf.measure.record import DIRECTIONS
from pytest_odfperf.report.content.result_state import WORDS
from pytest_odfperf.report.content.run_content import RunContent, RunTest
from pytest_odfperf.report.number import MEBI, NS_PER_MS
from pytest_odfperf.report.parts import shown_parts

#: From this block size on a pool is judged by its bandwidth.
BANDWIDTH_FROM_BYTES = 1 << 20

_LARGEST = 1e300

#: VM size, PVC size, number of VMs.
Shape = tuple[str, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One direction of a test, or of a section of it. ``number``: the test's place in the run's tests."""

    number: int
    test: RunTest
    #: ``db-wal write``, ``read``.
    part: str
    measured: LatencyMeasurement

    @property
    def key(self) -> Key:
        return self.test.key

    @property
    def p99_ms(self) -> float | None:
        return ms(self.measured.carried_ns("lat_p99_ns"))

    @property
    def p50_ms(self) -> float | None:
        return ms(self.measured.carried_ns("lat_p50_ns"))

    def rate(self, unit: str) -> float:
        """In ``unit``: IOPS or MiB/s."""
        if unit == "MiB/s" and isinstance(self.measured, DirectionMeasurement):
            return rounded(self.measured.bw_bytes_per_s / MEBI)
        return rounded(self.measured.iops_per_s)


@dataclass(frozen=True)
class Shown:
    """A run's content, and the figures that may be shown: looked for once, for all pictures."""

    content: RunContent

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        """Reads and writes, in the order of the tests."""
        return tuple(_figures(self.content, DIRECTIONS[:2]))

    @cached_property
    def syncs(self) -> tuple[Figure, ...]:
        return tuple(_figures(self.content, DIRECTIONS[2:]))

    @cached_property
    def without(self) -> dict[Key, list[tuple[int, RunTest]]]:
        """By key the tests, with their numbers, that have no figure of a read or a write."""
        measured = {figure.number for figure in self.figures}
        found: dict[Key, list[tuple[int, RunTest]]] = {}
        for number, test in enumerate(self.content.tests):
            if number not in measured:
                found.setdefault(test.key, []).append((number, test))
        return found

    @cached_property
    def profiles(self) -> dict[str, int]:
        """The profiles, by their place in the run."""
        names = dict.fromkeys(test.key.profile for test in self.content.tests)
        return {name: number for number, name in enumerate(names)}

    @cached_property
    def _variants(self) -> dict[str, tuple[str, Mapping[str, int]]]:
        found: dict[str, tuple[str, Mapping[str, int]]] = {}
        for profile in self.content.matrix.profiles:
            if profile.base:
                # A stored matrix may have been edited.
                with contextlib.suppress(InputError):
                    found[profile.name] = profile.base, listed_numbers(profile)
        return found

    def listed(self, profile: str) -> tuple[str, Mapping[str, int]]:
        """The profile that this is a variant of, and its listed numbers, by ``iodepth`` and ``numjobs``."""
        return self._variants.get(profile, (profile, {}))


def _figures(content: RunContent, directions: Sequence[str]) -> Iterator[Figure]:
    for number, test in enumerate(content.tests):
        for part in shown_parts(test.record) if test.record is not None else ():
            for direction in directions:
                measured: LatencyMeasurement | None = getattr(part, direction)
                if measured is not None and measured.iops_per_s > 0:
                    name = f"{part.name} {direction}" if part.name else direction
                    yield Figure(number=number, test=test, part=name, measured=measured)


def rounded(value: float) -> float:
    """Four significant digits; whole numbers without a point, as they are shorter.

    What was made of absurd figures is cut at what JSON has numbers for.
    """
    found = float(f"{max(-_LARGEST, min(_LARGEST, value)):.4g}")
    return int(found) if found.is_integer() else found


def ms(value_ns: float | None) -> float | None:
    """ns in ms."""
    return None if value_ns is None else rounded(value_ns / NS_PER_MS)


def word(test: RunTest) -> str:
    """What people call the test's state."""
    return WORDS[test.state]


def shape_of(key: Key) -> Shape:
    return key.size, key.pvc, key.concurrency


def shape_text(shape: Shape) -> str:
    """``small, 150Gi, 4 VMs``."""
    size, pvc, vms = shape
    return f"{size}, {pvc}, {'1 VM' if vms == 1 else f'{vms} VMs'}"


def unit_of(key: Key) -> str:
    """What rates of this block size are told in."""
    return "MiB/s" if block_bytes(key) >= BANDWIDTH_FROM_BYTES else "IOPS"


def block_bytes(key: Key) -> int:
    """0 where the profile fixes its block sizes."""
    return (parse_fio_bytes(key.block_size) or 0) if key.block_size != NATIVE else 0


def place_of(key: Key, part: str) -> str:
    """``4k read``; only the direction where the profile fixes its block sizes."""
    return part if key.block_size == NATIVE else f"{key.block_size} {part}"

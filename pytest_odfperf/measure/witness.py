"""What a guest saw of its own disks and memory while fio ran: the text of its script, as figures.

The kernel's words: ``/sys/class/block/*/stat`` (Documentation/block/stat.rst: sectors of 512 bytes whatever
the disk's are), ``/proc/vmstat``, ``/proc/stat``, ``/proc/self/mountinfo``. A guest may say anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SECTOR_BYTES = 512
_LONGEST = 256 << 10
#: No disk does so many sectors, and no guest swaps so many pages: what is above is no count.
_MOST = 2**50
_NUMBER = re.compile(r"[0-9]{1,20}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._!:+-]{0,62}", re.ASCII)
_BLOCK = re.compile(r"/sys/class/block/([^/]+)/(stat|partition):(.*)", re.ASCII)
_COUNTS = re.compile(r"/proc/(?:stat|vmstat):([a-z]+) +(.*)", re.ASCII)
_IDENTITY = re.compile(r"disk (\S+) (\S+) (\S+) ?(.*)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskWork:
    """What a disk did between two looks at its counters."""

    name: str
    read_bytes: int
    written_bytes: int
    discarded_bytes: int = 0
    flushes: int = 0
    #: Requests, as the kernel merged and split them; 0: not told.
    reads: int = 0
    writes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskIdentity:
    """Which disk it is: the kernel's ``major:minor``, its size and its serial; ``-`` if it is not there."""

    number: str
    sectors: str
    serial: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """One guest, from before fio to after it."""

    #: The disk under test, such as ``vdb``.
    disk: str
    #: Right beside fio; None: it has no counters, or they began anew.
    work: DiskWork | None
    #: What other whole disks did, if anything.
    others: tuple[DiskWork, ...] = ()
    before: DiskIdentity
    after: DiskIdentity
    #: What is mounted where the test files are, without what may change; ``none``: nothing.
    mount_before: str
    mount_after: str
    #: Pages swapped in and out; None: not told.
    swapped_pages: int | None = None
    #: Shares of the CPUs' time: what the guest used, and what the host did not give it; None: not told.
    busy_part: float | None = None
    steal_part: float | None = None


def read_witness(text: bytes) -> Witness:
    """What the guest's script wrote. Raises `ValueError` that names what is missing or wrong."""
    if len(text) > _LONGEST:
        raise ValueError(f"{len(text)} bytes; at most {_LONGEST} are read")
    before, start, end, after = _parts(text.decode("utf-8", "replace").splitlines())
    name, first = _identity(before)
    again, last = _identity(after)
    if name != again:
        raise ValueError(f"it tells of {name!r:.60} before, and of {again!r:.60} after")
    looks = [_blocks(before), _blocks(after)]
    cpu = [_counts(part, "cpu") for part in (before, after)]
    busy, steal = _cpu_parts(cpu[0], cpu[1])
    swaps = [[_counts(part, word) for word in ("pswpin", "pswpout")] for part in (before, after)]
    found = [sum(count[0] for count in look if count) for look in swaps]
    swapped = found[1] - found[0] if all(all(look) for look in swaps) else -1
    others = [
        _work(disk, looks[0][disk], looks[1].get(disk, [])) for disk in sorted(looks[0]) if disk != name
    ]
    return Witness(
        disk=name,
        work=_work(name, _numbers(start), _numbers(end)),
        others=tuple(work for work in others if work and work.read_bytes + work.written_bytes > 0),
        before=first,
        after=last,
        mount_before=_mount(before),
        mount_after=_mount(after),
        swapped_pages=swapped if 0 <= swapped < _MOST else None,
        busy_part=busy,
        steal_part=steal,
    )


def _parts(lines: list[str]) -> tuple[list[str], str, str, list[str]]:
    starts = [number for number, line in enumerate(lines) if line.startswith("start ")]
    if not lines or lines[0] != "before" or len(starts) != 1:
        raise ValueError("it does not tell what was before fio, and what after it")
    at = starts[0]
    if len(lines) < at + 3 or not lines[at + 1].startswith("end ") or lines[at + 2] != "after":
        raise ValueError("it does not tell what was after fio")
    return lines[1:at], lines[at][6:], lines[at + 1][4:], lines[at + 3 :]


def _identity(lines: list[str]) -> tuple[str, DiskIdentity]:
    for line in lines:
        if match := _IDENTITY.fullmatch(line):
            if not _NAME.fullmatch(match[1]):
                break
            number, sectors, serial = (word[:80] for word in match.groups()[1:])
            return match[1], DiskIdentity(number=number, sectors=sectors, serial=serial.strip())
    raise ValueError("it does not name the disk under test")


def _mount(lines: list[str]) -> str:
    """``major:minor``, file system and source: of mountinfo, what no remount changes (proc(5))."""
    for line in lines:
        if line.startswith("mount "):
            number, _, rest = line[6:].partition(" ")
            _, _, kind = rest.partition(" - ")
            return " ".join([number, *kind.split(" ")[:2]])[:200].strip()
    raise ValueError("it does not tell what is mounted")


def _blocks(lines: list[str]) -> dict[str, list[int]]:
    """The counters of whole disks by name."""
    found: dict[str, list[int]] = {}
    parts = set()
    for line in lines:
        if match := _BLOCK.fullmatch(line):
            if match[2] == "partition":
                parts.add(match[1])
            elif _NAME.fullmatch(match[1]):
                found[match[1]] = _numbers(match[3])
    return {name: counters for name, counters in found.items() if name not in parts}


def _counts(lines: list[str], word: str) -> list[int]:
    for line in lines:
        if (match := _COUNTS.fullmatch(line)) and match[1] == word:
            return _numbers(match[2])
    return []


def _numbers(text: str) -> list[int]:
    words = text.split()
    return [int(word) for word in words] if all(_NUMBER.fullmatch(word) for word in words) else []


def _work(name: str, before: list[int], after: list[int]) -> DiskWork | None:
    """None if there are not both, or the counters began anew: another disk has its name."""
    fewest = min(len(before), len(after))
    steps = [b - a for a, b in zip(before, after, strict=False)]
    # Those that count; what is in flight goes up and down.
    if fewest < 8 or not all(0 <= steps[at] < _MOST for at in (0, 2, 4, 6)):
        return None
    return DiskWork(
        name=name,
        read_bytes=steps[2] * _SECTOR_BYTES,
        written_bytes=steps[6] * _SECTOR_BYTES,
        reads=steps[0],
        writes=steps[4],
        # Kernels before 4.18 count no discards, those before 5.5 no flushes.
        discarded_bytes=min(_MOST, max(0, steps[13])) * _SECTOR_BYTES if fewest > 13 else 0,
        flushes=min(_MOST, max(0, steps[15])) if fewest > 15 else 0,
    )


def _cpu_parts(before: list[int], after: list[int]) -> tuple[float | None, float | None]:
    """Of ``cpu  user nice system idle iowait irq softirq steal ...`` (proc(5)): guest times are in user."""
    steps = [b - a for a, b in zip(before[:8], after[:8], strict=False)]
    if len(steps) < 8 or min(steps) < 0 or (total := sum(steps)) == 0:
        return None, None
    return (total - steps[3] - steps[4] - steps[7]) / total, steps[7] / total

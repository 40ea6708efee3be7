"""Lies of guests: where their bytes went, when they ran, how steadily, and faster than can be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lies.lie import Lie, faulty


def _disk(name: str, says: str, right: str, faults: Mapping[str, Any], **more: Any) -> Lie:
    return faulty(name, says, "not on the disk under test", right, faults, **more)


DISK: tuple[Lie, ...] = (
    _disk("ram", "memory answered: the data disk did no I/O", "bytes_missing", {"unseen_part": 1.0}),
    _disk("cache", "a cache answered 30 % of the reads", "bytes_missing", {"unseen_part": 0.3}),
    _disk(
        "unwritten",
        "reads of unwritten extents: 90 % never reached the disk",
        "bytes_missing",
        {"unseen_part": 0.9},
        profile="mix",
    ),
    _disk("other-disk", "another disk did the work", "other_disk_worked", {"wrong_disk": True}),
    _disk(
        "other-disk-by-fio",
        "fio itself tells of another disk",
        "wrong_disk wrong_device",
        {"answer": {"disk_util": [{"name": "vdz", "read_ios": 90000, "write_ios": 0}]}},
    ),
    _disk(
        "foreign-writer",
        "somebody else writes a third of fio's bytes to the disk",
        "foreign_io",
        {"foreign_part": 0.33},
    ),
    _disk("disk-changed", "the disk was replaced while fio ran", "disk_changed", {"disk_changes": True}),
    _disk("mount-changed", "another disk is mounted at the end", "disk_changed", {"mount_changes": True}),
    _disk("swap", "the guest swapped while fio ran", "swapped", {"swap_pages": 50_000}),
    _disk("steal", "the host did not give the guest 40 % of its CPU", "cpu_stolen", {"steal_part": 0.4}),
)


def _over_time(name: str, says: str, right: str, pace: Sequence[tuple[float, float]], **more: Any) -> Lie:
    """Of 60 s: from a second on, how fast."""
    return faulty(name, says, "not held", right, {"pace": [list(step) for step in pace]}, **more)


SERIES: tuple[Lie, ...] = (
    _over_time("stall", "6 s of 60 without any I/O", "stall", [(20, 0), (26, 1)]),
    _over_time("short-stall", "2 s of 60 without any I/O", "stall", [(30, 0), (32, 1)]),
    _over_time("stall-at-the-end", "nothing in the last 5 s", "stall", [(55, 0)]),
    _over_time(
        "stall-caught-up",
        "32 s of 60 without any I/O, which rate_iops makes up for afterwards",
        "stall",
        [(10, 0), (42, 2.77)],
        profile="rated",
    ),
    _over_time(
        "burst", "1.6 times its lasting rate for 15 s: a burst credit", "burst_then_cap", [(0, 1.6), (15, 1)]
    ),
    _over_time("great-burst", "five times its lasting rate for 8 s", "burst_then_cap", [(0, 5), (8, 1)]),
    _over_time(
        "warm-up",
        "warming up in the window, with a time constant of 8 s",
        "warm_up",
        [(second, 1 - math.exp(-(second + 0.5) / 8)) for second in range(60)],
    ),
    _over_time("cold-start", "half of its rate in the first 12 s", "warm_up", [(0, 0.5), (12, 1)]),
    _over_time(
        "drift-down",
        "30 % slower at the end, in a straight line",
        "drift",
        [(second, 1 - 0.3 * second / 60) for second in range(60)],
    ),
    _over_time(
        "drift-up",
        "40 % faster at the end, in a straight line",
        "drift warm_up",
        [(second, 1 + 0.4 * second / 60) for second in range(60)],
    ),
    _over_time("event", "30 % less from second 40 on", "outside_event", [(40, 0.7)]),
    _over_time("passing-event", "half as fast from second 25 to 40", "outside_event", [(25, 0.5), (40, 1)]),
    Lie(
        name="noisy",
        says="its rate varies by 40 % from second to second",
        family="not held",
        right=frozenset({"noisy"}),
        storage_class={"model": {"jitter": 0.4}},
    ),
    faulty(
        "rate-not-held",
        "100 IOPS were asked for, and 40 % of them done",
        "not held",
        "saturated",
        {},
        profile="rated",
        storage_class={"backend": {"iops": 80}},
    ),
)


def _group(name: str, says: str, right: str, faults: Mapping[str, Any], **more: Any) -> Lie:
    return faulty(name, says, "guests apart", right, faults, vms=3, **more)


GROUP: tuple[Lie, ...] = (
    _group(
        "two-late-guests",
        "two of three guests began 20 s late",
        "starts_apart",
        {"late_s": 20, "guests": [2, 3]},
    ),
    _group(
        "clock-off",
        "a guest's clock is ten minutes off, so that its own logs lie of when",
        "clock_off",
        {"clock_off_s": 600, "guests": [3]},
    ),
    _group(
        "guest-at-a-third",
        "one of three guests at a third of the others' speed",
        "uneven_guests",
        {"speed_part": 0.33, "guests": [2]},
    ),
    _group(
        "late-guest", "one of three guests began 30 s late", "starts_apart", {"late_s": 30, "guests": [1]}
    ),
    _group("later-guest", "one of three guests began 5 s late", "starts_apart", {"late_s": 5, "guests": [2]}),
    _group(
        "clock-set",
        "a guest's clock was set while fio ran",
        "clock_set",
        {"clock_jump_s": -3600, "guests": [1]},
    ),
    _group(
        "slow-guest",
        "one of three guests at a fiftieth of the others' speed",
        "uneven_guests",
        {"speed_part": 0.02, "guests": [1]},
    ),
)

DEVICE: tuple[Lie, ...] = (
    faulty(
        "above-cap",
        "five times the IOPS that the StorageClass allows",
        "more than the device can",
        "above_cap",
        {"above_cap": 5},
        storage_class={"backend": {"iops": 2000}},
    ),
    faulty(
        "above-bandwidth",
        "three times the bandwidth that the StorageClass allows",
        "more than the device can",
        "above_cap",
        {"above_cap": 3},
        storage_class={"backend": {"bandwidth": "20Mi"}},
    ),
    *(
        faulty(name, says, "more than the device can", "data_shrinks", {}, profile=name)
        for name, says in (
            ("zeros", "writes of zeros, which a pool need not store"),
            ("pattern", "writes of one pattern"),
            ("compressed", "writes that compress to a tenth"),
            ("dedupe", "writes of which 80 % are there already"),
        )
    ),
)

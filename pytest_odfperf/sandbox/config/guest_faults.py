"""What goes wrong in the guests of a StorageClass, and the lies that they tell: ``faults:``, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pytest_odfperf.errors import InputError
from pytest_odfperf.sandbox.altered_answer import check_changes
from pytest_odfperf.sandbox.config.mapping_reader import Reader
from pytest_odfperf.sandbox.fio_failures import failure_names


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong in the guests of a StorageClass. Simulated machines only."""

    #: sshd never answers.
    no_ssh: bool = False
    #: The guest script is not there.
    no_guest: bool = False
    #: The data disk does not appear in the guest.
    no_disk: bool = False
    #: fio ends with this exit code and reports an I/O error.
    fio_exit: int = 0
    #: fio is not installed.
    no_fio: bool = False
    #: What becomes of fio's answer.
    output: Literal["whole", "truncated", "empty"] = "whole"
    #: The job takes this many times as long.
    slow: float = 1.0
    #: The guest cuts the connection once, while fio runs.
    cut: bool = False
    #: The machine dies while fio runs.
    crash: bool = False
    #: SSH is refused this long after the boot, in seconds.
    ssh_refused_s: float = 0.0
    #: Connections are accepted, and get no banner for this long, in seconds.
    ssh_silent_s: float = 0.0
    #: The guest reboots once while fio runs, and is away this long, in seconds; None: it does not.
    reboot_s: float | None = None
    #: The instance is shown on another node once, as after a live migration, while fio runs.
    migrate: bool = False
    #: The guest's clock is set by this while fio runs, in seconds, backwards if below zero.
    clock_jump_s: float = 0.0
    #: Changes to fio's answer, see `altered_answer`, and what it says on stderr.
    answer: Mapping[str, Any] = field(default_factory=dict)
    says: str | None = None
    #: The volume answers so many times faster than its StorageClass allows.
    above_cap: float = 1.0
    #: The volume has this part of its usual speed.
    speed_part: float = 1.0
    #: How fast it goes over the run, as (from second, how fast); see the simulation's `Pace`.
    pace: tuple[tuple[float, float], ...] = ()
    drift: float = 0.0
    warm_up_s: float = 0.0
    #: What the guest says of itself otherwise.
    facts: Mapping[str, Any] = field(default_factory=dict)
    #: The guest's clock shows so many seconds more than this machine's.
    clock_off_s: float = 0.0
    #: fio begins so many seconds after it was told to.
    late_s: float = 0.0
    #: The part of fio's bytes that does not reach the data disk: a cache, RAM or unwritten extents answer.
    unseen_part: float = 0.0
    #: The part of the data disk's I/O that the storage never sees: a cache of the host answers.
    unstored_part: float = 0.0
    #: What somebody else writes to the data disk meanwhile, as a part of fio's bytes.
    foreign_part: float = 0.0
    #: Another disk of the guest does the work of the data disk.
    wrong_disk: bool = False
    #: At the end another disk has the data disk's name; another one is mounted in its place.
    disk_changes: bool = False
    mount_changes: bool = False
    #: Pages that the guest swaps meanwhile.
    swap_pages: int = 0
    #: The part of the CPUs' time that the host does not give the guest.
    steal_part: float = 0.0
    #: What real fio left in this case of ``fio_failures.json``.
    fio_failure: str | None = None
    #: What the guest script says in place of a result.
    garbage: Literal["none", "text", "line", "endless", "token", "size"] = "none"
    #: sshd shows another host key than the one that cloud-init brought.
    other_host_key: bool = False
    #: Only jobs with one of these block sizes; empty: all.
    block_sizes: tuple[str, ...] = ()
    #: Only guests whose name ends in one of these numbers; empty: all.
    guests: tuple[int, ...] = ()


def read_guest_faults(raw: Mapping[str, Any], place: str) -> Faults:
    """Check a ``faults:`` mapping. Raises `InputError`."""
    read = Reader(raw, place)
    faults = Faults(
        no_ssh=read.flag("no_ssh", False),
        no_guest=read.flag("no_guest", False),
        no_disk=read.flag("no_disk", False),
        fio_exit=read.integer("fio_exit", 0, at_least=0),
        no_fio=read.flag("no_fio", False),
        output=read.choice("output", "whole", ("whole", "truncated", "empty")),
        slow=read.number("slow", 1.0, above=0.0),
        cut=read.flag("cut", False),
        crash=read.flag("crash", False),
        ssh_refused_s=read.number("ssh_refused_s", 0.0),
        ssh_silent_s=read.number("ssh_silent_s", 0.0),
        reboot_s=read.number("reboot_s", 0.0)
        if raw.get("reboot_s") is not None
        else read.value("reboot_s", None),
        migrate=read.flag("migrate", False),
        clock_jump_s=read.number("clock_jump_s", 0.0, negative=True),
        answer=read.mapping("answer"),
        says=read.optional_text("says"),
        above_cap=read.number("above_cap", 1.0, above=0.0),
        speed_part=read.number("speed_part", 1.0, above=0.0),
        pace=_pace(read.value("pace", []), f"{place}.pace"),
        drift=_drift(read, place),
        warm_up_s=read.number("warm_up_s", 0.0),
        facts=read.mapping("facts"),
        clock_off_s=read.number("clock_off_s", 0.0, negative=True),
        late_s=read.number("late_s", 0.0),
        unseen_part=_part(read, "unseen_part", place),
        unstored_part=_part(read, "unstored_part", place),
        foreign_part=read.number("foreign_part", 0.0),
        wrong_disk=read.flag("wrong_disk", False),
        disk_changes=read.flag("disk_changes", False),
        mount_changes=read.flag("mount_changes", False),
        swap_pages=read.integer("swap_pages", 0, at_least=0),
        steal_part=_part(read, "steal_part", place),
        fio_failure=read.choice("fio_failure", None, (*failure_names(), None)),
        garbage=read.choice("garbage", "none", ("none", "text", "line", "endless", "token", "size")),
        other_host_key=read.flag("other_host_key", False),
        block_sizes=read.texts("block_sizes"),
        guests=read.integers("guests"),
    )
    read.end()
    check_changes(faults.answer, f"{place}.answer")
    return faults


def _pace(raw: Any, place: str) -> tuple[tuple[float, float], ...]:
    steps = raw if isinstance(raw, list) else [raw]
    for step in steps:
        pair = step if isinstance(step, list) else []
        if len(pair) != 2 or not all(type(number) in (int, float) and 0 <= number < 1e9 for number in pair):
            raise InputError(f"{step!r:.60} is not [second, how fast]", place=place)
    if steps != sorted(steps, key=lambda step: step[0]):
        raise InputError("the seconds do not ascend", place=place)
    return tuple((float(second), float(rate)) for second, rate in steps)


def _drift(read: Reader, place: str) -> float:
    drift = read.number("drift", 0.0, negative=True)
    if drift <= -1:
        raise InputError(f"{drift} leaves no speed at the end; above -1 is allowed", place=f"{place}.drift")
    return drift


def _part(read: Reader, name: str, place: str) -> float:
    part = read.number(name, 0.0)
    if part > 1:
        raise InputError(f"{part} is more than 1", place=f"{place}.{name}")
    return part

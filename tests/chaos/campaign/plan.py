"""What happens in a round: drawn from the seed and the round's number alone."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from random import Random
from typing import Any

#: Pools without a fault of their own, with one that a key survives, and with one that none does.
SOUND = ("fast", "slow", "third")
SURVIVED = ("cutting", "silent", "migrating", "jumping")
#: Whether it is fatal may depend on the machine: pods do not boot, nothing evicts a VM in these pools.
FATAL: Mapping[str, tuple[str, ...]] = {"crashing": ("vm", "pod"), "rebooting": ("vm",), "evicting": ("pod",)}
#: The VM size of each kind of machine.
SIZES: Mapping[str, str] = {"vm": "tiny", "pod": "pod"}
#: In VMs, in pods, or in both.
MACHINES: Mapping[tuple[str, ...], int] = {("vm",): 5, ("pod",): 3, ("vm", "pod"): 2}
#: More would take too long for a round.
_MOST_OF_BOTH = 4
BLOCK_SIZES = ("4k", "64k", "1M")

SOFT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

#: Kind of disturbance and how often it is drawn.
KINDS: Mapping[str, int] = {
    "signal": 10,
    "signal twice": 4,
    "signal then kill": 3,
    "kill": 12,
    "pause": 3,
    "disk full": 4,
    "read-only": 2,
    "folder gone": 2,
    "api": 12,
    "api frozen": 3,
    "api restart": 3,
    "token": 3,
    "tunnel cut": 4,
    "machine deleted": 4,
    "cleanup beside": 4,
    "resume beside": 3,
}
#: Another pytest process, which must leave a run alone that is alive.
BESIDE = frozenset({"cleanup beside", "resume beside"})
#: Faults of the API server. Each is over within seconds: a run must outlast it.
_RULES: tuple[Mapping[str, Any], ...] = (
    {"probability": 0.4, "status": 429, "retry_after_s": 1},
    {"probability": 0.4, "status": 503},
    {"verbs": ["get", "list"], "probability": 0.6, "status": 500},
    {"probability": 0.4, "reset": True},
    {"verbs": ["create"], "times": 2, "lost": True},
    {"verbs": ["create"], "times": 2, "status": 500},
    {"verbs": ["create"], "times": 1, "hang": True},
    {"verbs": ["delete", "deletecollection"], "times": 2, "lost": True},
    {"verbs": ["delete", "deletecollection"], "times": 2, "status": 429, "retry_after_s": 1},
    {"verbs": ["watch"], "times": 3, "cut": True},
    {"verbs": ["watch"], "times": 3, "expire": True},
    {"verbs": ["update"], "resources": ["leases"], "times": 3, "status": 500},
    {"probability": 0.5, "delay_s": 1.0},
)
_KILLED = ("controller", "worker", "workers", "all")
_SIGNALLED = ("controller", "controller", "worker", "all")


@dataclass(frozen=True, slots=True)
class Moment:
    """When a disturbance begins: ``after_s`` after the start, or after so many records, or VMs and pods."""

    after_s: float = 0.0
    records: int = 0
    vms: int = 0


@dataclass(frozen=True, slots=True)
class Disturbance:
    kind: str
    when: Moment
    #: Of signals: controller, worker, workers or all (the process group). Of a cleanup: what it removes.
    target: str = ""
    signum: int = 0
    #: Between the two halves of the kinds that have two.
    for_s: float = 0.0
    #: Which of the workers, or of the VMs and pods.
    index: int = 0
    #: A rule of the sandbox's ``api_faults``.
    rule: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AttemptPlan:
    """A start or a resume, and what disturbs it. ``pause_s``: before it; None: until no process lives."""

    disturbances: tuple[Disturbance, ...]
    pause_s: float | None = None


@dataclass(frozen=True, slots=True)
class RunPlan:
    pools: tuple[str, ...]
    concurrency: tuple[int, ...]
    block_sizes: tuple[str, ...]
    options: tuple[str, ...]
    #: Where its token comes from: file or plugin.
    login: str
    attempts: tuple[AttemptPlan, ...]
    #: Resume it once more when it is complete.
    once_more: bool
    machines: tuple[str, ...] = ("vm",)

    @property
    def keys(self) -> list[str]:
        return [
            f"{pool}:{SIZES[machine]}:10Gi:{number}:one:{size}"
            for pool in self.pools
            for machine in self.machines
            for number in self.concurrency
            for size in self.block_sizes
        ]

    @property
    def never_pass(self) -> set[str]:
        """The keys whose machine is lost each time."""
        lost = {f"{pool}:{SIZES[machine]}" for pool, machines in FATAL.items() for machine in machines}
        return {key for key in self.keys if ":".join(key.split(":")[:2]) in lost}

    @property
    def kinds(self) -> set[str]:
        return {one.kind for attempt in self.attempts for one in attempt.disturbances}


@dataclass(frozen=True, slots=True)
class Round:
    seed: int
    number: int
    #: One run, or two at once.
    runs: tuple[RunPlan, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def draw_round(seed: int, number: int, kinds: Mapping[str, int] = KINDS) -> Round:
    """The plan of round ``number``; the same for the same arguments."""
    random = Random(f"{seed}-{number}")
    runs = [_run(random, kinds)]
    if random.random() < 0.15:
        runs.append(_run(random, kinds))
    # Of its own, so that all else of a round is as it was when there were VMs only.
    machines = Random(f"{seed}-{number}-machines")
    return Round(seed, number, tuple(_on_machines(run, machines) for run in runs))


def _on_machines(run: RunPlan, random: Random) -> RunPlan:
    drawn = random.choices(list(MACHINES), list(MACHINES.values()))[0]
    if len(drawn) > 1 and len(run.keys) > _MOST_OF_BOTH:
        drawn = drawn[-1:]
    if drawn == ("pod",) and random.random() < 0.15:
        return replace(run, machines=drawn, pools=(*run.pools[:2], "evicting"))
    return replace(run, machines=drawn)


def _run(random: Random, kinds: Mapping[str, int]) -> RunPlan:
    pools = random.sample(SOUND, random.choices((1, 2, 3), (25, 55, 20))[0])
    if random.random() < 0.35:
        pools[-1] = random.choice(SURVIVED)
    elif random.random() < 0.2:
        pools.append(random.choice(("crashing", "rebooting")))
    options = [random.choice(("--odf", "--odf-parallel=2", "--odf-parallel=2", "--odf-parallel=3"))]
    if random.random() < 0.15:
        options.append(random.choice(("-x", "--maxfail=2", "-q", "-v")))
    if random.random() < 0.1:
        options.append("-pno:cacheprovider")
    number = random.choices((1, 2, 3), (70, 22, 8))[0]
    return RunPlan(
        pools=tuple(pools),
        concurrency=random.choice(((1,), (1,), (1,), (2,), (1, 2))),
        block_sizes=tuple(sorted(random.sample(BLOCK_SIZES, random.choices((1, 2, 3), (25, 60, 15))[0]))),
        options=tuple(options),
        login=random.choice(("file", "plugin")),
        attempts=tuple(_attempt(random, kinds, first=index == 0) for index in range(number)),
        once_more=random.random() < 0.15,
    )


def _attempt(random: Random, kinds: Mapping[str, int], *, first: bool) -> AttemptPlan:
    number = random.choices((1, 2), (75, 25))[0]
    names = random.choices(list(kinds), list(kinds.values()), k=number)
    pause_s = None if first or random.random() < 0.5 else round(random.uniform(0.0, 4.0), 1)
    return AttemptPlan(tuple(_disturbance(random, name) for name in names), pause_s)


def _moment(random: Random) -> Moment:
    how = random.random()
    after_s = round(random.uniform(0.0, 0.8), 2)
    if how < 0.45:
        return Moment(after_s=after_s, records=random.choice((1, 1, 2, 3)))
    if how < 0.75:
        return Moment(after_s=after_s, vms=random.choice((1, 1, 2)))
    return Moment(after_s=round(random.uniform(0.1, 9.0), 1))


def _disturbance(random: Random, kind: str) -> Disturbance:
    when = _moment(random)
    index = random.randint(0, 2)
    if kind.startswith("signal"):
        return Disturbance(
            kind, when, random.choice(_SIGNALLED), random.choice(SOFT), _gap(random, kind), index
        )
    if kind == "kill":
        return Disturbance(kind, when, random.choice(_KILLED), signal.SIGKILL, 0.0, index)
    if kind == "pause":
        return Disturbance(
            kind, when, random.choice(_KILLED), signal.SIGSTOP, round(random.uniform(0.5, 6), 1), index
        )
    if kind in BESIDE:
        # While the run is at work: before and after it there is nothing to touch.
        when = Moment(after_s=when.after_s if when.vms or when.records else 0.5, vms=1)
        return Disturbance(kind, when, random.choice(("orphans", "all", "this run")))
    if kind == "machine deleted":
        # In the middle of its boot, of a question to its fio, of a key.
        return Disturbance(kind, Moment(round(random.uniform(0.0, 4.0), 2), vms=1), index=index)
    for_s = round(random.uniform(0.5, 8.0), 1)
    if kind == "api":
        rule = random.choice(_RULES)
        # A rule without a number of times ends by time.
        rule = {**rule, "seed": random.randint(1, 999)} | ({} if "times" in rule else {"for_s": for_s})
        return Disturbance(kind, when, for_s=for_s, rule=rule)
    if kind == "tunnel cut":
        rule = {
            "resources": ["virtualmachineinstances/portforward", "pods/exec"],
            "times": random.randint(1, 3),
            "cut": True,
        }
        return Disturbance(kind, when, for_s=for_s, rule=rule)
    return Disturbance(kind, when, for_s=for_s)


def _gap(random: Random, kind: str) -> float:
    """A second signal within a quarter of a second can be the first one's echo, which is no matter here."""
    if kind == "signal twice":
        return round(random.choice((0.3, random.uniform(0.3, 3.0))), 2)
    return round(random.uniform(0.2, 10.0), 1) if kind == "signal then kill" else 0.0

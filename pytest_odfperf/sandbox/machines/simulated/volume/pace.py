"""How fast a simulated volume goes while fio measures: evenly, with jitter, or as a fault has it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

#: A step of the speeds: short against all that fio logs.
STEP_MS = 20
#: How much of a deviation is left a second later: storage is not new each second.
_KEPT_PER_S = 0.5
_JITTER_STEP_S = 0.2
_LEAST_RATE = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Even, by default. Times are of the measured time of each section, in seconds after its ramp."""

    #: (from second, how fast): holds until the next one; before the first it is 1. 0 is a stall.
    steps: tuple[tuple[float, float], ...] = ()
    #: By the end the speed has changed by this share, evenly.
    drift: float = 0.0
    #: It begins at nothing, and in each time of so many seconds 63 % of what is missing comes.
    warm_up_s: float = 0.0
    #: Relative standard deviation from moment to moment.
    jitter: float = 0.0

    @property
    def even(self) -> bool:
        return self == Pace()


def speeds(pace: Pace, runtime_s: float, random: Random) -> list[float]:
    """The speed in each step of the measured time; 1 is the usual one."""
    count = max(1, round(1000 * runtime_s / STEP_MS))
    jitter = _jitter(pace.jitter, runtime_s, random)
    found = []
    for number in range(count):
        at_s = (number + 0.5) * STEP_MS / 1000
        speed = 1 + pace.drift * at_s / runtime_s
        if pace.warm_up_s:
            speed *= 1 - math.exp(-at_s / pace.warm_up_s)
        speed *= next((rate for from_s, rate in reversed(pace.steps) if from_s <= at_s), 1.0)
        found.append(speed * jitter[min(int(at_s / _JITTER_STEP_S), len(jitter) - 1)])
    return found


def _jitter(relative: float, runtime_s: float, random: Random) -> list[float]:
    if not relative:
        return [1.0]
    kept = _KEPT_PER_S**_JITTER_STEP_S
    value = random.gauss(0, 1)
    found = []
    for _ in range(max(1, math.ceil(runtime_s / _JITTER_STEP_S))):
        found.append(max(_LEAST_RATE, 1 + relative * value))
        value = kept * value + math.sqrt(1 - kept * kept) * random.gauss(0, 1)
    return found

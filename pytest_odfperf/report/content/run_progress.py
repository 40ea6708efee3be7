"""How far a run is that has not come to its end, as the page and the tables say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningKey:
    """What is measured at this moment: ``key`` with its repeat, as text, and for how long."""

    key: str
    for_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress:
    """Of the moment ``read_at``. What is made of it is true of that moment alone, and says so."""

    read_at: datetime
    #: Whether somebody measured then; False: the run was killed. A run on another machine is not seen.
    alive: bool
    #: Estimated seconds to the run's end; None: not known.
    left_s: float | None = None
    running: tuple[RunningKey, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "left_s": self.left_s,
            "running": [{"key": one.key, "for_s": one.for_s} for one in self.running],
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any], read_at: datetime) -> RunProgress:
        """What `to_json` made in the process that measures. Raises `ValueError`, `KeyError`, `TypeError`."""
        left_s = plain["left_s"]
        running = (RunningKey(key=str(one["key"]), for_s=float(one["for_s"])) for one in plain["running"])
        return cls(
            read_at=read_at,
            alive=True,
            left_s=None if left_s is None else float(left_s),
            running=tuple(running),
        )

    @property
    def text(self) -> str:
        """One sentence: whether the run goes on, what it measures, when it will have ended."""
        at = f"{self.read_at:%Y-%m-%d %H:%M:%S} UTC"
        if not self.alive:
            return (
                f"This run has not come to its end, and nothing on this machine was measuring it at {at}: it "
                "was killed, or is measured elsewhere."
            )
        said = f"As of {at} the run goes on"
        if self.running:
            shown = ", ".join(f"{one.key} ({one.for_s:.0f} s)" for one in self.running[:8])
            more = len(self.running) - 8
            said += f", measuring {shown}{f' and {more} more' if more > 0 else ''}"
        if self.left_s is not None:
            said += f"; {_left_text(self.left_s)} left by estimate"
        return f"{said}. Later than ten minutes after that it may have been killed."


def _left_text(left_s: float) -> str:
    minutes = round(left_s / 60)
    return (
        "less than a minute is"
        if minutes < 1
        else "1 minute is"
        if minutes == 1
        else f"{minutes} minutes are"
    )

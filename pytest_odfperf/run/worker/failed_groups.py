"""Which VM groups are given up in this process, and why: those that could not be made, or are lost again."""

from __future__ import annotations

from collections import Counter

from pytest_odfperf.matrix.keys import GroupKey
from pytest_odfperf.run.pool_log import LOGGER

#: A group that is lost in mid-run is made again, but not for ever: so often in a row.
_LOSSES = 2
#: One that could not be made is tried again in the next round, but not in all: so many in a row.
_ROUNDS = 2


class FailedGroups:
    """Of one process; a group is a matter of one round unless it fails in the next one too."""

    def __init__(self) -> None:
        self._why: dict[GroupKey, str] = {}
        self._losses: Counter[GroupKey] = Counter()
        self._rounds: Counter[GroupKey] = Counter()

    def why(self, group: GroupKey) -> str | None:
        """Why ``group`` is given up; None: it is not."""
        return self._why.get(group)

    def failed(self, group: GroupKey, why: str) -> None:
        """``group`` could not be made."""
        self._why[group] = why
        self._rounds[group] += 1

    def lost(self, group: GroupKey, why: str) -> None:
        """``group`` lost a guest: the next key gets it made anew, unless that happens too often."""
        self._losses[group] += 1
        if self._losses[group] >= _LOSSES:
            self.failed(group, f"it was lost {self._losses[group]} times in a row: {why}")
            LOGGER.error("VM group %s is given up: %s", group, self._why[group])
        else:
            LOGGER.warning("VM group %s is made anew for its next key: %s", group, why)

    def measured(self, group: GroupKey) -> None:
        """``group`` is of use: what was lost before counts no more."""
        self._losses.pop(group, None)
        self._rounds.pop(group, None)

    def new_round(self) -> None:
        """What failed once in a row is tried again, with new VMs."""
        self._why = {group: why for group, why in self._why.items() if self._rounds[group] >= _ROUNDS}
        self._losses.clear()

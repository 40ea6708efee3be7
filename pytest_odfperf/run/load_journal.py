"""``loads.jsonl``: what the VMs of each pool do, from all workers; so each key can tell what ran beside it.

A line when it changes, one write and no more: a machine that dies takes the run along anyway. A pool is on
one worker at a time, so its last line holds until the next, whoever wrote it: what a worker that is gone left
goes on until somebody deletes it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from pytest_odfperf.measure.neighbours import Load, LoadWindow
from pytest_odfperf.run.growing_file import GrowingFile

LOADS = "loads.jsonl"
_LOADS: tuple[Load, ...] = get_args(Load)


class LoadJournal:
    """The loads of a run's pools, as one process writes them and reads those of all.

    A process that is ``alone`` has no neighbours to read of; what it writes is for the report.
    """

    def __init__(self, run_path: Path, process: str, *, alone: bool = False) -> None:
        self._file = GrowingFile(run_path / LOADS)
        self._process = process
        self._alone = alone
        self._last: dict[str, Load | None] = {}
        self._changes: dict[str, list[tuple[float, Load | None]]] = {}

    def begin(self) -> None:
        """What was written before, if anything was, is of an earlier session of the run."""
        if self._file.path.exists():
            self._write({"session": True})

    def says(self, pool: str, load: Load | None) -> None:
        """From now on the VMs of ``pool`` do this; None: they rest, or are gone."""
        if pool not in self._last or self._last[pool] != load:
            self._last[pool] = load
            self._write({"pool": pool, "load": load})

    def windows(self, since_s: float, now_s: float) -> Iterator[LoadWindow]:
        """What was going on between ``since_s`` and ``now_s``."""
        if self._alone:
            return
        for at_s, entry in self._file.new():
            self._take(at_s, entry)
        for pool, changes in self._changes.items():
            ended_s = now_s
            for began_s, load in reversed(changes):
                if load is not None:
                    yield LoadWindow(pool, load, began_s, ended_s)
                ended_s = began_s
                if ended_s < since_s:
                    break

    def _take(self, at_s: float, entry: dict[str, object]) -> None:
        pool, load = entry.get("pool"), entry.get("load")
        if entry.get("session"):
            self._changes.clear()
        elif isinstance(pool, str) and (load is None or load in _LOADS):
            self._changes.setdefault(pool, []).append((at_s, load))

    def _write(self, entry: dict[str, object]) -> None:
        self._file.append({"at": time.time(), "process": self._process, **entry})

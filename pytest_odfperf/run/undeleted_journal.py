"""``undeleted.jsonl``: VM groups that could not be deleted when their last key had ended, from all processes.

On the disk, since a plugin that runs tests again can swallow the error of a test's end.
"""

from __future__ import annotations

import time
from pathlib import Path

from pytest_odfperf.run.pool_log import LOGGER
from pytest_odfperf.store import journal

UNDELETED = "undeleted.jsonl"


class UndeletedJournal:
    """The groups that one process could not delete."""

    def __init__(self, run_path: Path, process: str) -> None:
        self._path = run_path / UNDELETED
        self._process = process

    def add(self, group: str, error: str) -> None:
        """Write one down; a disk that takes no more is for the records to complain about."""
        try:
            entry = {"process": self._process, "group": group, "error": error}
            journal.append(self._path, {**entry, "epoch_ms": int(time.time() * 1000)})
        except OSError as problem:
            LOGGER.error("%s can not be written: %s", self._path, problem)


def read_undeleted(run_path: Path) -> list[tuple[str, str]]:
    """Group and error of each, also of earlier sessions of the run, in the order of writing."""
    try:
        entries, _ = journal.read(run_path / UNDELETED)
    except OSError:
        return []
    return [(str(entry.get("group")), str(entry.get("error"))) for entry in entries]

"""``outages.jsonl``: the times when the API server was away or in trouble, from all processes of a run."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_odfperf.run.pool_log import LOGGER
from pytest_odfperf.store import journal

if TYPE_CHECKING:
    from pytest_odfperf.cluster.client.outages import Outage

OUTAGES = "outages.jsonl"


class OutageJournal:
    """The outages of one process."""

    def __init__(self, run_path: Path, process: str) -> None:
        self._path = run_path / OUTAGES
        self._process = process

    def add(self, outage: Outage) -> None:
        """Write one down; a disk that takes no more is for the records to complain about."""
        began = datetime.datetime.fromtimestamp(outage.began_at_epoch_s, tz=datetime.UTC)
        entry = {
            "process": self._process,
            "began_at": began.isoformat(timespec="milliseconds"),
            "seconds": round(outage.seconds, 1),
            "why": outage.why,
            "failures": outage.failures,
            "back": outage.back,
            "text": str(outage),
        }
        try:
            journal.append(self._path, entry)
        except OSError as error:
            LOGGER.error("%s can not be written: %s", self._path, error)


def read_outages(run_path: Path) -> list[dict[str, Any]]:
    """What all processes wrote down, also in earlier sessions of the run."""
    entries, _ = journal.read(run_path / OUTAGES)
    return [entry for entry in entries if isinstance(entry.get("text"), str)]


def outage_lines(outages: Sequence[dict[str, Any]]) -> list[str]:
    """What the terminal says of them: the longest few, each as the process saw it."""
    longest = sorted(outages, key=_seconds, reverse=True)
    lines = [f"{outage['text']} (seen by {outage.get('process')})" for outage in longest[:3]]
    if len(longest) > 3:
        lines.append(f"and {len(longest) - 3} shorter ones, see {OUTAGES}")
    return lines


def _seconds(outage: dict[str, Any]) -> float:
    seconds = outage.get("seconds")
    return float(seconds) if isinstance(seconds, int | float) else 0.0

"""The checkpoint: which tests of a run have completed, kept in pytest's cache folder.

One journal per run and process, written by the process that measured, once the key's artefacts are on
disk. ``Cache.set`` is not used: it is not atomic, and rewrites everything for each key.
"""

from __future__ import annotations

import re
from pathlib import Path

from pytest_odfperf.store import journal
from pytest_odfperf.store.durable import make_folders

SCHEMA = 1


class Checkpoint:
    """The completed tests of one run in ``directory``."""

    def __init__(self, directory: Path, run_id: str) -> None:
        self._directory = directory
        # A run id may hold "-" and begin as another's does; the name of a process has none.
        self._own = re.compile(rf"done-{re.escape(run_id)}-[^-]+\.jsonl")
        self._run_id = run_id

    def add(self, process: str, node_id: str, definition: str) -> None:
        """Record that ``node_id`` completed with ``definition``. Raises `OSError`."""
        # Somebody may have cleared the cache in the middle of the run.
        make_folders(self._directory)
        journal.append(
            self._directory / f"done-{self._run_id}-{process}.jsonl",
            {"schema": SCHEMA, "test": node_id, "definition": definition},
        )

    def read(self) -> tuple[dict[str, str], int]:
        """Completed tests (node id to definition), and how many lines and files can not be read."""
        done: dict[str, str] = {}
        broken = 0
        try:
            paths = sorted(path for path in self._directory.iterdir() if self._own.fullmatch(path.name))
        except OSError:
            return {}, 0  # the records are enough
        for path in paths:
            try:
                entries, torn = journal.read(path)
            except OSError:
                entries, torn = [], 1
            broken += torn
            for entry in entries:
                test, definition = entry.get("test"), entry.get("definition")
                if entry.get("schema") == SCHEMA and isinstance(test, str) and isinstance(definition, str):
                    done[test] = definition
                else:
                    broken += 1
        return done, broken

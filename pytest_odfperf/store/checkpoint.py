"""The checkpoint: which tests of a run have completed, kept in pytest's cache folder.

One journal per run and process, written by the process that measured, once the key's artefacts are on
disk. ``Cache.set`` is not used: it is not atomic, and rewrites everything for each key.
"""

from __future__ import annotations

from pathlib import Path

from pytest_odfperf.store import journal

SCHEMA = 1


class Checkpoint:
    """The completed tests of one run in ``directory``."""

    def __init__(self, directory: Path, run_id: str) -> None:
        self._directory = directory
        self._run_id = run_id

    def add(self, process: str, node_id: str, definition: str) -> None:
        """Record that ``node_id`` completed with ``definition``. Raises `OSError`."""
        journal.append(
            self._directory / f"done-{self._run_id}-{process}.jsonl",
            {"schema": SCHEMA, "test": node_id, "definition": definition},
        )

    def read(self) -> tuple[dict[str, str], int]:
        """Completed tests (node id to definition) and the number of unreadable lines."""
        done: dict[str, str] = {}
        broken = 0
        prefix = f"done-{self._run_id}-"
        for path in sorted(self._directory.iterdir()):
            # Not glob: a run id may hold characters that mean something in a pattern.
            if not (path.name.startswith(prefix) and path.name.endswith(".jsonl")):
                continue
            entries, torn = journal.read(path)
            broken += torn
            for entry in entries:
                test, definition = entry.get("test"), entry.get("definition")
                if entry.get("schema") == SCHEMA and isinstance(test, str) and isinstance(definition, str):
                    done[test] = definition
                else:
                    broken += 1
        return done, broken

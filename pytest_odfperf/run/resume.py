"""What an earlier run has completed: its checkpoint and its records must both say so."""

from __future__ import annotations

from pathlib import Path

from pytest_odfperf.measure.record import Record, read_records
from pytest_odfperf.store.checkpoint import Checkpoint
from pytest_odfperf.store.run_dir import RunDir


def read_records_of(run_dir: RunDir) -> tuple[dict[str, Record], list[str]]:
    """The last record of each test (by node id) of a run, and what in its file is no record."""
    try:
        text = run_dir.records.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return {}, []
    records, problems = read_records(text.splitlines())
    return {record.test: record for record in records}, problems


def read_done(run_dir: RunDir | None, checkpoint_dir: Path | None) -> dict[str, str]:
    """Completed tests of ``run_dir``: node id to definition.

    A test without its record is measured again, since the report could not show it. A lost cache (another
    checkout, ``--cache-clear``) loses nothing: a passed record is written before its checkpoint line, and
    is enough.
    """
    if run_dir is None:
        return {}
    records, _ = read_records_of(run_dir)
    done = {
        test: record.definition
        for test, record in records.items()
        if record.status == "passed" and record.definition is not None
    }
    if checkpoint_dir is not None and checkpoint_dir.is_dir():
        marked, _ = Checkpoint(checkpoint_dir, run_dir.run_id).read()
        done.update({test: definition for test, definition in marked.items() if test in records})
    return done

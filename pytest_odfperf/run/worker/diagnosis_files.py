"""Writes a diagnosis into the run's folder, where nothing overwrites it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from pytest_odfperf.errors import OdfError, cause_of
from pytest_odfperf.matrix.keys import GroupKey
from pytest_odfperf.redaction import redact
from pytest_odfperf.run.plan import Plan
from pytest_odfperf.store.run_dir import RunDir

#: What failed, when, and why; beside the files that `cluster.diagnosis.collect` made.
ERROR = "error.txt"


def write_diagnosis(
    plan: Plan, group: GroupKey, error: OdfError, about: str, files: Mapping[str, str]
) -> str:
    """Make a new folder with ``files`` in it; its path below the run's folder. Raises `StoreError`."""
    run_dir = RunDir(plan.run_path.parent, plan.run_id)
    folder = run_dir.new_diagnosis(group)
    when = datetime.now(tz=UTC).isoformat(timespec="seconds")
    place = folder.relative_to(run_dir.path).as_posix()
    first = f"{about}\n{when}\nreason_code: {cause_of(error) or 'unknown'}\n{redact(str(error))}\n"
    for name, text in {ERROR: first, **files}.items():
        run_dir.write_text(f"{place}/{name}", text)
    return place

"""Where the files of a run are for the CI system whose job this is."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.junit.junit_case import PlaceOf


def ci_places(content: RunContent) -> PlaceOf:
    """The place of a file of a record's run.

    Jenkins is given the whole path (plugins.jenkins.io/junit-attachments). Others get it from the project's
    folder, as GitLab wants it (docs.gitlab.com/ci/testing/unit_test_reports): ``CI_PROJECT_DIR``, or the
    working folder.
    """
    top = None if os.environ.get("JENKINS_URL") else Path(os.environ.get("CI_PROJECT_DIR") or Path.cwd())
    folders = {run.run_id: _seen_from(top, run.path) for run in content.runs}

    def place_of(record: Record, path: str) -> str:
        return str(folders.get(record.run_id, PurePosixPath()) / path)

    return place_of


def _seen_from(top: Path | None, folder: str) -> PurePosixPath:
    path = Path(folder)
    if top is not None:
        for one, other in ((top, path), (top.resolve(), path.resolve())):
            if other.is_relative_to(one):
                return PurePosixPath(other.relative_to(one))
    return PurePosixPath(path)

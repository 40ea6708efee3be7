"""Asks the fio of this machine, where there is one, whether it takes the jobs: before anything is made."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest_odfperf.errors import InputError
from pytest_odfperf.fio.job import Job
from pytest_odfperf.fio.job_file.profile_faults import Faults
from pytest_odfperf.fio.parse_only import Refusal, refusals, version_of
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.run.child_environment import child_environment
from pytest_odfperf.schedule.jobs import Jobs

_LONGEST_S = 20.0


def ask_local_fio(matrix: Matrix, jobs: Jobs) -> tuple[str, ...]:
    """What this machine's fio has against ``jobs``, as warnings.

    Raises `InputError` with all of it, unless the guests' fio is known to be another version, or the reason
    may be this machine: what counts then is what the guests say before the first job is measured. Says
    nothing where there is no fio.
    """
    different = list({job.text: job for job in jobs.cells.values()}.values())
    faults, warnings = Faults(), dict[str, None]()
    for refused, version in _refused(different):
        wanted = matrix.guest.fio_version
        text = f"{version} on this machine does not take it: {refused.said}"
        if (wanted is not None and wanted != version) or refused.of_machine or sys.platform != "linux":
            warnings[f"{refused.place}: {text}; the guests are asked too"] = None
        else:
            hint = "" if wanted else "; if the guests have another version, say so in guest.fio_version"
            faults.extend(InputError(f"{text}{hint}", place=refused.place))
    faults.raise_any()
    return tuple(warnings)


def _refused(jobs: Sequence[Job]) -> list[tuple[Refusal, str]]:
    try:
        with TemporaryDirectory(prefix="odfperf-") as folder:
            names = [f"{number}.fio" for number in range(len(jobs))]
            for name, job in zip(names, jobs, strict=True):
                Path(folder, name).write_text(job.text, encoding="utf-8")
            # One process for all of them: most often nothing is wrong.
            code, said = _fio(["--parse-only", *names], folder)
            if code == 0 and not said.strip():
                return []
            version = version_of(_fio(["--version"], folder)[1])
            if version is None:
                return []
            return [
                (refused, version)
                for name, job in zip(names, jobs, strict=True)
                for refused in refusals(job, *_fio(["--parse-only", name], folder))
            ]
    except (OSError, subprocess.TimeoutExpired):
        return []


def _fio(arguments: Sequence[str], folder: str) -> tuple[int, str]:
    done = subprocess.run(
        ["fio", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_LONGEST_S,
        env=child_environment(),
        check=False,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace")

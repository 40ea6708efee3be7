"""What fio says to a job file before it runs it: this machine's fio, where there is one, else a reader."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest_odfperf.sandbox.machines.simulated.simulated_job import JobFileError, parse_job

_LONGEST_S = 20.0
_MOST_SAID = 4000
#: Answers by job: the guests of a group and the keys of a run ask for the same ones.
_SAID: dict[bytes, tuple[int, bytes]] = {}
_MOST_KEPT = 1000


async def fio_says(job: bytes) -> tuple[int, bytes]:
    """Exit code and words of ``fio --parse-only``, or of the simulation that can not run the job."""
    return (await fio_says_to_all([job]))[0]


async def fio_says_to_all(jobs: Sequence[bytes]) -> list[tuple[int, bytes]]:
    """`fio_says` of several jobs: one process for all of them, as most often nothing is wrong."""
    if len(_SAID) + len(jobs) >= _MOST_KEPT:
        _SAID.clear()
    there = shutil.which("fio") is not None
    known = {job: _SAID[job] for job in jobs if job in _SAID}
    fresh = [job for job in dict.fromkeys(jobs) if job not in known]
    all_well = not there or (len(fresh) > 1 and await _parse_only(*fresh) == (0, b""))
    said = {job: (0, b"") if all_well else await _parse_only(job) for job in fresh}
    for job in fresh:
        code, words = said[job]
        if code == 0:
            try:
                parse_job(job.decode("utf-8", "replace"))
            except JobFileError as error:
                code, words = 1, f"{error}\n".encode()
        known[job] = _SAID[job] = code, words
    return [known[job] for job in jobs]


async def _parse_only(*jobs: bytes) -> tuple[int, bytes]:
    with TemporaryDirectory(prefix="odfperf-fio-") as folder:
        # Its words name the file.
        names = ["job.fio"] if len(jobs) == 1 else [f"job-{number}.fio" for number in range(len(jobs))]
        for name, job in zip(names, jobs, strict=True):
            Path(folder, name).write_bytes(job)
        process = await asyncio.create_subprocess_exec(
            "fio",
            "--parse-only",
            *names,
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            said, _ = await asyncio.wait_for(process.communicate(), _LONGEST_S)
        except TimeoutError:
            process.kill()
            await process.wait()
            return 0, b""
    # Killed by a signal it says nothing of the job.
    return max(0, process.returncode or 0), said[:_MOST_SAID]

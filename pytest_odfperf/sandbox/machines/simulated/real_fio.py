"""What fio says to a job file before it runs it: this machine's fio, where there is one, else a reader."""

from __future__ import annotations

import asyncio
import shutil
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
    if job not in _SAID:
        code, said = await _parse_only(job) if shutil.which("fio") else (0, b"")
        if code == 0:
            try:
                parse_job(job.decode("utf-8", "replace"))
            except JobFileError as error:
                code, said = 1, f"{error}\n".encode()
        if len(_SAID) >= _MOST_KEPT:
            _SAID.clear()
        _SAID[job] = code, said
    return _SAID[job]


async def _parse_only(job: bytes) -> tuple[int, bytes]:
    with TemporaryDirectory(prefix="odfperf-fio-") as folder:
        Path(folder, "job.fio").write_bytes(job)
        process = await asyncio.create_subprocess_exec(
            "fio",
            "--parse-only",
            "job.fio",
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

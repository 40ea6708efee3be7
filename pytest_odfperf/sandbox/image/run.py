"""Programs that run to their end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

from pytest_odfperf.errors import OdfError


async def run(command: list[str], deadline_s: float, **environment: str) -> str:
    """Run to the end; killed, with its children, at the deadline and when interrupted."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "LC_ALL": "C", **environment},
        start_new_session=True,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), deadline_s)
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(process.wait(), 10.0)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        if isinstance(error, TimeoutError):
            raise OdfError(f"{Path(command[0]).name} did not end in {deadline_s:.0f} s") from error
        raise
    if process.returncode:
        last = "; ".join(err.decode(errors="replace").strip().splitlines()[-4:])
        raise OdfError(f"{Path(command[0]).name} failed (exit {process.returncode}): {last}")
    return out.decode(errors="replace")

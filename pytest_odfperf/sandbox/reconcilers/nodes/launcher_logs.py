"""The logs of containers, where the API server finds them: ``<pod's uid>/<container>.log``."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from pytest_odfperf.sandbox.reconcilers.api_client import now
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import Obj

COMPUTE = "compute"
CONSOLE = "guest-console-log"


class Logs:
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def say(self, pod: Obj, container: str, line: str) -> None:
        """Add a line, as a container writes it."""
        with self._path(pod, container).open("a", encoding="utf-8") as log:
            log.write(f"{now()} {line}\n")

    def show(self, pod: Obj, container: str, file: Path | None) -> None:
        """Let ``file`` be the container's log from now on."""
        if file is not None:
            path = self._path(pod, container)
            with contextlib.suppress(FileExistsError):
                path.symlink_to(file)

    def forget(self, pod: Obj) -> None:
        shutil.rmtree(self._directory / pod["metadata"]["uid"], ignore_errors=True)

    def _path(self, pod: Obj, container: str) -> Path:
        folder: Path = self._directory / pod["metadata"]["uid"]
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder.joinpath(f"{container}.log")

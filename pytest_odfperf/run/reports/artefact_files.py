"""Reads the raw files of a run for its reports: tens of thousands of small ones."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pytest_odfperf.measure.record import Record

#: One that is larger is none of ours.
LARGEST_BYTES = 64 << 20


class ArtefactFiles:
    """Those below ``folder``. The records may have been edited: nothing outside of it is read."""

    def __init__(self, folder: Path) -> None:
        self._root = os.path.realpath(folder)
        #: Whether folders are inside. To ask that for each file takes longer than to read it.
        self._inside: dict[str, bool] = {}

    def __call__(self, record: Record, name: str) -> bytes | None:
        """A file of a record's, as `RunContent.read`."""
        end = f"/{name}"
        for path in record.artefacts:
            if (path == name or path.endswith(end)) and (found := self._file(path)) is not None:
                return found
        return None

    def _file(self, path: str) -> bytes | None:
        place = os.path.join(self._root, path)  # noqa: PTH118 - a Path costs as much as the file
        try:
            if not self._is_inside(os.path.dirname(place)):  # noqa: PTH120
                return None
            # No link, and nothing that waits for somebody at its other end.
            descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except (OSError, ValueError):
            return None
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_BYTES:
                return None
            # To a file object the system is asked four times more.
            found = os.read(descriptor, status.st_size + 1)
            if len(found) != status.st_size:  # it changes meanwhile
                with open(descriptor, "rb", buffering=0, closefd=False) as file:
                    found += file.readall()
            return found
        except OSError:
            return None
        finally:
            os.close(descriptor)

    def _is_inside(self, folder: str) -> bool:
        if (known := self._inside.get(folder)) is None:
            above, name = os.path.split(folder)
            if above not in self._inside:
                self._inside[above] = self._leads_inside(above)
            # To ask for all that is above it takes ten times as long.
            plainly = self._inside[above] and name not in ("", ".", "..") and not os.path.islink(folder)  # noqa: PTH114
            known = self._inside[folder] = plainly or self._leads_inside(folder)
        return known

    def _leads_inside(self, folder: str) -> bool:
        real = os.path.realpath(folder)
        return real == self._root or real.startswith(f"{self._root}{os.sep}")

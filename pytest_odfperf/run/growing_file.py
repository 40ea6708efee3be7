"""A file of JSON lines that other processes append to: read on from where one was."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_odfperf.run.pool_log import LOGGER


class GrowingFile:
    """One reader or writer of it. A disk that does not take or give it is for the records to complain about.

    Lines are written at once and not synced: what tells of a moment is of no use after a power loss.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0
        self._rest = b""

    def append(self, entry: Mapping[str, Any]) -> None:
        """Write a line."""
        line = (json.dumps(entry, separators=(",", ":")) + "\n").encode()
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)
        except OSError as error:
            LOGGER.error("%s can not be written: %s", self.path, error)

    def new(self) -> Iterator[tuple[float, dict[str, Any]]]:
        """What was written since this was last asked: each entry's time ``at``, and the entry.

        What is no line of ours, or torn, is passed over.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                content = file.read()
        except FileNotFoundError:
            return
        except OSError as error:
            LOGGER.error("%s can not be read: %s", self.path, error)
            return
        self._offset += len(content)
        *lines, self._rest = (self._rest + content).split(b"\n")
        for line in lines:
            try:
                entry = json.loads(line)
                at_s = float(entry["at"])
            except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
                continue
            yield at_s, entry

"""``<pool>/pool.log``: what happens to a pool, written while it happens."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from pytest_odfperf.errors import one_line
from pytest_odfperf.store.durable import told
from pytest_odfperf.store.run_dir import RunDir

#: Everything that the plugin says about a run goes through this logger and its children.
LOGGER = logging.getLogger("odfperf")


class _Line(logging.Formatter):
    """One line per entry, whatever clusters and guests say in it."""

    def format(self, record: logging.LogRecord) -> str:
        return one_line(super().format(record))


class _Handler(logging.FileHandler):
    """A log that can not be written stops nobody: what was lost is told by the next line that can be."""

    _lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        if self._lost:
            record.msg = f"{record.getMessage()} ({self._lost} lines before this could not be written)"
            record.args = ()
        lost, self._lost = self._lost, 0
        super().emit(record)
        if self._lost:
            self._lost += lost

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 - logging's own name
        self._lost += 1


class PoolLog:
    """Sends the logger to the log of one pool at a time; a second process appends to the same file."""

    def __init__(self, run_path: Path) -> None:
        self._run_path = run_path
        self._pool: str | None = None
        self._handler: logging.Handler | None = None
        LOGGER.setLevel(logging.INFO)

    @property
    def pool(self) -> str | None:
        """The pool whose log is written now."""
        return self._pool

    def switch(self, pool: str) -> None:
        """Write to ``pool``'s log from here on. Raises `StoreError`."""
        if pool == self._pool:
            return
        self.close()
        folder = self._run_path / pool
        RunDir(self._run_path.parent, self._run_path.name).make(folder)
        path = folder / "pool.log"
        with told("can not be written", path):
            self._handler = _Handler(path, encoding="utf-8", errors="backslashreplace")
        for other in [one for one in LOGGER.handlers if isinstance(one, _Handler)]:
            # Of a slot that is released, and whose pool this is not.
            LOGGER.removeHandler(other)
        self._handler.setFormatter(_Line("%(asctime)s %(process)d %(levelname)s %(message)s"))
        LOGGER.addHandler(self._handler)
        self._pool = pool

    def close(self) -> None:
        if self._handler is not None:
            LOGGER.removeHandler(self._handler)
            with contextlib.suppress(OSError):  # a full disk; the record of the key says it
                self._handler.close()
        self._handler, self._pool = None, None

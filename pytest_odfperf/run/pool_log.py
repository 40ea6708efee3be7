"""``<pool>/pool.log``: what happens to a pool, written while it happens."""

from __future__ import annotations

import logging
from pathlib import Path

#: Everything that the plugin says about a run goes through this logger and its children.
LOGGER = logging.getLogger("odfperf")


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
        """Write to ``pool``'s log from here on. Raises `OSError`."""
        if pool == self._pool:
            return
        self.close()
        folder = self._run_path / pool
        folder.mkdir(exist_ok=True)
        self._handler = logging.FileHandler(folder / "pool.log", encoding="utf-8")
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))
        LOGGER.addHandler(self._handler)
        self._pool = pool

    def close(self) -> None:
        if self._handler is not None:
            LOGGER.removeHandler(self._handler)
            self._handler.close()
        self._handler, self._pool = None, None

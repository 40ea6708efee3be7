"""What the official client logs when a login plugin fails: it raises nothing then, and quotes the plugin.

It logs to the root logger, whose records end up on the terminal and in reports.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager

from pytest_odfperf.redaction import redact


@contextmanager
def login_complaints() -> Generator[list[str]]:
    """The errors that this thread logs to the root logger, redacted; they are not logged."""
    complaints: list[str] = []
    thread = threading.get_ident()

    def keep(record: logging.LogRecord) -> bool:
        if record.thread != thread or record.levelno < logging.ERROR:
            return True
        complaints.append(" ".join(redact(record.getMessage()).split()))
        return False

    root = logging.getLogger()
    root.addFilter(keep)
    try:
        yield complaints
    finally:
        root.removeFilter(keep)

"""The environment of a process that a thread starts while pytest runs tests."""

from __future__ import annotations

import os


def child_environment(*without: str) -> dict[str, str]:
    """All variables of this process but those named ``without``.

    To be given to each process that is not started by the main thread: pytest changes `os.environ` at each
    test (``PYTEST_CURRENT_TEST``), and a process that is started without ``env`` meanwhile reads the
    variables while they move. The start fails with EFAULT ("Bad address") then.
    """
    names = [name for name in list(os.environ) if name not in without]
    # One that is removed meanwhile is left out.
    return {name: value for name in names if (value := os.environ.get(name)) is not None}

"""A pytest plugin: after each key the storage rests, until its counters have all that was done."""

from __future__ import annotations

import time

#: OSDs tell every 5 s, and the controller reads every 2 s.
_REST_S = 10.0


def pytest_runtest_logfinish() -> None:
    time.sleep(_REST_S)

"""How the suite runs on several workers: what stays together, what comes first, what is alone."""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Folders of runs that tests of several kinds look at: `report_runs`.
sys.path.insert(0, str(Path(__file__).parent / "made"))

#: Where each test has processes of its own. Elsewhere the tests of a file share a sandbox or a machine.
APART = ("tests/plugin/", "tests/chaos/", "tests/sandbox/machines/test_qemu_machine.py")

#: They share one cluster.
TOGETHER = "tests/ceph/"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """Tests of `APART` one by one, all else by file, in the order of the collection."""
    from xdist.scheduler import LoadScopeScheduling

    class BySlowness(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            if nodeid.startswith(TOGETHER):
                return TOGETHER
            return nodeid if nodeid.startswith(APART) else nodeid.partition("::")[0]

    if config.getoption("dist") != "load":
        return None
    config.option.loadscopereorder = False
    return BySlowness(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("alone") is not None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """A test that is marked ``alone`` waits for all others of its kind to end, and they for it."""
    how = fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH
    with Path(__file__).open() as lock:
        fcntl.flock(lock, how)
        return (yield)

"""What the hooks of one pytest process share, kept on ``config.stash``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_odfperf.matrix.keys import Key
    from pytest_odfperf.plugin.measure import MeasurePlugin
    from pytest_odfperf.run.plan import Plan
    from pytest_odfperf.run.result import Measured

#: The exit code that is decided here: of what needs no collection (a dry run), and of an interrupted run.
EXIT_CODE: pytest.StashKey[int] = pytest.StashKey()
PLAN: pytest.StashKey[Plan] = pytest.StashKey()
MEASURE: pytest.StashKey[MeasurePlugin] = pytest.StashKey()

#: On an item: its key, and its measurement once there is one.
KEY: pytest.StashKey[Key] = pytest.StashKey()
MEASURED: pytest.StashKey[Measured] = pytest.StashKey()

#: The first part of the node ids of the tests that ship with the plugin, wherever it is installed.
SHIPPED_NODE = "odfperf"


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is an xdist worker."""
    return hasattr(config, "workerinput")

"""What the hooks of one pytest process share, kept on ``config.stash``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_odfperf.waiting import Stop

if TYPE_CHECKING:
    from pytest_odfperf.matrix.keys import Key
    from pytest_odfperf.measure.record import Record
    from pytest_odfperf.plugin.measure import MeasurePlugin
    from pytest_odfperf.run.controller import Run
    from pytest_odfperf.run.plan import Plan

PLAN: pytest.StashKey[Plan] = pytest.StashKey()
RUN: pytest.StashKey[Run] = pytest.StashKey()
MEASURE: pytest.StashKey[MeasurePlugin] = pytest.StashKey()
STOP: pytest.StashKey[Stop] = pytest.StashKey()

#: On an item: its key, and the record of its measurement once there is one.
KEY: pytest.StashKey[Key] = pytest.StashKey()
RECORD: pytest.StashKey[Record] = pytest.StashKey()

#: The first part of the node ids of the tests that ship with the plugin, wherever it is installed.
SHIPPED_NODE = "odfperf"


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is an xdist worker."""
    return hasattr(config, "workerinput")

"""The public fixtures: write tests of your own on the VM groups and results of the matrix.

A test that asks for one of them is parametrized with every selected key::

    def test_oltp(odf_result):
        assert odf_result.sync.lat_p99_ns < 5_000_000
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_odfperf.plugin.session_state import CAPACITY, MEASURE, MEASURED, PLAN, REPEAT, Measures

if TYPE_CHECKING:
    from pytest_odfperf.guest.guest import Guest
    from pytest_odfperf.matrix.keys import Key
    from pytest_odfperf.measure.capacity.capacity_answer import CapacityAnswer
    from pytest_odfperf.run.worker.key_result import Result


def _measure(request: pytest.FixtureRequest) -> Measures:
    plugin = request.config.stash.get(MEASURE, None)
    if plugin is None:
        pytest.skip("measures VM storage: run with --odf or --odf-parallel")
    return plugin


@pytest.fixture
def odf_key(request: pytest.FixtureRequest) -> Key:
    """The `Key` of this test: pool, VM size, PVC size, concurrency, profile and block size."""
    _measure(request)
    key: Key = request.param
    return key


@pytest.fixture
def odf_guests(request: pytest.FixtureRequest, odf_key: Key) -> tuple[Guest, ...]:
    """The running guests of this key's VM group, connected by SSH; shared by the keys of the group."""
    return _measure(request).guests(odf_key)


@pytest.fixture
def odf_result(request: pytest.FixtureRequest, odf_key: Key) -> Result:
    """What fio measured for this key in all guests of its group at once: a `Result`.

    Tests of one key share one measurement. One that is invalid gives no figures: see ``odf_invalid``.
    """
    from pytest_odfperf.plugin.invalid_results import refusing

    item = request.node
    with refusing(item):
        result = _measure(request).result(odf_key, item.nodeid, item.stash.get(REPEAT, 1))
        item.stash[MEASURED] = result.measured
        result.measured.check_valid()
    return result


@pytest.fixture
def odf_capacity(request: pytest.FixtureRequest, odf_key: Key) -> CapacityAnswer:
    """How many VMs the pool of this key carries (``--odf-ramp``): a `CapacityAnswer`.

    The key's concurrency is the most that are tried. Tests of one key share one search.
    """
    from pytest_odfperf.plugin.invalid_results import refusing

    item, plugin = request.node, _measure(request)
    if not item.config.stash[PLAN].matrix.asks_capacity:
        pytest.skip("asks for the capacity of a pool: run with --odf-ramp")
    with refusing(item):
        item.stash[CAPACITY] = answer = plugin.capacity(odf_key, item.nodeid)
    return answer

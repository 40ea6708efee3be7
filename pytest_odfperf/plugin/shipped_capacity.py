"""The test of ``--odf-ramp`` that ships with the plugin: each pool carries at least one VM at its rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_odfperf.measure.capacity.capacity_answer import CapacityAnswer


def test_capacity(odf_capacity: CapacityAnswer) -> None:
    if odf_capacity.kept_vms == 0:
        pytest.fail(odf_capacity.text, pytrace=False)

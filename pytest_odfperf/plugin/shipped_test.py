"""The test that ships with the plugin: each key is measured, and has a number in each direction it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_odfperf.run.worker.key_result import Result


def test_storage(odf_result: Result) -> None:
    for direction in odf_result.directions:
        assert direction.iops_per_s > 0
        assert direction.lat_mean_ns > 0

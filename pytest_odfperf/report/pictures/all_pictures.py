"""All pictures of a run, in the order of the page."""

from __future__ import annotations

from collections.abc import Callable

from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.pictures.course.doubtful_series import doubtful_series
from pytest_odfperf.report.pictures.course.guest_spread import guest_spread
from pytest_odfperf.report.pictures.course.run_gantt import run_gantt
from pytest_odfperf.report.pictures.curves.load_steps import capacity_steps, depth_curves
from pytest_odfperf.report.pictures.curves.percentile_curves import percentile_curves
from pytest_odfperf.report.pictures.curves.throughput_latency import throughput_latency
from pytest_odfperf.report.pictures.picture import Picture
from pytest_odfperf.report.pictures.pools.baseline_changes import baseline_changes
from pytest_odfperf.report.pictures.pools.heat_map import heat_map
from pytest_odfperf.report.pictures.pools.pool_ranks import pool_ranks
from pytest_odfperf.report.pictures.pools.pools_compared import pools_compared
from pytest_odfperf.report.pictures.shown_figures import Shown

#: Each makes one picture, or none where it has nothing to show.
PICTURES: tuple[Callable[[Shown], Picture | None], ...] = (
    baseline_changes,
    pool_ranks,
    pools_compared,
    capacity_steps,
    throughput_latency,
    depth_curves,
    percentile_curves,
    heat_map,
    guest_spread,
    run_gantt,
    doubtful_series,
)


def pictures_of(content: RunContent) -> tuple[Picture, ...]:
    """Those that have something to show."""
    shown = Shown(content)
    found = (make(shown) for make in PICTURES)
    return tuple(picture for picture in found if picture is not None)

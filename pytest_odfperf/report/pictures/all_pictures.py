"""All pictures of a run, in the order of the page."""

from __future__ import annotations

from collections.abc import Callable

from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.pictures.picture import Picture
from pytest_odfperf.report.pictures.pools.heat_map import heat_map
from pytest_odfperf.report.pictures.pools.pools_compared import pools_compared

#: Each makes one picture, or none where it has nothing to show.
PICTURES: tuple[Callable[[RunContent], Picture | None], ...] = (
    pools_compared,
    heat_map,
)


def pictures_of(content: RunContent) -> tuple[Picture, ...]:
    """Those that have something to show."""
    found = (make(content) for make in PICTURES)
    return tuple(picture for picture in found if picture is not None)

"""Python's search for cycles: off while answers are read, and as it was afterwards."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

import pytest

from pytest_odfperf.run.cyclic_garbage import keep, not_searched


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    enabled = gc.isenabled()
    yield
    gc.unfreeze()
    (gc.enable if enabled else gc.disable)()


@pytest.mark.parametrize("searched", [True, False])
def test_it_is_as_before_also_after_an_error(searched: bool) -> None:
    (gc.enable if searched else gc.disable)()
    with contextlib.suppress(RuntimeError), not_searched():
        with not_searched():
            assert not gc.isenabled()
        assert not gc.isenabled()
        raise RuntimeError
    assert gc.isenabled() is searched


def test_what_there_is_is_kept_once() -> None:
    keep.cache_clear()
    keep()
    kept = gc.get_freeze_count()
    assert kept > 1000
    more = [[number] for number in range(1000)]
    keep()
    assert gc.get_freeze_count() <= kept
    del more

"""When Python searches for cycles of garbage.

It does so after each few hundred new objects, and again in all that there are as these grow. The answers of a
group are a hundred thousand objects that have no cycles: a seventh of a worker's time went into the search.
"""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache


@contextmanager
def not_searched(*, kept: bool = False) -> Generator[None]:
    """Do not search meanwhile; what is of no use is still freed at once, unless it is in a cycle.

    ``kept``: what there is at the end is left out of later searches, too. The records of a run are a million
    objects: one search in them takes a quarter of a second.
    """
    was_searched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if kept:
            gc.freeze()
        if was_searched:
            gc.enable()


@cache
def keep() -> None:
    """Leave the objects of now out of later searches, the first time: when a process has its modules."""
    # Whether some are kept already takes as long to ask as a search does.
    gc.freeze()

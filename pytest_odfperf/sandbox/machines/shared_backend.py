"""Which volumes of one backend were busy at the same time: they share what it can do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class _Span:
    began: float
    #: None: still busy.
    ended: float | None = None


class Activity:
    """One per sandbox process."""

    def __init__(self) -> None:
        self._spans: dict[str, list[_Span]] = {}

    @contextmanager
    def active(self, backend: str | None) -> Iterator[None]:
        """A volume of ``backend`` is busy inside; None: it shares with nobody."""
        if backend is None:
            yield
            return
        span = _Span(time.monotonic())
        spans = self._spans.setdefault(backend, [])
        spans.append(span)
        try:
            yield
        finally:
            span.ended = time.monotonic()
            oldest = min((s.began for s in spans if s.ended is None), default=span.ended)
            spans[:] = [s for s in spans if s.ended is None or s.ended > oldest]

    def volumes(self, backend: str | None, began: float, ended: float) -> int:
        """How many were busy for more than half of this time, the asker included.

        A whole number, so that starts a few milliseconds apart do not change the figures.
        """
        if backend is None:
            return 1
        busy = 0
        for span in self._spans.get(backend, []):
            overlap = min(ended, span.ended if span.ended is not None else ended) - max(began, span.began)
            busy += overlap > (ended - began) / 2
        return max(1, busy)

"""A signal that comes where Python drops what its handler raises."""

from __future__ import annotations

import os
import signal
import time

import pytest

from pytest_odfperf.plugin.signals.signal_handlers import Signals


class Ended(BaseException):
    pass


class Finalized:
    """Gets the signal while it is finalized."""

    def __init__(self, noted: list[int]) -> None:
        self._noted = noted

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        end_s = time.monotonic() + 5
        while not self._noted and time.monotonic() < end_s:
            pass


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_in_a_finalizer_ends_what_comes_after_it() -> None:
    noted: list[int] = []
    first: list[int] = []
    signals = Signals(
        note=noted.append, first=first.append, again=lambda _: None, interruption=lambda _: Ended()
    )
    with signals:
        Finalized(noted)
        assert noted
        with pytest.raises(Ended):
            time.sleep(20)
    assert first == [signal.SIGHUP]

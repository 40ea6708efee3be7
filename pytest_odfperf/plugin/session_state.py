"""What the hooks of one pytest process share, kept on ``config.stash``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from pytest_odfperf.guest.guest import Guest
    from pytest_odfperf.matrix.keys import Key
    from pytest_odfperf.measure.capacity.capacity_answer import CapacityAnswer
    from pytest_odfperf.measure.verdicts.invalid import InvalidMeasurementError
    from pytest_odfperf.run.plan import Plan
    from pytest_odfperf.run.worker.key_result import Measured, Result


class Measures(Protocol):
    """What the fixtures ask of a process that measures."""

    def guests(self, key: Key) -> tuple[Guest, ...]: ...

    def result(self, key: Key, test: str, repeat: int) -> Result: ...

    def capacity(self, key: Key, test: str) -> CapacityAnswer: ...

    def abandon(self) -> None: ...


#: The exit code that is decided here: of what needs no collection (a dry run), and of an interrupted run.
EXIT_CODE: pytest.StashKey[int] = pytest.StashKey()
PLAN: pytest.StashKey[Plan] = pytest.StashKey()
MEASURE: pytest.StashKey[Measures] = pytest.StashKey()

#: On an item: its key, and its measurement once there is one.
KEY: pytest.StashKey[Key] = pytest.StashKey()
MEASURED: pytest.StashKey[Measured] = pytest.StashKey()
#: On an item of ``--odf-ramp``: its answer.
CAPACITY: pytest.StashKey[CapacityAnswer] = pytest.StashKey()
#: What an invalid measurement made of its test, and the measurement's error.
REFUSED: pytest.StashKey[tuple[BaseException, InvalidMeasurementError]] = pytest.StashKey()
#: The how manieth of its like an item is, from 1: see `number_repeats`.
REPEAT: pytest.StashKey[int] = pytest.StashKey()
#: The block of repeats that it is in, from 1.
BLOCK: pytest.StashKey[int] = pytest.StashKey()


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is an xdist worker."""
    return hasattr(config, "workerinput")

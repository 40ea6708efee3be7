"""Signs of life of a run, from a thread of its controller."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from pytest_odfperf.errors import ClusterError, InterruptedRunError
from pytest_odfperf.waiting import Stop


class Renewable(Protocol):
    """A Lease of the cluster."""

    def renew(self, stop: Stop) -> None: ...


class Heartbeat:
    """Renews ``lease`` until `close`; calls ``lost`` with the reason if the run is not ours any more.

    An API server that is away ends nothing: the lease is renewed when it is back.
    """

    def __init__(self, lease: Renewable, period_s: float, lost: Callable[[str], None]) -> None:
        self._lease = lease
        self._period_s = period_s
        self._lost = lost
        self._closing = threading.Event()
        self._closed = Stop()
        self._thread = threading.Thread(target=self._beat, name="odfperf-lease", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Give no more signs of life: whoever calls this removes the lease next."""
        self._closing.set()
        self._closed.set()
        self._thread.join(1.0)

    def _beat(self) -> None:
        from pytest_odfperf.cluster.runs.run_lease import LeaseLostError

        while not self._closing.wait(self._period_s):
            try:
                self._lease.renew(self._closed)
            except LeaseLostError as error:
                if not self._closing.is_set():
                    self._lost(str(error))
                return
            except InterruptedRunError:
                return
            except ClusterError:
                continue

"""The token or certificate of a client, renewed when it ends: by one thread at a time, whoever asks.

The client's own hook asks a login plugin again only if the last answer said when it expires, and then in
each thread that makes a call; a token file is never read again. So the client's hook works on a
configuration of its own here, under a lock, and a refused token leads to a fresh load.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from pytest_odfperf.cluster.client.impersonation import Impersonation
from pytest_odfperf.cluster.client.login import AGAIN_S, FIRST_S, log_in
from pytest_odfperf.errors import ClusterError, InterruptedRunError
from pytest_odfperf.redaction import redact
from pytest_odfperf.waiting import SLICE_S, Stop

#: The client wants a new token in the last five minutes of the old one, so at each call if it lives shorter.
_RENEW_EVERY_S = 10.0
#: After a login that gave nothing new.
_LOG_IN_EVERY_S = 2.0

Credential = tuple[object, ...]
#: Fills a configuration, for which a login plugin has some seconds; whom to speak for. Raises `ClusterError`.
Load = Callable[[Any, float, Stop], Impersonation]


class Credentials:
    """Where a configuration's credentials come from."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._own: Any = None
        self._renewed_s = self._logged_in_s = float("-inf")
        #: Why the last login gave nothing.
        self.problem: str | None = None

    def fill(self, configuration: Any, stop: Stop) -> Impersonation:
        """Load everything for the first time, and stand in for the client's own hook; whom to speak for."""
        who = self._load(configuration, FIRST_S, stop)
        if configuration.refresh_api_key_hook is not None:
            self._own = type(configuration)()
            _copy(configuration, self._own)
            self._own.refresh_api_key_hook = configuration.refresh_api_key_hook
            configuration.refresh_api_key_hook = self._renew
        return who

    def _renew(self, configuration: Any) -> None:
        """Called by the client before each call."""
        if time.monotonic() - self._renewed_s < _RENEW_EVERY_S:
            return
        if not self._lock.acquire(blocking=False):
            return  # somebody is at it; until then the old token does, or is refused
        try:
            self._renewed_s = time.monotonic()
            own = self._own
            if (hook := own.refresh_api_key_hook) is not None:
                self.problem = _problem(lambda: log_in(lambda: hook(own), AGAIN_S, Stop()))
                _copy(own, configuration)
        finally:
            self._lock.release()

    def log_in_again(self, configuration: Any, refused: Credential, stop: Stop) -> bool:
        """Whether there are other credentials than ``refused`` now; raises `InterruptedRunError`."""
        while not self._lock.acquire(timeout=SLICE_S):
            stop.check()
        try:
            if credential(configuration) != refused:
                return True
            if time.monotonic() - self._logged_in_s < _LOG_IN_EVERY_S:
                return False
            fresh = type(configuration)()
            self.problem = _problem(lambda: self._load(fresh, AGAIN_S, stop))
            self._logged_in_s = time.monotonic()
            if fresh.api_key or fresh.cert_file:
                self._own = fresh
                _copy(fresh, configuration)
            return credential(configuration) != refused
        finally:
            self._lock.release()


def credential(configuration: Any) -> Credential:
    """What a call made now shows to the server; to be compared only."""
    return (*sorted(configuration.api_key.items()), configuration.cert_file, configuration.key_file)


def _copy(source: Any, target: Any) -> None:
    # A new mapping: another thread may read the old one at this moment.
    target.api_key = dict(source.api_key)
    target.cert_file, target.key_file = source.cert_file, source.key_file


def _problem(work: Callable[[], object]) -> str | None:
    """Do ``work``; None, or why it failed: the old credentials stay then."""
    try:
        work()
    except InterruptedRunError:
        raise
    except ClusterError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - the client checks little
        return redact(f"{type(error).__name__}: {error}")
    return None

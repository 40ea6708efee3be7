"""The errors of the plugin: few, told apart by what a caller can do about them.

Every message carries the data and the next step. Errors of libraries are chained with
``raise ... from``, never shown bare.
"""

from __future__ import annotations


class OdfError(Exception):
    """Base of every error that this package raises on purpose."""


class InputError(OdfError):
    """What the user gave can not be used: one line, exit code 4, before anything is created."""

    def __init__(self, problem: str, *, place: str | None = None) -> None:
        self.problem = problem
        self.place = place
        super().__init__(f"{place}: {problem}" if place else problem)


class ClusterError(OdfError):
    """The cluster refused or could not be reached."""


class GroupError(ClusterError):
    """A VM group could not be made or deleted; names the object, its last state and a next step."""


class GuestError(OdfError):
    """A guest could not be reached or did not answer as agreed; names the guest.

    ``reason`` is one of the codes of `LOST_GUEST`, or of what a guest says of itself: ``wrong_device``,
    ``missing_dependency``, ``setup_failed``, ``service_failed``, ``not_started``, ``refused``.
    """

    def __init__(self, guest: str, problem: str, reason: str = "protocol") -> None:
        self.guest = guest
        self.problem = problem
        self.reason = reason
        super().__init__(f"guest {guest}: {problem}")

    @property
    def lost(self) -> bool:
        """Whether the guest is of no use for another job."""
        return self.reason in LOST_GUEST


#: ``ssh``: it never answered; ``host_key``: it is another machine; ``forbidden``: the API server lets nobody
#: through; ``connection``: lost and not regained; ``gone``: its instance is; ``rebooted``; ``silent``: no
#: answer in time; ``protocol``: it answers something else.
LOST_GUEST = frozenset(
    {"ssh", "host_key", "forbidden", "connection", "gone", "rebooted", "silent", "protocol"}
)


class FioError(OdfError):
    """fio's answer is not a measurement.

    ``reason`` is one of the codes of the failure catalogue (`pytest_odfperf.fio.failures`), or what became
    of the guest that should have given it (`GuestError`).
    """

    def __init__(self, reason: str, problem: str) -> None:
        self.reason = reason
        self.problem = problem
        super().__init__(f"{reason}: {problem}")


class DeadlineError(OdfError):
    """Something awaited did not happen in time."""

    def __init__(self, awaited: str, seconds: float, last_state: str) -> None:
        self.awaited = awaited
        self.seconds = seconds
        self.last_state = last_state
        super().__init__(f"waited {seconds:.0f} s for {awaited}; last state: {last_state}")


class InterruptedRunError(OdfError):
    """The run was told to stop while something was awaited."""

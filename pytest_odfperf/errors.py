"""The errors of the plugin: few, told apart by what a caller can do about them.

Every message carries the data and the next step. Errors of libraries are chained with
``raise ... from``, never shown bare.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

#: A message is for people; what is longer was pasted by a machine.
_LONGEST_MESSAGE = 4000


def one_line(text: str, longest: int | None = None) -> str:
    """``text`` as one line that is safe on a terminal and can be encoded: names and words of clusters,
    guests and files may hold line ends, escape sequences, and bytes that are no text.

    Line ends become spaces, other characters that do not print are written as ``\\x1b``.
    """
    if longest is not None and len(text) > longest:
        text = f"{text[:longest]}..."
    if text.isprintable():
        return text
    text = " ".join(part.strip() for part in re.split(r"[\r\n\t\v\f\u0085\u2028\u2029]+", text)).strip()
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


class OdfError(Exception):
    """Base of every error that this package raises on purpose. Its text is always one line."""

    #: Why, as one word, where the cluster shows it: the name of a row of ``cause_table.py`` and the like.
    cause: str | None = None
    #: The folder that shows the cluster at that moment, below the run's folder.
    diagnosis: str | None = None

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message, _LONGEST_MESSAGE))

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text}; diagnosis: {self.diagnosis}" if self.diagnosis else text


class InputError(OdfError):
    """What the user gave can not be used: one line, exit code 4, before anything is created."""

    def __init__(self, problem: str, *, place: str | None = None) -> None:
        self.problem = problem
        self.place = place
        super().__init__(f"{place}: {problem}" if place else problem)

    @property
    def faults(self) -> tuple[InputError, ...]:
        """Each thing that is wrong, by itself."""
        return (self,)


class InputFaultsError(InputError):
    """Several things that the user gave can not be used, found together; each is told in one line."""

    def __init__(self, faults: Sequence[InputError]) -> None:
        self._faults = tuple(fault for error in faults for fault in error.faults)
        first = self._faults[0]
        super().__init__(f"{first.problem} (and {len(self._faults) - 1} more)", place=first.place)

    @property
    def faults(self) -> tuple[InputError, ...]:
        return self._faults


class ClusterError(OdfError):
    """The cluster refused or could not be reached."""


class GroupError(ClusterError):
    """A VM group could not be made or deleted; names the object, its last state and a next step."""

    def __init__(self, problem: str, *, cause: str | None = None) -> None:
        self.cause = cause
        super().__init__(problem)


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

    ``reason`` is a code of the failure catalogue (`pytest_odfperf.fio.answers.failures`), or what became
    of the guest that should have given it (`GuestError`).
    """

    def __init__(self, reason: str, problem: str) -> None:
        self.reason = reason
        self.problem = problem
        super().__init__(f"{reason}: {problem}")


class UnlikeSectionsError(OdfError):
    """One figure was asked for where unlike sections of a profile have one each."""

    def __init__(self, profile: str, direction: str, sections: Sequence[str]) -> None:
        super().__init__(
            f"profile {profile} has no one figure for {direction}: {', '.join(sections)} differ; "
            f"take odf_result.job({sections[0]!r}).{direction}, or go through odf_result.jobs"
        )


class StoreError(OdfError):
    """A file of the run could not be read or written; names the file and what the system said."""

    @classmethod
    def of(cls, doing: str, path: object, error: OSError) -> StoreError:
        """``doing`` is what failed, as in ``can not be written``."""
        return cls(f"{path} {doing}: {error.strerror or error}")


class DeadlineError(OdfError):
    """Something awaited did not happen in time."""

    def __init__(self, awaited: str, seconds: float, last_state: str) -> None:
        self.awaited = awaited
        self.seconds = seconds
        self.last_state = last_state
        super().__init__(f"waited {seconds:.0f} s for {awaited}; last state: {last_state}")


class InterruptedRunError(OdfError):
    """The run was told to stop while something was awaited."""


def cause_of(error: object) -> str | None:
    """Why, as one word (a record's ``reason_code``): the cause in the cluster, else the error's own reason.

    None for an error that has none, and for what is no error of ours.
    """
    if not isinstance(error, OdfError):
        return None
    sorts = ((DeadlineError, "deadline"), (StoreError, "store"), (ClusterError, "api"))
    named = error.cause or getattr(error, "reason", None)
    return str(named) if named else next((name for sort, name in sorts if isinstance(error, sort)), None)

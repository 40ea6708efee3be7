"""What is wrong with a profile, all of it at once: a line each."""

from __future__ import annotations

from pytest_odfperf.errors import InputError, InputFaultsError


class Faults:
    """Collects faults. What is said twice of one place, as of an option that all jobs share, is kept once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], InputError] = {}
        self._void: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, problem: str, place: str) -> None:
        if place not in self._void:
            self._found.setdefault((place, problem), InputError(problem, place=place))

    def void(self, problem: str, place: str) -> None:
        """As `add`; what else is found at ``place`` follows from it, and is not told."""
        self.add(problem, place)
        self._void.add(place)

    def extend(self, error: InputError) -> None:
        """All faults of ``error``, in their order."""
        for fault in error.faults:
            self._found.setdefault((fault.place or "", fault.problem), fault)

    def raise_any(self) -> None:
        """Raise `InputError` if there is a fault, `InputFaultsError` if there are several."""
        found = sorted(self._found.values(), key=_in_file)
        if len(found) == 1:
            raise found[0]
        if found:
            raise InputFaultsError(found)


def _in_file(fault: InputError) -> tuple[str, int]:
    source, _, line = (fault.place or "").rpartition(":")
    return (source, int(line)) if line.isascii() and line.isdigit() else (fault.place or "", 0)

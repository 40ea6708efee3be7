"""The error of a measurement that is there, and is not to be believed."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_odfperf.errors import FioError, OdfError
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.measure.verdicts.judge import shown

#: Reasons of a `FioError` that are codes of rules: fio ran and answered, and no figure can be made of it.
_UNUSABLE = frozenset({"impossible_value", "histogram_differs"})


def unusable(guest: str, error: FioError) -> Doubt | None:
    """The doubt that stands for an answer without figures; None: it is trouble of the environment."""
    if error.reason not in _UNUSABLE:
        return None
    return Doubt(code=error.reason, level="invalid", text=f"guest {guest}, {error.problem}")


class InvalidMeasurementError(OdfError):
    """Figures that nobody gets to see: the rules that object make it ``invalid``.

    ``reason`` is the code of the first of them.
    """

    def __init__(self, doubts: Iterable[Doubt]) -> None:
        self.doubts = tuple(doubts)
        invalid = [doubt for doubt in self.doubts if doubt.level == "invalid"]
        self.reason = invalid[0].code
        super().__init__("; ".join(shown(doubt) for doubt in invalid))

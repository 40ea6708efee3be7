"""What becomes of a test whose measurement is invalid: its body never sees a figure.

The fixture refuses, so a test fails in its setup, which pytest calls an error. But an invalid measurement is
no trouble of the environment: its report is made one of the test's call, so that JUnit and all others have
a failure, or a skipped test.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import NoReturn

import pytest

from pytest_odfperf.measure.verdicts.invalid import InvalidMeasurementError
from pytest_odfperf.plugin.command_line.request import read_invalid
from pytest_odfperf.plugin.session_state import REFUSED


@contextmanager
def refusing(item: pytest.Item) -> Generator[None]:
    """An invalid measurement inside fails, skips or xfails ``item``, as ``odf_invalid`` says."""
    try:
        yield
    except InvalidMeasurementError as error:
        _refuse(item, error)


def _refuse(item: pytest.Item, error: InvalidMeasurementError) -> NoReturn:
    """End the test, and remember with what."""
    try:
        policy = read_invalid(item.config)
        if policy == "skip":
            pytest.skip(str(error))
        elif policy == "xfail":
            # Does nothing with --runxfail.
            pytest.xfail(str(error))
        raise error
    except BaseException as refusal:
        item.stash[REFUSED] = refusal, error
        raise


def refusal(item: pytest.Item, call: pytest.CallInfo[None]) -> InvalidMeasurementError | None:
    """The invalid measurement that ``call`` ended with; None: it ended otherwise."""
    raised, error = item.stash.get(REFUSED, (None, None))
    return error if raised is not None and call.excinfo is not None and call.excinfo.value is raised else None

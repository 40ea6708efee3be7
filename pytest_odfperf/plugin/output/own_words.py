"""What a person's own test says of itself: what it recorded, and how pytest shows its failure."""

from __future__ import annotations

import pytest

from pytest_odfperf.errors import OdfError
from pytest_odfperf.measure.record import Record, RecordedProperty
from pytest_odfperf.redaction import redact
from pytest_odfperf.report.junit.junit_xml import legal

#: Our properties of the last attempt at a test.
_OURS: pytest.StashKey[list[tuple[str, str]]] = pytest.StashKey()
#: What is longer was not written by a person. Both ends are kept.
_LONGEST_TEXT = 20_000
_LONGEST_VALUE = 4_000


def recorded(item: pytest.Item) -> tuple[RecordedProperty, ...]:
    """What ``record_property`` was given in this attempt and those before; ours are not among it."""
    ours = item.stash.get(_OURS, [])
    # A plugin that runs a test again leaves them where they are.
    item.user_properties[:] = [one for one in item.user_properties if not any(one is own for own in ours)]
    found = (
        RecordedProperty(name=legal(str(name)), value=_encodable(redact(str(value))[:_LONGEST_VALUE]))
        for name, value in item.user_properties
    )
    return tuple(dict.fromkeys(found))


def fit(name: object, value: object) -> tuple[str, object]:
    """A property as all who write reports can take it, without secrets.

    pytest writes names into JUnit XML as they are, and a lone surrogate is then a traceback in the place of
    the session's end. A value that xdist can not send (a Path, a figure of numpy) ends the whole session.
    """
    return legal(str(name)), _plain(value)


def _plain(value: object) -> object:
    if isinstance(value, str):
        return redact(str(value))
    if value is None or type(value) in (bool, int, float):
        return value
    if isinstance(value, float | int):
        return float(value) if isinstance(value, float) else int(value)
    if type(value) is dict:
        return {_plain(name): _plain(one) for name, one in value.items()}
    if type(value) in (list, tuple):
        return [_plain(one) for one in value]  # type: ignore[attr-defined]
    return redact(str(value))


def add_properties(item: pytest.Item, record: Record) -> None:
    """Show those of ``record`` to all who write reports."""
    ours = item.stash[_OURS] = record.properties()
    item.user_properties += ours


def failure_text(report: pytest.TestReport, cause: BaseException | None) -> str | None:
    """How pytest shows the failure of a person's own test; None: it did not fail, or not by itself."""
    if not report.failed or isinstance(cause, OdfError):
        return None
    text = redact(report.longreprtext)
    if len(text) > _LONGEST_TEXT:
        half = _LONGEST_TEXT // 2
        text = f"{text[:half]}\n... ({len(text) - 2 * half} characters left out)\n{text[-half:]}"
    return _encodable(text)


def _encodable(text: str) -> str:
    """A lone surrogate can not be written to a file of records."""
    return text.encode("utf-8", "backslashreplace").decode()

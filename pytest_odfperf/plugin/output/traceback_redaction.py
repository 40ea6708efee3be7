"""Takes secrets out of tracebacks, captured output and properties, before anybody shows or stores them."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from pytest_odfperf.plugin.output.own_words import fit
from pytest_odfperf.redaction import redact

#: What parts of a traceback are made of: lists of lines or of parts, texts, parts. Never the code itself.
_PARTS = (
    "chain", "reprtraceback", "reprcrash", "reprentries", "reprfuncargs", "reprlocals", "reprfileloc",
    "lines", "args", "message", "sections", "extraline", "longrepr",
)  # fmt: skip


class RedactingPlugin:
    """With ``--showlocals`` a traceback holds what functions held, also the clients' and libraries'."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        _clean(report)
        report.user_properties = [fit(name, value) for name, value in report.user_properties]
        return report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = yield
        _clean(report)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: Any) -> None:
        _in_place(excrepr)


def _clean(report: pytest.TestReport | pytest.CollectReport) -> None:
    report.longrepr = _redacted(report.longrepr)
    report.sections = _redacted(report.sections)


def _redacted(part: Any) -> Any:
    if isinstance(part, str):
        return redact(part)
    if isinstance(part, list | tuple):
        return type(part)(_redacted(one) for one in part)
    if hasattr(part, "toterminal"):  # a part of a traceback, not a value in it
        _in_place(part)
    return part


def _in_place(part: Any) -> None:
    for name in _PARTS:
        value = getattr(part, name, None)
        if name == "lines" and value is not None:
            part.lines = _redacted_lines(value)
        elif value is not None:
            setattr(part, name, _redacted(value))


def _redacted_lines(lines: list[str]) -> list[str]:
    """Redacted together: a key has many lines. Those of a native traceback carry their own ends."""
    if any(line.endswith("\n") for line in lines):
        return redact("".join(lines)).splitlines(keepends=True)
    return redact("\n".join(lines)).split("\n")

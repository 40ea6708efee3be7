"""Tracebacks are taken apart and put together again on their way to the terminal: they stay readable."""

import pytest

FAILS = """
def test_mine(odf_key):
    token = "sha256~abcdefghijklmnopqrstuvwxyz0123456789"
    assert token == "another"
"""


@pytest.mark.parametrize("style", ["auto", "long", "short", "line", "native"])
def test_a_traceback_is_whole_and_has_no_secret(run_pytest, style):
    only = ("--odf-pool", "fast", "-k", "4k and not 64k")
    outcome = run_pytest(
        "--odf", "--odf-matrix", "sim.yaml", *only, f"--tb={style}", "--showlocals", "test_mine.py",
        test_mine__py=FAILS,
    )  # fmt: skip
    assert outcome.code == 1, outcome.out
    assert "AssertionError" in outcome.out
    assert "abcdefghijklmnopqrstuvwxyz" not in outcome.out
    if style == "native":
        assert any(line.strip() == "Traceback (most recent call last):" for line in outcome.lines)
        assert any(line.startswith('  File "') and line.endswith("in test_mine") for line in outcome.lines)


def test_an_internal_error_is_shown_line_by_line(run_pytest):
    broken = "def pytest_sessionstart(session):\n    raise RuntimeError('broken plugin')\n"
    outcome = run_pytest("--odf", "--odf-matrix", "sim.yaml", conftest__py=broken)
    assert outcome.code == 3, outcome.out
    assert "INTERNALERROR> Traceback (most recent call last):" in outcome.lines
    assert "INTERNALERROR> RuntimeError: broken plugin" in outcome.lines

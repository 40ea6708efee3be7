"""What is read, and what is written, is the same with and without orjson."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf import json_reading
from pytest_odfperf.json_reading import read_json
from pytest_odfperf.report.run_page import page_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
TEXTS = (
    "",
    "nul",
    "[1,]",
    '{"a":1,"a":2}',
    "NaN",
    "-Infinity",
    '"\\ud800"',
    "1e999",
    "[" * 5000,
    "\ufeff1",
    "01",
)


def said(text: str) -> Any:
    try:
        return repr(read_json(text))
    except (ValueError, RecursionError) as error:
        return type(error), str(error)


def both(text: str) -> tuple[Any, Any]:
    with pytest.MonkeyPatch.context() as patched:
        quick = said(text)
        patched.setattr(json_reading, "_orjson_loads", lambda: None)
        return quick, said(text)


@given(VALUES)
def test_values_are_the_same(value: Any) -> None:
    pytest.importorskip("orjson")
    quick, careful = both(json.dumps(value))
    assert quick == careful


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:12])
def test_what_is_odd_or_wrong_is_the_same(text: str) -> None:
    pytest.importorskip("orjson")
    quick, careful = both(text)
    assert quick == careful


@given(VALUES | st.integers(-(2**70), 2**70))
def test_what_is_written_means_the_same(value: Any) -> None:
    pytest.importorskip("orjson")
    quick = page_json._raw(value)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(page_json, "orjson_dumps", lambda: None)
        careful = page_json._raw(value)
    assert repr(json.loads(quick)) == repr(json.loads(careful))

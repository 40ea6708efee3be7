"""The page of a run, as text: what is in it, that hostile texts stay text, that it is one file."""

from __future__ import annotations

import json
import re

import pytest

from pytest_odfperf.report.run_page.page_json import packed_json, script_json

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!-- <script>",
    "a\u2028b\u2029c",
    "\ud800 alone",
    "nul \x00 and \x1b[31m",
    "\u202eabc\u202c",
    'javascript:alert("1")',
    "]]>&amp;&lt;'\"`${1}",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_json_in_a_script_can_not_end_it(text: str) -> None:
    made = str(script_json({"text": text}))
    assert not re.search("[<>&\u2028\u2029]", made)
    made.encode("utf-8")
    assert json.loads(made) == {"text": text}


def test_packed_data_are_the_same_at_any_time() -> None:
    assert packed_json(["a", 1]) == packed_json(["a", 1])

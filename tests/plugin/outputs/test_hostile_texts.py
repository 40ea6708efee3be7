"""What clusters and guests say may hold anything; terminal, log, JUnit, HTML and CSV stay what they are."""

import csv
import html.parser
import json
import xml.etree.ElementTree as ET

HOSTILE = (
    "\x1b]0;pwned\x07\x1b[2J<script>alert(1)</script>\n=cmd()|' /C calc'!A0"
    "\r\n\u202e]]>&amp;\x00\ufffe \u2028end"
)

#: fast can not be provisioned, and says so in the worst words; slow measures.
MATRIX = f"""
extends: sim.yaml
pools: [fast, slow]
block_sizes: [4k]
sandbox:
  machine: simulated
  speed: 50
  storage_classes:
    fast: {{provisioning_error: {json.dumps(HOSTILE.replace(chr(0), ""))}}}
"""

#: As an answer of a guest would come, in an error of ours and in one of the test's own.
TESTS = f"""
from pytest_odfperf.errors import FioError

HOSTILE = {HOSTILE!a}

def test_of_ours(odf_key):
    raise FioError("io_error", HOSTILE)

def test_of_theirs(odf_key):
    assert False, HOSTILE

def test_that_measures(odf_result):
    pass
"""


class Blob(html.parser.HTMLParser):
    """The data from which pytest-html's script makes the table."""

    def __init__(self, text):
        super().__init__()
        self.content = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.content = dict(attrs).get("data-jsonblob") or self.content


def test_hostile_texts_stay_texts(run_pytest):
    outcome = run_pytest(
        "--odf", "--odf-matrix", "hostile.yaml", "test_mine.py", "--html=page.html",
        hostile__yaml=MATRIX, test_mine__py=TESTS,
    )  # fmt: skip
    assert outcome.code == 1, outcome.out
    ours = [line for line in outcome.out.splitlines() if "pwned" in line and "test_mine" not in line]
    assert any("io_error" in line for line in ours)
    assert any("fast" in line or "odf-" in line for line in ours)
    for line in ours:
        if "AssertionError" not in line and not line.startswith(("E ", "=cmd")):
            assert line.isprintable(), line

    for path in outcome.run.rglob("pool.log"):
        text = path.read_text()
        assert "\x1b" not in text
        assert all(line[:4].isdigit() for line in text.splitlines())

    # A strict parser: an illegal character or an element too many is an error.
    cases = ET.parse(outcome.run / "junit.xml").getroot().findall(".//testcase")
    assert len(cases) == 6
    assert any("<script>alert(1)" in "".join(case.itertext()) for case in cases)

    assert "<script>alert" not in (outcome.run / "report.html").read_text()
    assert "<script>alert" in outcome.page()
    text = (outcome.folder / "page.html").read_text()
    assert "<script>alert" not in text
    blob = Blob(text).content
    tests = [test for group in json.loads(blob)["tests"].values() for test in group]
    assert len(tests) == 6
    assert "&lt;script&gt;alert" in "".join(test["log"] for test in tests)
    for inserted in (
        *(test["log"] for test in tests),
        *(cell for test in tests for cell in test["resultsTableRow"]),
    ):
        assert "<script" not in inserted

    with (outcome.run / "results.csv").open(newline="") as file:
        table = list(csv.reader(file))
    assert {len(row) for row in table} == {len(table[0])}
    assert not [cell for row in table for cell in row if cell.startswith(("=", "+", "@"))]

    records = outcome.records()
    assert len(records) == 6
    paths = [outcome.run / path for record in records for path in record["artefacts"]]
    assert paths
    assert all(path.resolve().is_relative_to(outcome.run) for path in paths)

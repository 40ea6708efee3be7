"""An invalid measurement over the whole road: no test sees it, and its figures are shown nowhere."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

#: One pool whose guests lie about their queue, one that can not make a figure, one that is well.
MATRIX = """
extends: sim.yaml
pools: [fast, slow, third]
block_sizes: [4k]
sandbox:
  machine: simulated
  speed: 50
  boot_s: 0.1
  clone_s: 0.1
  storage_classes:
    slow: {faults: {answer: {"jobs/*/iodepth_level": {"1": 100.0, "2": 0.0, "4": 0.0}}}}
    third: {faults: {answer: {"jobs/*/*/lat_ns/bins": null}}}
"""

#: A body, a fixture that takes a figure before any body, and what a body may see of the pool that is well.
TESTS = """
import pathlib, pytest

@pytest.fixture
def rate(odf_result):
    return odf_result.read.iops_per_s if odf_result.read else odf_result.jobs[0].read.iops_per_s

def test_body(odf_key, odf_result):
    pathlib.Path(f"seen-{odf_key.pool}").write_text(str(odf_result.jobs))

def test_fixture(odf_key, rate):
    pathlib.Path(f"seen-{odf_key.pool}").write_text(str(rate))
"""

RUN = ("--odf", "--odf-matrix=lies.yaml", "test_mine.py")


@pytest.mark.parametrize(
    ("options", "status", "element", "code"),
    [
        ((), "failed", "failure", 1),
        (("--odf-invalid=skip",), "skipped", "skipped", 0),
        (("--odf-invalid=xfail",), "skipped", "skipped", 0),
        (("--odf-invalid=xfail", "--runxfail"), "failed", "failure", 1),
    ],
)
def test_what_becomes_of_an_invalid_result_is_asked_for(
    run_pytest: Callable[..., Any], options: tuple[str, ...], status: str, element: str, code: int
) -> None:
    outcome = run_pytest(*RUN, *options, lies__yaml=MATRIX, test_mine__py=TESTS)
    assert outcome.code == code, outcome.out
    assert {path.name for path in outcome.folder.glob("seen-*")} == {"seen-fast"}

    records = {(record["key"].partition(":")[0], record["test"]): record for record in outcome.records()}
    assert len(records) == 6
    codes = {"slow": "depth_not_reached", "third": "histogram_differs"}
    for (pool, _), record in records.items():
        if pool == "fast":
            assert (record["status"], record["verdict"], record["doubts"]) == ("passed", "valid", [])
            continue
        assert (record["status"], record["verdict"], record["reason_code"]) == (
            status,
            "invalid",
            codes[pool],
        )
        assert "next:" in record["reason"]
        # For the analyst, where there are figures at all.
        assert bool(record["read"]) == (pool == "slow")

    for case in outcome.cases():
        pool = str(case.get("name")).partition("[")[2].partition(":")[0]
        properties = {one.get("name"): one.get("value") for one in case.iter("property")}
        found = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        if pool == "fast":
            assert (found, properties["verdict"]) == ([], "valid")
            continue
        assert (found, properties["verdict"]) == ([element], "invalid")
        assert codes[pool] in str(properties["doubts"])
        assert not [name for name in properties if "iops" in str(name)]
        said = case.find(element)
        assert said is not None
        assert codes[pool] in f"{said.get('message')} {said.text}"

    rows = list(csv.DictReader(io.StringIO((outcome.run / "results.csv").read_text())))
    figures = ("read_iops_per_s", "write_iops_per_s")
    assert {row["storage_pool"] for row in rows if any(row[name] for name in figures)} == {"fast"}
    assert "Verdicts: 2 valid, 0 suspect, 4 invalid" in outcome.out
    assert (outcome.run / "fast" / ".pool-summary").read_text() == "2 2 0 0\n"
    counts = {"failed": "2 0 2 0", "skipped": "0 0 0 2"}[status]
    summary = (outcome.run / "slow" / ".pool-summary").read_text()
    assert summary == f"{counts}\n"

    if options:
        return
    again = run_pytest(*RUN, "--odf-resume=last", *options, lies__yaml=MATRIX, test_mine__py=TESTS)
    assert "Verdicts: 2 valid, 0 suspect, 4 invalid" in again.out
    assert len(again.records()) == 10, "the four invalid ones are measured again, the others are not"


def test_an_unknown_word_is_refused_in_one_line(run_pytest: Callable[..., Any]) -> None:
    outcome = run_pytest(*RUN, pytest__ini="[pytest]\nodf_invalid = ignore\n", lies__yaml=MATRIX)
    assert outcome.code == 4
    assert "odf_invalid in" in outcome.out
    assert "'ignore' is not known (known: fail, skip, xfail)" in outcome.out

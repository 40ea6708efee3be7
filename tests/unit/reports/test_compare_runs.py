"""Two folders of runs, and what is written of them side by side."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
from dataclasses import replace
from typing import Any

import pytest

from pytest_odfperf.errors import InputError
from pytest_odfperf.measure.record import Record
from pytest_odfperf.run.reports.across_runs.compare_runs import compare_runs
from pytest_odfperf.store.run_dir import RunDir

KEYS = [f"rep3:small:150Gi:1:random-rw:{size}" for size in ("4k", "64k")]
HOSTILE = '<script>alert(1)</script>\n& "q" \' =1+1'


@pytest.fixture
def pair(make_run: Any, make_record: Any) -> Any:
    """Make runs ``a`` and ``b`` of two keys with repeats; reads of ``b`` have ``a``'s rate times a factor."""

    def made(factor: float = 1.0, *, repeats: int = 4, **of_b: Any) -> tuple[RunDir, RunDir]:
        def records(name: str, times: float) -> list[Record]:
            found = []
            for key in KEYS:
                for repeat in range(1, repeats + 1):
                    own = make_record(key=key, run_id=name, test=f"t[{key}-r{repeat}]", definition="ab" * 32)
                    rate = own.read.iops_per_s * times * (1 + 0.01 * (repeat % 2))
                    read = replace(own.read, iops_per_s=rate)
                    job = replace(own.jobs[0], read=read)
                    start = own.started_at_epoch_ms + repeat
                    found.append(
                        replace(own, read=read, jobs=(job,), repeat=repeat, started_at_epoch_ms=start)
                    )
            return found

        options = {"repeat": repeats}
        first = make_run(records("a", 1.0), run_id="a", options=options)
        return first, make_run(records("b", factor), run_id="b", options=options, **of_b)

    return made


def compared(pair: tuple[RunDir, RunDir], *names: str, forced: bool = False) -> tuple[list[str], str, Any]:
    results = pair[0].results
    lines, page = compare_runs(*(names or ("a", "b")), results, forced=forced)
    assert page == results / "compare_a_b" / "comparison.html"
    return lines, page.read_text(), json.loads((page.parent / "comparison.json").read_text())


@pytest.mark.parametrize(("factor", "word"), [(0.6, "worse"), (1.6, "better"), (1.0, "no difference shown")])
def test_what_changed_is_told_with_both_figures_ratio_and_interval(
    pair: Any, factor: float, word: str
) -> None:
    lines, html, found = compared(pair(factor))
    rates = [one for one in found["keys"] if (one["metric"], one["direction"]) == ("rate", "read")]
    assert {one["outcome"] for one in rates} == {word}
    for one in rates:
        assert one["current"] / one["baseline"] == pytest.approx(factor)
        assert one["low"] < factor < one["high"]
    assert (found["run"], found["baseline"], found["unlike"], found["gate"]) == ("b", ["a"], [], None)
    assert lines[0] == "Run b compared with baseline run a, ratios are now / baseline:"
    # The same in the page's own data: side by side, in words, with links to both runs.
    packed = re.search(r'<script type="application/gzip;base64" id="keys-data">(.*?)</script>', html)
    assert packed is not None
    data = json.loads(gzip.decompress(base64.b64decode(packed[1])))
    columns = {column["name"]: column for column in data["columns"]}
    states = columns["state"]["texts"]
    assert word in states
    at = columns["figure"]["values"].index(columns["figure"]["texts"].index("read rate"))
    now, before = columns["current"]["values"][at], columns["baseline"]["values"][at]
    assert now / before == pytest.approx(factor, rel=1e-4)
    assert 'href="../a/report.html"' in html
    assert 'href="../b/report.html"' in html


def test_runs_without_repeats_are_compared_and_what_can_not_be_decided_is_said(pair: Any) -> None:
    _, html, found = compared(pair(0.9, repeats=1))
    assert "inconclusive" in {one["outcome"] for one in found["keys"]}
    assert "No run has repeats, so single figures can hardly be decided" in html


def test_unlike_runs_are_refused_with_the_difference_or_marked_if_that_is_forced(pair: Any) -> None:
    runs = pair(found={"versions": {"odf": "4.21"}})
    with pytest.raises(InputError) as raised:
        compare_runs("a", "b", runs[0].results, forced=False)
    assert str(raised.value) == (
        "--odf-compare: run a is not like run b (odf version: 4.21, not 4.20); "
        "--odf-force-compare compares them all the same, and marks it"
    )
    assert not (runs[0].results / "compare_a_b").exists()
    lines, html, found = compared(runs, forced=True)
    assert found["unlike"] == ["run a is not like run b (odf version: 4.21, not 4.20)"]
    assert "UNLIKE RUNS" in html
    assert any("UNLIKE RUNS" in line for line in lines)


def test_texts_of_runs_stay_texts(pair: Any) -> None:
    runs = pair(found={"server": HOSTILE, "versions": {"odf": HOSTILE}})
    _, html, _ = compared(runs, forced=True)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_runs_are_named_by_folder_too_and_a_baseline_can_be_several(
    pair: Any, make_run: Any, make_record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = pair()
    make_run([make_record(key=KEYS[0], run_id="c", definition="ab" * 32)], run_id="c")
    monkeypatch.chdir(first.results.parent)
    assert compared((first, second), "results/a", str(second.path))[2]["baseline"] == ["a"]
    _, page = compare_runs("a,c", "b", first.results, forced=False)
    assert page.parent.name == "compare_a_and-1-more_b"
    assert json.loads((page.parent / "comparison.json").read_text())["baseline"] == ["a", "c"]
    # No page is taken for a run.
    with pytest.raises(InputError, match=r"\(known: a, b, c\)"):
        compare_runs("a", "nope", first.results, forced=False)


def test_runs_of_one_id_are_told_apart_by_their_folders(pair: Any) -> None:
    first, _ = pair()
    elsewhere = first.results.parent / "after" / "a"
    shutil.copytree(first.path, elsewhere)
    shutil.copytree(first.path, first.results / "copy")
    for name, called in (("copy", ["a", "copy"]), (str(elsewhere), [str(first.path), str(elsewhere)])):
        lines, page = compare_runs("a", name, first.results, forced=False)
        found = json.loads((page.parent / "comparison.json").read_text())
        assert found["baseline"] == called[:1]
        assert f"Run {called[1]} compared with baseline run {called[0]}," in lines[0]
        assert f"{called[1]} compared with {called[0]}" in page.read_text()


def test_what_can_not_be_compared_is_said_in_one_line(make_run: Any, make_record: Any) -> None:
    make_run([make_record(key=KEYS[0], definition="ab" * 32)], run_id="one")
    make_run([make_record(key=KEYS[1], definition="ab" * 32)], run_id="other")
    results = make_run(run_id="empty").results
    for names, said in (
        (("one", "one"), "--odf-compare names run one twice"),
        (("one", "empty"), "--odf-compare: run empty has no valid result"),
        (("one", "other"), "--odf-compare: runs one and other have no key in common"),
        (("", "one"), "--odf-compare: a run's name is empty"),
        (("one", "/etc"), "--odf-compare '/etc': run 'etc' is not in /"),
    ):
        with pytest.raises(InputError) as raised:
            compare_runs(*names, results, forced=False)
        assert str(raised.value).startswith(said)
        assert "\n" not in str(raised.value)

"""Many folders of runs, and the page over them."""

from __future__ import annotations

import base64
import gzip
import json
import random
import re
import shutil
from dataclasses import replace
from math import exp
from pathlib import Path
from typing import Any

import pytest
from report_runs.page_details import details_of

from pytest_odfperf.errors import InputError
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.run.reports.across_runs.trend_runs import trend_runs

KEYS = [f"rep3:small:150Gi:1:random-rw:{size}" for size in ("4k", "64k")]
HOSTILE = '</script><script>alert(1)</script>\n& "q" \' =1+1'


@pytest.fixture
def course(make_run: Any, make_record: Any) -> Any:
    """Make runs ``n0``, ``n1`` and so on, a day apart; ``rates`` are the first key's, the other has 1000."""

    def made(rates: list[float], of_run: Any = lambda _: {}, of_record: Any = lambda *_: {}) -> Path:
        rng = random.Random(1)
        for run, rate in enumerate(rates):
            records = []
            for key, level in zip(KEYS, (rate, 1000.0), strict=True):
                own = make_record(key=key, run_id=f"n{run}", definition="ab" * 32)
                # Latency has no course of its own here.
                read = replace(own.read, iops_per_s=level * exp(rng.gauss(0, 0.005)))
                own = replace(own, read=read, jobs=(replace(own.jobs[0], read=read),))
                records.append(replace(own, **of_record(run, key)))
            started = f"2026-11-{run + 1:02}T02:00:00.000+00:00"
            run_dir = make_run(records, run_id=f"n{run}", started_at=started, **of_run(run))
        return run_dir.results

    return made


def trend(results: Path, *names: str, sentinels: tuple[str, ...] = ()) -> tuple[list[str], str, Any]:
    lines, page = trend_runs(names or ("all",), results, sentinels)
    assert page == results / "trend_m" / "trend.html"
    return lines, page.read_text(), json.loads((page.parent / "trend.json").read_text())


def rate_of(found: Any, key: str) -> Any:
    return next(one for one in found["courses"] if (one["key"], one["metric"]) == (key, "rate"))


def data(html: str, name: str) -> Any:
    found = re.search(rf'<script type="application/([^"]*)" id="{name}">(.*?)</script>', html)
    assert found is not None
    plain = found[2] if found[1] == "json" else gzip.decompress(base64.b64decode(found[2]))
    return json.loads(plain)


def test_a_change_is_told_at_its_run_with_the_version_that_changed_with_it(course: Any) -> None:
    versions = [{"odf": "4.20"}] * 6 + [{"odf": "4.21"}] * 4
    nodes = [["CoreOS 9.6, kernel 5.14"]] * 9 + [["CoreOS 9.8"]]
    results = course(
        [1000.0] * 6 + [700.0] * 4,
        lambda run: {"found": {"versions": versions[run], "node_software": nodes[run]}},
    )
    lines, html, found = trend(results, sentinels=("*:*:*:*:*:64k",))
    changed, steady = rate_of(found, KEYS[0]), rate_of(found, KEYS[1])
    assert (changed["state"], steady["state"]) == ("worse", "steady")
    (change,) = changed["pieces"][0]["changes"]
    assert (change["run"], change["outcome"]) == (6, "worse")
    assert change["ratio"] == pytest.approx(0.7, rel=0.02)
    assert [run["marks"] for run in found["runs"]] == [[]] * 6 + [["odf 4.20 → 4.21"]] + [[]] * 2 + [
        ["nodes CoreOS 9.6, kernel 5.14 → CoreOS 9.8"]
    ]
    assert any("since n6 (2026-11-07 02:00; odf 4.20 → 4.21): 1 worse" in line for line in lines)
    assert (steady["sentinel"], changed["sentinel"]) == (True, False)
    # The page has the same: the sentinel first, each run's figure in the details, the mark, ways to the runs.
    columns = {column["name"]: column for column in data(html, "keys-data")["columns"]}
    assert columns["bs"]["texts"][columns["bs"]["values"][0]] == "64k"
    shared = data(html, "courses-data")
    assert shared["runs"][6] == ["n6", "2026-11-07 02:00", "../n6/"]
    assert shared["marks"][0][-1] == "odf 4.20 → 4.21"
    opened = next(
        one for one in details_of(html) if one["parts"][0]["course"]["name"] == f"{KEYS[0]} read rate"
    )
    rows = opened["parts"][0]["course"]["rows"]
    assert [row[0] for row in rows if row[1] == "mean"] == list(range(1, 11))
    assert [row[0] for row in rows if row[1] == "change"] == [7]


def test_other_definitions_split_a_course_invalid_results_leave_a_gap_suspect_ones_are_marked(
    course: Any,
) -> None:
    def of_record(run: int, key: str) -> Any:
        doubt = Doubt(code="stall", level="invalid", text="stood still", figures={})
        if key == KEYS[0] and run == 2:
            return {"verdict": "invalid", "doubts": (doubt,)}
        if key == KEYS[0] and run == 3:
            return {"verdict": "suspect", "doubts": (replace(doubt, code="noisy", level="suspect"),)}
        return {}

    # From the fifth run on pools are measured at one time: another thing, so no change.
    results = course(
        [1000.0] * 5 + [500.0] * 5,
        lambda run: {"options": {"parallel": 2 if run > 4 else None}, "definition": ("ab" * 32)},
        of_record,
    )
    _, html, found = trend(results)
    one = rate_of(found, KEYS[0])
    assert one["state"] == "steady"
    assert [[point["run"] for point in piece["points"]] for piece in one["pieces"]] == [
        [0, 1, 3, 4],
        [5, 6, 7, 8, 9],
    ]
    assert one["gaps"] == {"2": "stall"}
    assert one["pieces"][0]["points"][2]["doubts"] == "noisy"
    assert found["runs"][5]["marks"][0] == "pools: one after the other → several at once"
    assert "4 keys are measured otherwise" in found["runs"][5]["marks"]
    rows = next(d for d in details_of(html) if "4k read rate" in d["parts"][0]["course"]["name"])["parts"][0][
        "course"
    ]["rows"]
    assert {row[1] for row in rows} >= {"suspect mean", "invalid"}


def test_a_new_hash_of_the_same_definition_is_the_same(course: Any) -> None:
    results = course(
        [1000.0] * 5 + [700.0] * 4,
        lambda run: {"definition": "ab" * 32 if run < 5 else "cd" * 32},
        lambda run, _: {"definition": "ab" * 32 if run < 5 else "cd" * 32},
    )
    one = rate_of(trend(results)[2], KEYS[0])
    assert len(one["pieces"]) == 1
    assert one["state"] == "worse"


def test_texts_of_runs_stay_texts(course: Any) -> None:
    results = course(
        [1000.0] * 5,
        lambda run: {"found": {"versions": {"odf": HOSTILE if run > 2 else "4.20"}}, "ended_by": HOSTILE},
    )
    _, html, _ = trend(results)
    assert "alert(1)" in html
    assert "<script>alert" not in html


def test_runs_are_found_by_glob_by_all_and_by_name_and_those_without_figures_are_left_out(
    course: Any, make_run: Any, make_record: Any
) -> None:
    results = course([1000.0] * 4)
    make_run(run_id="empty")
    (results / "torn").mkdir()
    (results / "torn" / "run.json").write_text("{")
    lines, html, found = trend(results)
    assert [run["run_id"] for run in found["runs"]] == ["n0", "n1", "n2", "n3"]
    assert "run empty has no valid result" in found["left_out"]
    assert any("torn" in text for text in found["left_out"])
    assert "run empty has no valid result" in html
    assert any("left out: run empty" in line for line in lines)
    assert len(trend(results, "n[0-2]")[2]["runs"]) == 3
    assert len(trend(results, "n3", str(results / "n0"), "n1", "n1")[2]["runs"]) == 3


def test_a_copy_of_a_run_is_no_second_run(course: Any) -> None:
    results = course([1000.0] * 3)
    shutil.copytree(results / "n1", results / "n1-copy")
    found = trend(results)[2]
    assert [run["run_id"] for run in found["runs"]] == ["n0", "n1", "n2"]
    assert any("n1-copy is the same run as " in text for text in found["left_out"])


def test_what_can_not_be_shown_is_said_in_one_line(course: Any) -> None:
    results = course([1000.0] * 4)
    for names, sentinels, said in (
        (("n0", "n1"), (), "--odf-trend needs 3 runs with valid results, there are 2"),
        (("x*",), (), "--odf-trend 'x*': no run in "),
        (("n0", "nope"), (), "--odf-trend 'nope': run 'nope' is not in "),
        (("all",), ("a:b",), "--odf-sentinel 'a:b' has 2 fields, not 6"),
        (("all",), ("no:*:*:*:*:*",), "--odf-sentinel 'no:*:*:*:*:*' matches no key of these runs"),
    ):
        with pytest.raises(InputError) as raised:
            trend_runs(names, results, sentinels)
        assert str(raised.value).startswith(said)
        assert "\n" not in str(raised.value)

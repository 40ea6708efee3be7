"""What GitLab and Jenkins show of junit.xml, by their documented fields (docs/junit.md)."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from junit_readers import Seen, as_gitlab, as_jenkins

from pytest_odfperf.measure.limits.limit_outcome import BROKEN, LimitOutcome
from pytest_odfperf.measure.record import Record
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.measure.verdicts.rule_table import NEXT_STEPS
from pytest_odfperf.report.junit.junit_suites import render_junit
from pytest_odfperf.run.reports.ci_places import ci_places
from pytest_odfperf.run.reports.run_reading import read_run_content
from pytest_odfperf.store.run_dir import RunDir

TEST = "odfperf::test_storage[rep3:small:150Gi:1:random-rw:4k]"
WHY = "read p99 is 6.98 ms in one measurement, without repeats"
OUTCOME = LimitOutcome(
    limit="read p99 < 5ms", figure_name="read p99", outcome="broken", why=WHY, figure=6.98e6
)
DOUBT = Doubt(code="page_cache", level="invalid", text="guest vm-0: read at 40 GB/s, the device gives 2")
SUSPECT = Doubt(code="unlike_guests", level="suspect", text="fio 3.33 and 3.39")
STEP = "; next: give the VM more room; diagnosis: rep3/small/150Gi/1/diagnosis/1"
SAYS = {
    "limit": (
        {
            "status": "failed",
            "reason": f"limit broken: read p99 < 5ms: {WHY}",
            "reason_code": BROKEN,
            "limits": (OUTCOME,),
            "verdict": "valid",
        },
        "failure",
        ["6.98 ms", "read p99 < 5ms", "without repeats", "next: ", "rep3/pool.log"],
        ["rep3/pool.log", "rep3/vm-0-fio.json"],
    ),
    "invalid": (
        {
            "status": "failed",
            "reason": f"invalid page_cache: {DOUBT.text}",
            "reason_code": "page_cache",
            "doubts": (DOUBT, SUSPECT),
            "verdict": "invalid",
        },
        "failure",
        ["40 GB/s", "the device gives 2", "unlike_guests", NEXT_STEPS["unlike_guests"]],
        ["rep3/pool.log", "rep3/vm-0-fio.json"],
    ),
    "invalid and odf_invalid=skip": (
        {
            "status": "skipped",
            "reason": f"invalid page_cache: {DOUBT.text}",
            "reason_code": "page_cache",
            "doubts": (DOUBT,),
            "verdict": "invalid",
        },
        "skipped",
        ["40 GB/s", "page_cache"],
        None,
    ),
    "environment": (
        {
            "status": "error",
            "reason": f"no_room: VM vm-0 found no node{STEP}",
            "reason_code": "no_room",
            "diagnosis": "rep3/small/150Gi/1/diagnosis/1",
        },
        "error",
        ["no_room", "next: give the VM more room", "rep3/small/150Gi/1/diagnosis/1"],
        ["rep3/small/150Gi/1/diagnosis/1/error.txt", "rep3/pool.log"],
    ),
    "skipped": (
        {"status": "skipped", "reason": "pool rep3 can not run: it is gone"},
        "skipped",
        ["it is gone"],
        [],
    ),
    "suspect": (
        {"doubts": (SUSPECT,), "verdict": "suspect"},
        None,
        [],
        ["rep3/pool.log", "rep3/vm-0-fio.json"],
    ),
    "passed": ({"verdict": "valid"}, None, [], []),
}


@pytest.fixture
def show(
    make_run: Callable[..., RunDir], make_record: Callable[..., Record], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Seen, Seen, ET.Element]]:
    """What both readers show of the one record of a run."""

    def found(**changes: object) -> tuple[Seen, Seen, ET.Element]:
        run_dir = make_run([make_record(test=TEST, **changes)], pools=["rep3"])
        texts = []
        monkeypatch.chdir("/")
        for name, value in (
            ("JENKINS_URL", "https://ci.test"),
            ("CI_PROJECT_DIR", str(run_dir.results.parent)),
        ):
            for one in ("JENKINS_URL", "CI_PROJECT_DIR"):
                monkeypatch.delenv(one, raising=False)
            monkeypatch.setenv(name, value)
            content = read_run_content(run_dir)
            texts.append(ET.fromstring(render_junit(content, ci_places(content))))
        jenkins, gitlab = texts
        return as_gitlab(gitlab)[0], as_jenkins(jenkins)[0], gitlab

    return found


@pytest.mark.parametrize("sort", SAYS)
def test_each_outcome_is_where_a_ci_user_looks_for_it(
    sort: str, show: Callable[..., tuple[Seen, Seen, ET.Element]], tmp_path: Path
) -> None:
    changes, status, words, files = SAYS[sort]
    gitlab, jenkins, root = show(artefacts=("rep3/vm-0-fio.json",), **changes)
    assert (gitlab.suite, gitlab.name) == ("odfperf", TEST.partition("::")[2])
    assert (gitlab.suite, gitlab.name, gitlab.time) == (jenkins.suite, jenkins.name, jenkins.time)
    assert gitlab.status == (status or "success")
    assert jenkins.status == (status or "passed")
    for word in words:
        # GitLab shows no message, so the text has all of it.
        assert word in gitlab.text
        assert word in jenkins.text
    if files is not None:
        shown = files[:1] if status in ("failure", "error") else []
        assert gitlab.attachments == tuple(f"results/perf-1/{file}" for file in shown)
        assert jenkins.attachments == tuple(f"{tmp_path}/results/perf-1/{file}" for file in files)
    properties = {one.get("name"): one.get("value") for one in root.iter("property")}
    assert properties.get("verdict") == changes.get("verdict")
    assert properties.get("reason_code") == changes.get("reason_code")
    end = root.find(".//failure")
    assert end is None or end.get("type") == changes["reason_code"]
    if sort == "suspect":
        assert "suspect result: suspect unlike_guests: fio 3.33 and 3.39; next: " in str(
            root.findtext(".//system-out")
        )
        assert "unlike_guests: fio 3.33 and 3.39" in str(properties["doubts"])

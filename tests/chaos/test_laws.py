"""The laws themselves: each is broken once, and must say so."""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from campaign.attempt import Attempt, Effect, Place
from campaign.campaign import sandbox
from campaign.laws import allowed_codes, empty, judge
from campaign.plan import Disturbance, Moment, RunPlan
from campaign.processes import MARK, marked
from campaign.rounds import Played
from campaign.setting import SIMULATED
from campaign.snapshot import Line, read

KEYS = ["fast:tiny:10Gi:1:one:4k", "fast:tiny:10Gi:1:one:64k"]
PLAN = RunPlan(("fast",), (1,), ("4k", "64k"), ("--odf",), "file", (), False)


def page_of(keys: Iterable[str]) -> str:
    """As much of a report as the laws look at."""
    fields = zip(*(key.split(":") for key in keys), strict=True)
    names = ("pool", "size", "pvc", "vms", "profile", "bs")
    columns = [{"name": name, "values": list(own)} for name, own in zip(names, fields, strict=True)]
    columns.append({"name": "state", "values": ["passed"] * len(columns[0]["values"])})
    data = b64encode(gzip.compress(json.dumps({"columns": columns}).encode())).decode()
    return f'<html><script type="application/gzip;base64" id="keys-data">{data}</script></html>\n'


def write_run(run: Path, statuses: dict[str, str]) -> None:
    """A run's folder as a run of these statuses leaves it."""
    (run / "fast").mkdir(parents=True)
    lines = [
        {"key": key, "status": status, "definition": "d", "reason": None} for key, status in statuses.items()
    ]
    (run / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    cases = {"passed": "", "failed": "<failure/>"}
    (run / "junit.xml").write_text(
        "<testsuites><testsuite>"
        + "".join(
            f'<testcase name="test_storage[{key}]">{cases[status]}</testcase>'
            for key, status in statuses.items()
        )
        + "</testsuite></testsuites>"
    )
    header = "storage_pool,vm_size,pvc_size,concurrency,fio_profile,block_size,status\n"
    rows = "".join(",".join([*key.split(":"), status]) + "\n" for key, status in statuses.items())
    (run / "results.csv").write_text(header + rows)
    (run / "report.html").write_text(page_of(statuses))
    passed = list(statuses.values()).count("passed")
    (run / "fast" / ".pool-summary").write_text(f"{len(statuses)} {passed} {len(statuses) - passed} 0\n")
    (run / "run.json").write_text(json.dumps({"ended_at": "now", "left": []}))


@pytest.fixture
def played(tmp_path: Path) -> Played:
    """An interrupted attempt that measured one key, and the resume that measured the other."""
    place = Place(tmp_path, "none", SimpleNamespace())  # type: ignore[arg-type]
    place.tmp.mkdir()
    first, whole = tmp_path / "first", place.run("r")
    write_run(first, {KEYS[0]: "passed"})
    write_run(whole, dict.fromkeys(KEYS, "passed"))
    interrupted = Attempt(
        command=[], run_id="r", disturbances=(Disturbance("signal", Moment()),), code=143, hung=False,
        out="odfperf: run r\nodfperf: deleted 1 VirtualMachine\nodfperf: go on with: pytest --odf-resume r",
        began_s=0.0, ended_s=9.0, lines_before=0, seen=read(first),
        effects=[Effect("signal", "controller", signal.SIGTERM, 5.0, True)],
    )  # fmt: skip
    resume = Attempt(
        command=[], run_id="r", disturbances=(), code=0, hung=False, out="odfperf: run r\n",
        began_s=10.0, ended_s=19.0, lines_before=1, seen=read(whole),
    )  # fmt: skip
    return Played(PLAN, place, SIMULATED, ["r"], [interrupted, resume])


def test_a_run_that_was_interrupted_and_resumed_breaks_nothing(played: Played):
    assert judge(played) == []


def change(**fields: Any) -> Callable[[Played], None]:
    """Fields of the last attempt."""

    def apply(played: Played) -> None:
        for name, value in fields.items():
            setattr(played.attempts[-1], name, value)

    return apply


def change_first(**fields: Any) -> Callable[[Played], None]:
    def apply(played: Played) -> None:
        for name, value in fields.items():
            setattr(played.attempts[0], name, value)

    return apply


def seen(**fields: Any) -> Callable[[Played], None]:
    """What the last attempt left."""

    def apply(played: Played) -> None:
        played.attempts[-1].seen = dataclasses.replace(played.attempts[-1].seen, **fields)

    return apply


SECOND = Effect("signal", "second controller", signal.SIGTERM, 5.0, True)
HEARD = "odfperf: run r\nodfperf: second signal (SIGTERM), ending at once"
PASSED = [Line(key, "passed", "d", "") for key in KEYS]


@pytest.mark.parametrize(
    ("breaks", "words"),
    [
        (seen(lines=[*PASSED, PASSED[1]]), f"results: {KEYS[1]} passed 2 times"),
        (seen(lines=[*PASSED, PASSED[0]]), f"results: {KEYS[0]} was run again after it passed"),
        (seen(lines=PASSED[:1]), f"results: {KEYS[1]} has not passed: no result"),
        (seen(lines=[PASSED[0], Line(KEYS[1], "failed", "d", "why")]), "has not passed: failed, why"),
        (seen(lines=[*PASSED, Line("alien:key", "passed", "d", "")]), "results: alien:key was not asked for"),
        (seen(lines=[PASSED[1], PASSED[0]]), "results: records were lost"),
        (seen(junit=None), "reports: attempt 2: no junit"),
        (seen(junit={KEYS[0]: ["passed"]}), f"junit.xml: {KEYS[1]} is []"),
        (seen(junit={KEYS[0]: ["passed"], KEYS[1]: ["failed"]}), f"junit.xml: {KEYS[1]} is ['failed']"),
        (seen(junit={KEYS[0]: ["passed"], KEYS[1]: ["passed", "passed"]}), f"junit.xml: {KEYS[1]} is there"),
        (seen(csv={KEYS[0]: {"passed"}}), f"results.csv: {KEYS[1]} is None"),
        (seen(html={KEYS[0]}), f"report.html: no {KEYS[1]}"),
        (seen(summaries={"fast": (1, 1, 0, 0)}), "fast/.pool-summary: (1, 1, 0, 0)"),
        (seen(run={"ended_at": "now", "left": ["VirtualMachine x"]}), "run.json: left is"),
        (seen(run={"left": []}), "run.json: no ended_at"),
        (change(code=1), "codes: attempt 2: 1 is none of [0]"),
        (change_first(code=2), "codes: attempt 1: 2 is none of [143]"),
        (
            change(effects=[Effect("resume beside", "--odf-resume r: 0", 0, 12.0, True)]),
            "codes: attempt 2 was alive, and not left alone: resume beside, --odf-resume r: 0",
        ),
        (change(beside=["Traceback (most recent call last):"]), "output: attempt 2, beside it: Traceback"),
        (change(out="odfperf: run r\nTraceback (most recent call last):"), "output: attempt 2: "),
        (change_first(out="odfperf: run r\nodfperf: deleted nothing"), "no --odf-resume"),
        (change(out="odfperf: run r\ncould not be deleted: VM x"), "output: attempt 2: "),
        (change_first(ended_s=90.0), "time: attempt 1: ended 85.0 s after"),
        (change_first(effects=[SECOND], ended_s=11.0), "time: attempt 1: ended 6.0 s after second"),
        (
            change_first(effects=[SECOND], ended_s=26.0, out=HEARD),
            "time: attempt 1: ended 21.0 s after",
        ),
        (change(hung=True), "time: attempt 2 had not ended"),
    ],
)
def test_a_broken_law_is_told(played: Played, breaks: Callable[[Played], None], words: str):
    breaks(played)
    assert [line for line in judge(played) if words in line], judge(played)


def test_a_second_signal_that_was_heard_may_be_slow_on_a_busy_machine(played: Played):
    change_first(effects=[SECOND], ended_s=11.0, out=HEARD)(played)
    assert [line for line in judge(played) if line.startswith("time")] == []


X_ENDED_IT = "odfperf: run r\n!!! xdist.dsession.Interrupted: stopping after 1 failures !!!\n"


@pytest.mark.parametrize(
    ("kind", "out", "codes"),
    [
        ("token", "ERROR: 401 Unauthorized", {0, 4}),
        ("token", "odfperf: run r\n", {0}),
        ("api restart", "ERROR: the cluster at https://x can not be used (tried for 3 s)", {0, 4}),
        ("api restart", "odfperf: run r\n", {0}),
        ("signal", X_ENDED_IT, {2, 143}),
        ("machine deleted", "odfperf: run r\n", {0, 1}),
        ("signal", "odfperf: run r\n", {143}),
    ],
)
def test_what_may_have_come_first_is_allowed_where_the_output_shows_it(
    played: Played, kind: str, out: str, codes: set[int]
):
    attempt = played.attempts[0]
    attempt.effects = [Effect(kind, "worker", 15, attempt.ended_s - 3.0, True)]
    attempt.out = out
    assert allowed_codes(attempt, lossy=False) == codes


def test_a_torn_report_is_told(played: Played):
    run = played.run
    for name in ("junit.xml", "report.html", "run.json"):
        (run / name).write_text((run / name).read_text()[:-12])
    seen_problems = read(run).problems
    assert [problem.partition(":")[0] for problem in seen_problems] == [
        "junit.xml",
        "run.json",
        "report.html",
    ]


def test_a_file_that_is_left_in_tmpdir_is_told(played: Played):
    (played.place.tmp / "file").touch()
    assert judge(played) == []  # a worker may have been ended in the middle
    played.attempts[0].effects = []
    played.attempts[0].code = 0
    played.attempts[0].disturbances = ()
    assert judge(played) == ["files: in TMPDIR: file"]


@pytest.mark.parametrize("content", ["-----BEGIN EC PRIVATE KEY-----", "x secret-token y"])
def test_a_secret_that_is_left_in_tmpdir_is_told_whatever_happened(played: Played, content: str):
    played.place.token = "secret-token"
    (played.place.tmp / "file").write_text(content)
    assert judge(played) == ["files: a secret in TMPDIR: file"]


def test_a_process_that_is_left_is_told(played: Played):
    sleeper = subprocess.Popen(
        [sys.executable, "-c", "import time; print(1, flush=True); time.sleep(60)"],
        env={**os.environ, MARK: "left"},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        sleeper.stdout.readline()
        played.processes = marked("left")
        assert [line.partition(" is left")[0] for line in judge(played)] == [
            f"processes: process {sleeper.pid}"
        ]
    finally:
        sleeper.kill()
        sleeper.communicate()


def test_an_object_that_is_left_is_told(tmp_path: Path, played: Played):
    with sandbox(SIMULATED, tmp_path / "sandbox") as cluster:
        before = cluster.objects()
        body = {"metadata": {"name": "odfperf-r", "labels": {"odfperf/run-id": "r"}}}
        cluster.call("POST", "/api/v1/namespaces/perf/configmaps", body)
        left = cluster.left(before, 0.0)
        assert empty(left) == ["empty: configmaps/odfperf-r of run r is left"]
        played.left = left
        assert judge(played) == ["objects: configmaps/odfperf-r of run r is left"]
        cluster.call("DELETE", "/api/v1/namespaces/perf/configmaps/odfperf-r")
        assert cluster.left(before, 10.0) == {}

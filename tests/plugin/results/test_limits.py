"""Limits of the matrix: what breaks one fails, also in a resume that measures nothing."""

from __future__ import annotations

from typing import Any

LIMITS = """
limits:
  "fast:*:*:*:*:4k": ["write p99 < {p99}", "read iops >= 1"]
"""
BROKEN = "test_storage[fast:tiny:10Gi:1:random-rw:4k{}]"


def write(bed: Any, name: str, p99: str) -> str:
    text = (bed.folder / "short.yaml").read_text()
    (bed.folder / name).write_text(text + LIMITS.format(p99=p99))
    return f"--odf-matrix={name}"


def failures(outcome: Any) -> dict[str, str]:
    return {
        str(case.get("name")): str(failure.get("message"))
        for case in outcome.cases()
        for failure in case.iter("failure")
    }


def test_a_broken_limit_fails_and_a_resume_judges_by_its_own_without_measuring_again(bed: Any) -> None:
    hard, soft = write(bed, "hard.yaml", "1us"), write(bed, "soft.yaml", "10s")
    first = bed.run("--odf-parallel=1", hard, "--odf-pool=fast", "--odf-run-id=lim", "--odf-csv=original")
    assert first.code == 1, first.out
    (said,) = failures(first).values()
    assert set(failures(first)) == {BROKEN.format("")}
    assert said.startswith("limit broken: write p99 < 1us: write p99 is ")
    assert "in one measurement, without repeats" in said
    records = {record["key"].rpartition(":")[2]: record for record in first.records()}
    assert [one["outcome"] for one in records["4k"]["limits"]] == ["broken", "met"]
    assert (records["4k"]["status"], records["4k"]["reason_code"]) == ("failed", "limit_broken")
    assert (records["64k"]["status"], records["64k"]["limits"]) == ("passed", [])
    assert "Limits: 1 broken, 1 met (2 by one measurement, without repeats)" in first.lines
    (case,) = [case for case in first.cases() if case.get("name") == BROKEN.format("")]
    properties = {one.get("name"): str(one.get("value")) for one in case.iter("property")}
    assert properties["limit.write p99 < 1us"].startswith("broken: ")
    assert "limit broken: write p99 < 1us" in first.page()
    assert "broken: write p99 < 1us" in (first.run / "results-keys.csv").read_text()

    metrics = (first.run / "metrics.prom").read_text()
    assert 'odfperf_tests{pool="fast",state="limit_broken"} 1\n' in metrics
    assert "odfperf_progress_ratio 1.0\n" in metrics

    unchanged = bed.run("--odf-resume", "lim")
    assert unchanged.code == 1, unchanged.out
    assert set(failures(unchanged)) == {BROKEN.format("")}
    assert len(unchanged.records()) == 2, "nothing is measured, nothing changed"
    # A resume keeps the columns, unless it is told others.
    head, *rows = (unchanged.run / "results.csv").read_text().splitlines()
    assert head.startswith('"storage_pool","vm_size",')
    assert head.endswith('"write_lat_avg_ms","write_lat_p99_ms"')
    assert [row.count(",") for row in rows] == [14] * sum(
        len(job["guests"][0]["jobs"]) for job in first.records()
    )
    eased = bed.run("--odf-resume", "lim", soft, "--odf-csv=full")
    assert ",scope," in (eased.run / "results.csv").read_text().splitlines()[0]
    assert eased.code == 0, eased.out
    assert failures(eased) == {}
    assert len(eased.cases()) == 2
    (again,) = eased.records()[2:]
    assert (again["status"], again["reason"]) == ("passed", None)
    assert again["guests"] == records["4k"]["guests"], "it is the same measurement"
    assert "Limits: 2 met (2 by one measurement, without repeats)" in eased.lines

    # With repeats the last one decides, by all of them; the first is taken back.
    repeated = bed.run("--odf-resume", "lim", hard, "--odf-repeat", "3")
    assert repeated.code == 1, repeated.out
    assert set(failures(repeated)) == {BROKEN.format("-r3")}
    last = {record["test"]: record for record in repeated.records()}[f"odfperf::{BROKEN.format('-r3')}"]
    assert (last["limits"][0]["repeats"], last["over_repeats"]["valid"]) == (3, 3)
    assert last["limits"][0]["low"] <= last["limits"][0]["figure"] <= last["limits"][0]["high"]
    assert any(line.startswith("Repeats: of 2 keys ") for line in repeated.lines)
    assert "3 repeats" in repeated.page() or "3 valid" in repeated.page()


def test_a_limit_that_can_not_be_judged_ends_the_run_before_it_begins(bed: Any) -> None:
    matrix = write(bed, "wrong.yaml", "5")
    refused = bed.run("--odf", matrix)
    assert refused.code == 4
    assert "wrong.yaml:15: limit 'write p99 < 5': '5' is not a time such as 800us, 5ms or 1.5s" in refused.out
    matrix = write(bed, "missing.yaml", "5ms")
    text = (bed.folder / "missing.yaml").read_text()
    (bed.folder / "missing.yaml").write_text(text.replace('"fast:', '"fats:'))
    refused = bed.run("--odf", matrix)
    assert refused.code == 4
    assert "missing.yaml:15: limits pattern 'fats:*:*:*:*:4k' matches no key of the matrix" in refused.out
    assert "Traceback" not in refused.out
    assert not (bed.folder / "results").exists()

"""What a cluster is like at the moment, and what a run makes of it."""

from __future__ import annotations

from typing import Any

ONE_KEY = ("--odf-matrix", "short.yaml", "--odf-filter", "*:*:*:*:*:4k")


def test_a_pool_that_is_not_ready_is_measured_on_request_and_every_report_says_so(bed: Any) -> None:
    pool = ("--odf-extra-sc", "lost", "--odf-pool", "lost")
    refused = bed.run("--odf", *ONE_KEY, *pool)
    assert refused.code == 4, refused.out
    assert "no pool can run: lost: CephBlockPool gone is Failure, not Ready" in refused.out
    outcome = bed.run("--odf", *ONE_KEY, *pool, "--odf-allow-not-ready", "lost")
    assert outcome.code == 0, outcome.out
    said = "CephBlockPool gone is Failure, not Ready, and measured all the same (allow_not_ready)"
    assert f"odfperf: pool lost: {said}" in outcome.out
    (record,) = outcome.records()
    assert record["notes"] == [f"pool lost: {said}"]
    for name in ("junit.xml", "report.html", "lost/pool.log", "run.json"):
        assert said in (outcome.run / name).read_text(), name

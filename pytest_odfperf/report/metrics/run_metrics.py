"""What metrics.prom says of a run: docs/metrics.md has a row for each name here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pytest_odfperf.measure.limits.limit_outcome import OUTCOMES
from pytest_odfperf.report.content.result_state import STATES
from pytest_odfperf.report.content.run_content import RunContent, RunFacts
from pytest_odfperf.report.decisions_text import judged
from pytest_odfperf.report.metrics.key_metrics import key_families
from pytest_odfperf.report.metrics.metric_text import Family, labels_text, metric_text

#: Of the versions of a run, those that a figure may hang on.
_VERSIONS = ("pytest-odfperf", "kubernetes", "openshift", "odf", "ceph", "kubevirt", "cdi")


def render_metrics(content: RunContent) -> str:
    """The whole file."""
    return metric_text([*_run_families(content), *_counts(content), *key_families(content)])


def _run_families(content: RunContent) -> Iterator[Family]:
    info = Family(name="odfperf_run_info", help="A run that is told of here; always 1.")
    started = Family(name="odfperf_run_started_timestamp_seconds", help="When the run began.", unit="seconds")
    ended = Family(
        name="odfperf_run_ended_timestamp_seconds",
        help="When the run came to its end, early or not; absent while it goes on, or if it was killed.",
        unit="seconds",
    )
    for run in content.runs:
        info.samples.append((labels_text(_info(run)), 1))
        own = labels_text({"run_id": run.run_id})
        for family, name in ((started, "started_at"), (ended, "ended_at")):
            if (instant := _epoch_s(run.content.get(name))) is not None:
                first = content.first_start_s(run) if family is started else None
                family.samples.append((own, instant if first is None else min(instant, first)))
    last_ms = max((record.ended_at_epoch_ms for record in content.records), default=None)
    last = Family(
        name="odfperf_last_result_timestamp_seconds",
        help="When the last test with a result ended.",
        unit="seconds",
    )
    if last_ms is not None:
        last.samples.append(("", last_ms / 1000))
    made = Family(
        name="odfperf_metrics_renewed_timestamp_seconds",
        help="When the run that goes on was looked at for this text.",
        unit="seconds",
    )
    alive = Family(name="odfperf_run_alive", help="Whether somebody measured the run then: 1 or 0.")
    for run in content.runs:
        if run.progress is not None:
            own = labels_text({"run_id": run.run_id})
            made.samples.append((own, run.progress.read_at.timestamp()))
            alive.samples.append((own, float(run.progress.alive)))
    yield alive
    yield from (info, started, ended, last, made)


def _info(run: RunFacts) -> dict[str, str]:
    options = _mapping(run.content.get("options"))
    found = _mapping(run.content.get("found"))
    versions = _mapping(found.get("versions")) | _mapping(run.content.get("versions"))
    if "kubernetes" in _mapping(found.get("versions")):
        # The other one is the Python client's.
        versions["kubernetes"] = _mapping(found.get("versions"))["kubernetes"]
    return {
        "run_id": run.run_id,
        "matrix": str(_mapping(run.content.get("matrix")).get("name") or ""),
        "cluster": str(found.get("server") or options.get("cluster") or ""),
        "marking": str(run.content.get("marking") or ""),
        "ended_by": str(run.content.get("ended_by") or ""),
        **{f"{name.replace('-', '_')}_version": str(versions.get(name) or "") for name in _VERSIONS},
    }


def _counts(content: RunContent) -> Iterator[Family]:
    planned, done = len(content.tests), len(content.records)
    yield Family(
        name="odfperf_tests_planned", help="Tests that the run has or should have.", samples=[("", planned)]
    )
    yield Family(name="odfperf_tests_done", help="Tests that have a result.", samples=[("", done)])
    yield Family(
        name="odfperf_progress_ratio",
        help="Tests that have a result, of those that are planned.",
        unit="ratio",
        samples=[("", done / planned)] if planned else [],
    )
    states = Counter((test.key.pool, test.state) for test in content.tests)
    yield Family(
        name="odfperf_tests",
        help="Tests by pool and state.",
        samples=[
            (labels_text({"pool": pool, "state": state}), states[pool, state])
            for pool in content.pools
            for state in STATES
        ],
    )
    doubts = Counter(
        (doubt.code, doubt.level)
        for one in content.records
        for doubt in {d.code: d for d in one.doubts}.values()
    )
    yield Family(
        name="odfperf_doubted_tests",
        help="Tests by what makes them suspect or invalid (docs/verdicts.md).",
        samples=[
            (labels_text({"code": code, "level": level}), number)
            for (code, level), number in sorted(doubts.items())
        ],
    )
    outcomes = Counter(outcome.outcome for _, outcome in judged(content.records))
    yield Family(
        name="odfperf_limits",
        help="Limits of the matrix by what they came to.",
        samples=[(labels_text({"outcome": word}), outcomes[word]) for word in OUTCOMES if outcomes],
    )
    gates = [gate for run in content.runs if (gate := _mapping(_mapping(run.comparison).get("gate")))]
    yield Family(
        name="odfperf_confirmed_regressions",
        help="Figures that are worse than the baseline's, measured again and confirmed.",
        samples=[("", sum(_confirmed(gate) for gate in gates))] if gates else [],
    )


def _confirmed(gate: Mapping[str, Any]) -> int:
    cells = gate.get("cells")
    return sum(
        isinstance(cell, dict) and cell.get("outcome") == "confirmed"
        for cell in (cells if isinstance(cells, list) else ())
    )


def _mapping(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _epoch_s(value: object) -> float | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found.timestamp() if found.tzinfo else None

"""The suites of a run: one for each pool, with all its tests, its gate, and the VMs that stayed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from pytest_odfperf.matrix.keys import SHIPPED_NODE
from pytest_odfperf.report.content.result_state import state_of
from pytest_odfperf.report.content.run_content import RunContent, RunFacts, RunTest
from pytest_odfperf.report.junit.junit_case import PlaceOf, case_of
from pytest_odfperf.report.junit.junit_extra_cases import gate_cases, setup_cases, undeleted_cases
from pytest_odfperf.report.junit.junit_names import node_ids
from pytest_odfperf.report.junit.junit_suite import Case, Suite, told_apart
from pytest_odfperf.report.junit.junit_xml import junit_text

#: The field of run.json that holds ``--junitprefix``, if it was given.
PREFIX = "junit_prefix"


def render_junit(content: RunContent, place_of: PlaceOf | None = None) -> str:
    """junit.xml of ``content`` alone; without ``place_of`` nothing is attached to its cases."""
    return junit_text(junit_suites(content, place_of), suites_name(content))


def suites_name(content: RunContent) -> str:
    """What all suites together are called; the same in each run of a matrix."""
    return f"{SHIPPED_NODE} {content.matrix.name}"


@dataclass(slots=True)
class _Pool:
    cases: list[Case] = field(default_factory=list)
    tests: list[RunTest] = field(default_factory=list)


def junit_suites(content: RunContent, place_of: PlaceOf | None = None) -> tuple[Suite, ...]:
    """A suite for each pool, in the order of the tests."""
    pools: dict[str, _Pool] = {pool: _Pool() for pool in content.pools}
    why = not_run_text(content)
    prefix = next((str(given) for run in content.runs if (given := run.content.get(PREFIX))), None)
    for test, node_id in node_ids(content):
        own = pools[test.key.pool]
        own.cases.append(case_of(test, node_id, prefix, why, place_of))
        own.tests.append(test)
    more = (setup_cases, gate_cases, undeleted_cases)
    for pool, case in (found for cases in more for found in cases(content, prefix)):
        if pool in pools:
            pools[pool].cases.append(case)
    return tuple(_suite(content, pool, own) for pool, own in pools.items())


def not_run_text(content: RunContent) -> str:
    """Why tests without a record were not run."""
    return f"not run: {'; '.join(dict.fromkeys(map(_why, content.runs)))}"


def _why(run: RunFacts) -> str:
    if run.ended:
        by = run.content.get("ended_by")
        early = by not in (None, "normal")
        return f"the run was ended by {by}" if early else "the session ended before, or left it out"
    if run.progress is not None and run.progress.alive:
        return f"the run goes on, at {run.progress.read_at:%Y-%m-%d %H:%M:%S} UTC"
    return "the run has not come to its end: it was killed, or goes on elsewhere"


def _suite(content: RunContent, pool: str, own: _Pool) -> Suite:
    began_ms = [test.record.started_at_epoch_ms for test in own.tests if test.record is not None]
    runs = _runs_of(content, own)
    return Suite(
        name=pool,
        timestamp=_iso(min(began_ms)) if began_ms else str(runs[0].content.get("started_at") or "") or None,
        hostname=_host(runs[0]),
        properties=tuple(_properties(content, runs, pool, own)),
        cases=told_apart(tuple(own.cases)),
    )


def _runs_of(content: RunContent, own: _Pool) -> tuple[RunFacts, ...]:
    ids = {test.record.run_id for test in own.tests if test.record is not None}
    return tuple(run for run in content.runs if run.run_id in ids) or content.runs[:1]


def _properties(
    content: RunContent, runs: tuple[RunFacts, ...], pool: str, own: _Pool
) -> Iterator[tuple[str, str]]:
    """What the results of a pool have in common; of several runs each value once."""
    yield "run_id", _each(run.run_id for run in runs)
    yield "pool", pool
    yield "matrix", content.matrix.name
    if marking := content.marking:
        yield "marking", marking
    for name in ("started_at", "ended_at", "ended_by"):
        if text := _each(run.content.get(name) for run in runs):
            yield name, text
    states = [state_of(test.record) for test in own.tests]
    for state in dict.fromkeys(states):
        yield f"tests.{state}", str(states.count(state))
    found = [_mapping(run.content, "found") for run in runs]
    if text := _each(one.get("server") for one in found):
        yield "cluster", text
    for entry in content.matrix.pools:
        if entry.name == pool:
            yield "storage_class", entry.storage_class
    for name, part in (("volume_mode", "volume_modes"), ("note", "pool_notes"), ("problem", "pool_problems")):
        if text := _each(_mapping(one, part).get(pool) for one in found):
            yield name, text
    backends = [_mapping(_mapping(one, "backends"), pool) for one in found]
    if text := _each(one.get("why") for one in backends):
        yield "backend", text
    yield from _versions("version", [_mapping(run.content, "versions") for run in runs])
    yield from _versions("cluster_version", [_mapping(one, "versions") for one in found])
    software = (word for test in own.tests if test.record is not None for word in test.record.software)
    if text := _each(software):
        yield "guest_software", text


def _versions(prefix: str, found: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for name in dict.fromkeys(name for one in found for name in one):
        if text := _each(one.get(name) for one in found):
            yield f"{prefix}.{name}", text


def _each(values: Any) -> str:
    return ", ".join(dict.fromkeys(str(value) for value in values if value not in (None, "")))


def _mapping(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of run.json, which may be of another version or edited."""
    found = of.get(name)
    return found if isinstance(found, Mapping) else {}


def _host(run: RunFacts) -> str | None:
    """The host of the API server: tests run there, not where pytest runs."""
    try:
        return urlsplit(str(_mapping(run.content, "found").get("server") or "")).hostname
    except ValueError:
        return None


def _iso(epoch_ms: int) -> str | None:
    try:
        return datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return None

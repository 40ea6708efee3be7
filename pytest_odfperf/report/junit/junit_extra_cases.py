"""Cases that are no test of anybody: a pool that could not be made, the gate's outcome, VMs that stayed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pytest_odfperf.errors import one_line
from pytest_odfperf.matrix.keys import SHIPPED_NODE
from pytest_odfperf.report.content.run_content import RunContent, RunFacts
from pytest_odfperf.report.junit.junit_names import case_names
from pytest_odfperf.report.junit.junit_suite import Case, End, EndKind

#: The node ids of all.
GATE_NODE = f"{SHIPPED_NODE}::gate[{{}}]"
SETUP_NODE = f"{SHIPPED_NODE}::setup[{{}}]"
UNDELETED_NODE = f"{SHIPPED_NODE}::deletion of VM group {{}}"

_ENDS: Mapping[str, EndKind] = {"failed": "failure", "skipped": "skipped"}


def gate_cases(content: RunContent, prefix: str | None = None) -> Iterator[tuple[str, Case]]:
    """Pool and case of each pool that a gate decided on."""
    for run in content.runs:
        gate = _mapping(run.comparison or {}, "gate")
        for pool, entry in _mapping(gate, "pools").items():
            if not isinstance(entry, Mapping):
                continue
            properties = [("run_id", run.run_id), ("pool", str(pool)), ("gate", str(gate.get("outcome")))]
            if entry.get("not_confirmed"):
                properties.append(("not_confirmed", str(entry["not_confirmed"])))
            kind = _ENDS.get(str(entry.get("outcome")))
            text = str(entry.get("text") or entry.get("outcome"))
            end = End(kind=kind, type="gate", message=one_line(text, 500), text=text) if kind else None
            classname, name, _ = case_names(GATE_NODE.format(pool), prefix)
            yield str(pool), Case(classname=classname, name=name, properties=tuple(properties), end=end)


def setup_cases(content: RunContent, prefix: str | None = None) -> Iterator[tuple[str, Case]]:
    """Pool and case of each pool that a run was to make; one that the cluster can not have is skipped."""
    for run in content.runs:
        made = _mapping(run.content, "pools_made")
        failed, problems = _list(made, "failed"), _mapping(made, "problems")
        for pool in _list(made, "pools"):
            why = problems.get(pool) if isinstance(pool, str) else None
            end = None
            if why is not None:
                kind: EndKind = "error" if pool in failed else "skipped"
                end = End(kind=kind, type="setup", message=one_line(str(why), 500), text=str(why))
            classname, name, _ = case_names(SETUP_NODE.format(pool), prefix)
            properties = (("run_id", run.run_id), ("pool", str(pool)))
            yield str(pool), Case(classname=classname, name=name, properties=properties, end=end)


def undeleted_cases(content: RunContent, prefix: str | None = None) -> Iterator[tuple[str, Case]]:
    """Pool and case of each VM group that the run's last session could not delete in time."""
    for run in content.runs:
        errors: dict[str, list[str]] = {}
        for entry in run.undeleted:
            if _of_last_session(run, entry):
                errors.setdefault(str(entry.get("group")), []).append(str(entry.get("error")))
        for group, own in errors.items():
            text = "\n".join(dict.fromkeys(own))
            end = End(kind="failure", type="not_deleted", message=one_line(own[0], 500), text=text)
            classname, name, _ = case_names(UNDELETED_NODE.format(group), prefix)
            pool = group.partition(":")[0]
            properties = (("run_id", run.run_id), ("pool", pool))
            yield pool, Case(classname=classname, name=name, properties=properties, end=end)


def _of_last_session(run: RunFacts, entry: Mapping[str, Any]) -> bool:
    """A resume begins anew: what an earlier session left, its end or a cleanup has removed."""
    try:
        began = datetime.fromisoformat(str(run.content.get("started_at")))
        return float(entry.get("epoch_ms") or 0) >= began.timestamp() * 1000
    except (TypeError, ValueError, OverflowError):
        return True


def _list(of: Mapping[str, Any], name: str) -> list[Any]:
    found = of.get(name)
    return found if isinstance(found, list) else []


def _mapping(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = of.get(name)
    return found if isinstance(found, Mapping) else {}

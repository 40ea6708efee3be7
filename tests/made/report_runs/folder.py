"""Writes the folder of a made run, as a real run leaves it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_odfperf.matrix.definition import METHOD
from pytest_odfperf.matrix.serial import to_json
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.run.reports.run_reading import read_run_content
from pytest_odfperf.run.reports.write_reports import write_reports
from pytest_odfperf.store.run_dir import RunDir
from report_runs.plan import MadePlan, Turn, length_s, turns
from report_runs.records import Made, Maker

VERSIONS = {
    "pytest-odfperf": "0.1.0",
    "pytest": "9.2.0",
    "pytest-xdist": "3.8.0",
    "pytest-html": "4.2.0",
    "kubernetes": "37.0.2",
    "paramiko": "5.1.0",
    "python": "3.11.7",
}


def make_run(results: Path, plan: MadePlan, *, ends: str = "normal", share: float = 1.0) -> Path:
    """The folder ``results/<run id>``.

    ``ends``: ``normal``, ``interrupted`` (by SIGTERM) or ``running``, after ``share`` of the measurements.
    """
    folder = results / plan.run_id
    folder.mkdir(parents=True)
    every = list(turns(plan))
    measured = sorted((turn for turn in every if turn.key), key=lambda turn: turn.at_s)
    cut = measured[: max(1, round(share * len(measured)))]
    last_s = max(turn.at_s + length_s(plan, turn.key) for turn in cut if turn.key)
    kept = [turn for turn in every if turn.at_s <= last_s]
    maker = Maker(plan)
    write_records(folder, map(maker.made, cut))
    loads = sorted((turn for turn in kept if turn.key is None), key=lambda turn: turn.at_s)
    write_lines(folder / "loads.jsonl", (_load(turn) for turn in loads))
    write_run_json(folder, run_json(plan, maker.hashes, last_s, ends))
    _logs(folder, kept)
    return folder


def write_records(folder: Path, found: Iterable[Made]) -> None:
    """results.jsonl, and the raw files of each key."""
    with (folder / "results.jsonl").open("w", encoding="utf-8") as file:
        for one in found:
            file.write(json.dumps(one.record.to_json(), separators=(",", ":")) + "\n")
            for name, text in one.files.items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")


def write_lines(path: Path, entries: Iterable[Mapping[str, Any]]) -> None:
    lines = [json.dumps(entry, separators=(",", ":")) + "\n" for entry in entries]
    if lines:
        path.write_text("".join(lines), encoding="utf-8")


def write_run_json(folder: Path, content: Mapping[str, Any]) -> None:
    RunDir(folder.parent, folder.name).write_json("run.json", content)


def iso(at_s: float) -> str:
    return datetime.datetime.fromtimestamp(at_s, tz=datetime.UTC).isoformat(timespec="milliseconds")


def run_json(plan: MadePlan, hashes: Mapping[str, str], ended_s: float, ends: str) -> dict[str, Any]:
    pools = list(dict.fromkeys(key.pool for key in plan.keys))
    content: dict[str, Any] = {
        "schema": 1,
        "method": METHOD,
        "run_id": plan.run_id,
        "marking": plan.marking,
        "started_at": iso(plan.began_s),
        "options": {
            "parallel": plan.workers,
            "isolation": "none",
            "filters": [],
            "excludes": [],
            "pools": [],
            "cluster": "kubeconfig",
            "repeat": plan.repeats,
            "seed": plan.seed,
        },
        "matrix": to_json(plan.matrix),
        "definitions": dict(hashes),
        "found": _found(plan, pools),
        "versions": VERSIONS,
    }
    if ends != "running":
        content |= {
            "ended_at": iso(ended_s + 30),
            "ended_by": "normal" if ends == "normal" else "SIGTERM",
            "left": [],
            "outages": [],
        }
    return content


def _found(plan: MadePlan, pools: list[str]) -> dict[str, Any]:
    nodes = [
        {
            "name": f"worker-{number}", "cpu": "96", "memory": "549755813888", "ready": True,
            "schedulable": True,
            "marking": plan.marking, "labels": {}, "taints": [], "worker": True,
        }
        for number in range(1, 7)
    ]  # fmt: skip
    classes = {
        plan.matrix.pool(pool).storage_class: {
            "name": plan.matrix.pool(pool).storage_class,
            "provisioner": "openshift-storage.rbd.csi.ceph.com",
            "binding_mode": "Immediate",
            "parameters": {"pool": f"perf-test-{pool}"},
            "backend": plan.matrix.pool(pool).backend,
            "caps": {},
        }
        for pool in pools
    }
    versions = {
        "kubernetes": "v1.34.2",
        "kubevirt": "v1.9.0",
        "cdi": "v1.64.0",
        "openshift": "4.21.3",
        "odf": "4.21.1",
    }
    return {
        "server": "https://api.perf.example.com:6443",
        "nodes": nodes,
        "storage_classes": classes,
        "pool_problems": {},
        "pool_notes": {},
        "volume_modes": {pool: plan.matrix.pool(pool).volume_mode or "Block" for pool in pools},
        "backends": {},
        "root_backend": None,
        "health": {"storage": {}, "unknown": [], "states": {}},
        "versions": versions | plan.versions,
        "marking": plan.marking,
        "notes": [],
        "forbidden": {},
        "instancetypes": {},
        "size_problems": {},
    }


def _load(turn: Turn) -> dict[str, Any]:
    return {"at": turn.at_s, "process": turn.worker, "pool": turn.pool, "load": turn.load}


def _logs(folder: Path, kept: Iterable[Turn]) -> None:
    lines: dict[str, list[str]] = {}
    for turn in kept:
        said = f"{turn.key}: measured" if turn.key else f"the VMs: {turn.load}"
        lines.setdefault(turn.pool, []).append(f"{iso(turn.at_s)} {turn.worker} INFO {said}")
    for pool, of_pool in lines.items():
        (folder / pool).mkdir(exist_ok=True)
        (folder / pool / "pool.log").write_text("\n".join(of_pool) + "\n", encoding="utf-8")


def repeated(plan: MadePlan, number: int, step: float = 0.0) -> Iterator[MadePlan]:
    """``number`` runs of one matrix, a day apart; each ``step`` faster than the one before."""
    for place in range(number):
        yield replace(
            plan,
            run_id=f"{plan.run_id}-{place + 1}",
            seed=plan.seed + place,
            began_s=plan.began_s + 86_400 * place,
            faster=plan.faster * (1 + step) ** place,
        )


def write_pages(folder: Path) -> None:
    """All reports of a made run, as the end of a run or ``--odf-report`` writes them."""
    run_dir = RunDir(folder.parent, folder.name)
    content = read_run_content(run_dir)
    assert write_reports(run_dir, content) == []
    if not (folder / "report.html").exists():
        write_page(folder, content)


def write_page(folder: Path, content: RunContent) -> None:
    import vl_convert

    from pytest_odfperf.report.pictures.all_pictures import pictures_of
    from pytest_odfperf.report.run_page.run_report import render

    page = render(content, pictures_of(content), drawing=vl_convert.javascript_bundle())
    (folder / "report.html").write_text(page, encoding="utf-8")

"""Beside the records of the run in which everything went wrong: run.json, journals, a comparison."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from report_runs.folder import iso, run_json, write_lines
from report_runs.hostile import ALL_AT_ONCE, TEXTS, text_of
from report_runs.plan import BEGAN_S, MadePlan, length_s, turns


def write_journals(folder: Path) -> None:
    state = {
        "health": "HEALTH_WARN",
        "checks": [{"code": "OSD_DOWN", "severity": "HEALTH_WARN", "message": TEXTS[2]}],
        "used_share": 0.86,
        "checked_at": iso(BEGAN_S),
        "trouble": TEXTS[0],
    }
    write_lines(
        folder / "health.jsonl",
        [
            {
                "at": BEGAN_S + 5,
                "name": "CephCluster openshift-storage/ocs",
                "of": "ceph",
                "state": state | {"health": "HEALTH_OK", "checks": [], "trouble": None},
            },
            {"at": BEGAN_S + 900, "name": "CephCluster openshift-storage/ocs", "of": "ceph", "state": state},
            {
                "at": BEGAN_S + 910,
                "name": "PGs openshift-storage/ocs",
                "of": "pgs",
                "state": {"total": 97, "states": [{"state": TEXTS[1], "count": 3}]},
            },
            {
                "at": BEGAN_S + 950,
                "name": text_of(3, "object"),
                "of": "pool",
                "state": {"phase": TEXTS[4], "identity": "a"},
            },
            {"at": BEGAN_S + 1500, "name": "CephCluster openshift-storage/ocs", "of": "ceph", "state": None},
            {"at": BEGAN_S + 1600, "name": 7, "of": "nothing", "state": [TEXTS[0]]},
        ],
    )
    write_lines(
        folder / "outages.jsonl",
        [
            {
                "process": text_of(5, "gw0"),
                "began_at": iso(BEGAN_S + 600),
                "seconds": 93.4,
                "why": TEXTS[6],
                "failures": 12,
                "back": True,
                "text": f"API server away for 93 s ({TEXTS[6]}), back",
            },
            {
                "process": "gw1",
                "began_at": TEXTS[0],
                "seconds": "many",
                "why": None,
                "failures": -1,
                "back": None,
                "text": TEXTS[3],
            },
            {"process": "gw1", "text": 7},
        ],
    )
    write_lines(
        folder / "undeleted.jsonl",
        [
            {
                "process": "gw0",
                "group": "rep3:small:150Gi:1",
                "error": f"DataVolume odf-1 is still there: {TEXTS[2]}",
            },
            {"process": "gw0", "group": text_of(4, "group"), "error": ALL_AT_ONCE},
        ],
    )
    with (folder / "health.jsonl").open("a") as file:
        file.write('{"at": 17, "na')


def hostile_run_json(plan: MadePlan, hashes: Mapping[str, str]) -> dict[str, Any]:
    last = max(turn.at_s + (length_s(plan, turn.key) if turn.key else 0) for turn in turns(plan))
    content = run_json(plan, hashes, last, "interrupted")
    found = content["found"]
    found["server"] = text_of(1, "server")
    found["pool_problems"] = {"lost": text_of(2, "problem")}
    found["pool_notes"] = {"rep3": text_of(3, "note")}
    found["notes"] = [text_of(0, "note")]
    found["versions"] = {
        "kubernetes": text_of(4, "version"),
        "kubevirt": TEXTS[1],
        "odf": "4.21",
        TEXTS[0]: TEXTS[2],
    }
    found["nodes"][0]["name"] = text_of(5, "node")
    found["nodes"][0]["labels"] = {TEXTS[0]: TEXTS[1]}
    for one in found["storage_classes"].values():
        one["provisioner"] = text_of(6, "provisioner")
        one["parameters"] = {TEXTS[0]: TEXTS[1]}
    content["matrix"]["source"] = text_of(7, "source")
    content["versions"]["pytest"] = TEXTS[0]
    content["ended_by"] = text_of(0, "SIGTERM")
    content["left"] = [text_of(1, "left"), ALL_AT_ONCE]
    content["outages"] = [{"text": TEXTS[3], "process": TEXTS[0]}]
    return json.loads(json.dumps(content))  # type: ignore[no-any-return]


def hostile_comparison(plan: MadePlan) -> dict[str, Any]:
    """As `comparison_json` writes it."""
    outcomes = ("worse", "better", "no difference shown", "inconclusive")
    cells = [
        {
            "key": str(key),
            "section": "",
            "direction": "read",
            "metric": ("rate", "lat_p99")[number % 2],
            "outcome": outcomes[number % 4],
            "ratio": 0.7 + 0.05 * number,
            "low": 0.65 + 0.05 * number,
            "high": 0.75 + 0.05 * number,
            "p_value": 0.01,
            "repeats": 2,
            "baseline_repeats": 4,
            "sessions": 2,
            "suspect": text_of(number, "suspect") if number % 3 == 0 else None,
        }
        for number, key in enumerate(plan.keys[:12])
    ]
    families = [
        {
            "outcome": "worse",
            "ratio": 0.8,
            "low": 0.75,
            "high": 0.85,
            "p_value": 0.001,
            "pool": "rep3",
            "pattern": "random-rw read",
            "metric": "rate",
            "cells": 4,
        }
    ]
    noise = [
        {
            "metric": "rate",
            "session_sd": 0.03,
            "session_assumed": True,
            "without_repeats": False,
            "floor": 1.07,
            "family_floor": 1.06,
            "margin": 1.1,
        }
    ]
    gated = cells[0] | {
        "outcome": "confirmed",
        "current": 700.0,
        "baseline": 1000.0,
        "floor": 1.07,
        "controls": 4,
        "control_ratio": 0.99,
        "why": text_of(2, "why"),
    }
    return {
        "schema": 1,
        "baseline": ["earlier-1", text_of(0, "run")],
        "unlike": [text_of(1, "unlike")],
        "noise": noise,
        "families": families,
        "keys": cells,
        "refused": {str(plan.keys[12]): text_of(2, "refused")},
        "only_current": [str(plan.keys[13])],
        "only_baseline": [text_of(3, "only")],
        "gate": {
            "outcome": "FAILED",
            "problem": text_of(4, "problem"),
            "not_gateable": {text_of(5, "name"): text_of(6, "why")},
            "cells": [gated],
        },
    }

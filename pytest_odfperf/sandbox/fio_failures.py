"""What real fio left when it failed: recordings that ``tools/record-fio-failures`` makes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class FioFailure:
    """fio 3.33, called as the guest script calls it."""

    exit_code: int
    #: What it wrote to ``--output``.
    fio_json: str
    #: Its stdout and stderr.
    fio_log: str


@cache
def _recordings() -> dict[str, FioFailure]:
    text = files("pytest_odfperf.sandbox").joinpath("fio_failures.json").read_text(encoding="utf-8")
    return {name: FioFailure(**recorded) for name, recorded in json.loads(text).items()}


def failure_names() -> tuple[str, ...]:
    return tuple(_recordings())


def failure(name: str) -> FioFailure:
    return _recordings()[name]


def as_job(recorded: FioFailure, jobs: Sequence[str]) -> FioFailure:
    """The recording as if it were of a job file with these jobs: each ended as the recorded one did."""
    start = 0 if recorded.fio_json.startswith("{") else recorded.fio_json.find("\n{") + 1
    if start == 0 and not recorded.fio_json.startswith("{"):
        return recorded
    prefix = recorded.fio_json[:start]
    document: Any = json.JSONDecoder().raw_decode(recorded.fio_json, start)[0]
    entry = document["jobs"][0]
    document["jobs"] = [entry | {"jobname": name, "groupid": number} for number, name in enumerate(jobs)]
    text = f"{prefix}{json.dumps(document, indent=2)}\n"
    return FioFailure(exit_code=recorded.exit_code, fio_json=text, fio_log=recorded.fio_log)

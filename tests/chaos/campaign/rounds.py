"""Plays the plan of a round: attempts that are disturbed, then resumes until nothing is left to do."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from campaign.attempt import Attempt, Place, Scene, start, wait
from campaign.cluster import Cluster
from campaign.disturb import clear, disturb, small_disk
from campaign.plan import AttemptPlan, Disturbance, Round, RunPlan
from campaign.processes import Process, marked
from campaign.setting import PROFILE, Setting
from campaign.snapshot import read

#: Kinds that need a disk of their own, and all that can keep a report from being written.
MOUNTED = frozenset({"disk full", "read-only"})
DISK = MOUNTED | {"folder gone"}

#: Undisturbed resumes after the disturbed ones; one is enough, and each of the others would be a finding.
_LAST_RESUMES = 2
#: Processes without their controller have so long to end.
ORPHANS_S = 30.0
#: What follows its owner (pods, volumes) goes a little later than a run that waits for the others.
LEFT_S = 20.0


@dataclass(slots=True)
class Played:
    """A run that was played to its end. ``run_ids``: more than one if it died before it could be resumed."""

    plan: RunPlan
    place: Place
    setting: Setting
    run_ids: list[str] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    #: Processes that were there when they had had time to end.
    processes: list[Process] = field(default_factory=list)
    #: Objects of its last id when it was over: name to the run's id.
    left: Mapping[str, str] = field(default_factory=dict)
    cleanup: Attempt | None = None
    problem: BaseException | None = None
    #: Requests that rules hit, in the whole round.
    api_hits: int = 0

    @property
    def run(self) -> Path:
        return self.place.run(self.run_ids[-1])


def play(
    drawn: Round, setting: Setting, cluster: Cluster, folder: Path, baseline: Mapping[str, str]
) -> list[Played]:
    """Play all runs of a round, at the same time if there are two."""
    played = []
    with contextlib.ExitStack() as stack:
        for letter, plan in zip("ab", drawn.runs, strict=False):
            place = Place(folder / letter, f"{drawn.seed}-{drawn.number}-{letter}", cluster)
            _prepare(place, plan, setting)
            if plan.kinds & MOUNTED:
                stack.enter_context(small_disk(place.results))
            played.append(Played(plan, place, setting))
        threads = [threading.Thread(target=_play, args=(one,), daemon=True) for one in played]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for one in played:
            one.api_hits = sum(rule["hits"] for rule in cluster.call("GET", "/sandbox/faults")["rules"])
        cluster.call("DELETE", "/sandbox/faults")
        for one in played:
            if one.problem is not None:
                raise one.problem
        _clean_up(played, cluster, baseline)
    return played


def _clean_up(played: list[Played], cluster: Cluster, baseline: Mapping[str, str]) -> None:
    """Look what is left, and remove it where it is of runs that died before they could be resumed."""
    given_up = {run_id for one in played for run_id in one.run_ids[:-1]}
    left = cluster.left(baseline, LEFT_S, excused=given_up)
    for one in played:
        one.left = {name: run for name, run in left.items() if run in one.run_ids[-1:]}
    if given_up & set(left.values()):
        arguments = ["--odf-cleanup", "orphans", "--odf-matrix", "m.yaml"]
        played[0].cleanup = _attempt(played[0], arguments, "cleanup", ())


def _prepare(place: Place, plan: RunPlan, setting: Setting) -> None:
    place.tmp.mkdir(parents=True)
    (place.folder / "profiles").mkdir()
    (place.folder / "profiles" / "one.fio").write_text(PROFILE)
    (place.folder / "m.yaml").write_text(setting.matrix(plan))
    place.log_in()
    token = place.folder / "token"
    users = {"file": {"tokenFile": str(token)}, "plugin": {"exec": _plugin(place.folder, token)}}
    place.cluster.write_kubeconfig(place.kubeconfig, users[plan.login])


def _plugin(folder: Path, token: Path) -> dict[str, Any]:
    """A login plugin as clouds have them."""
    script = folder / "login"
    answer = (
        '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}'
    )
    script.write_text(f"#!/bin/sh\nprintf '{answer}' \"$(cat {token})\"\n")
    script.chmod(0o755)
    return {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": str(script),
        "interactiveMode": "Never",
    }


def _play(played: Played) -> None:
    try:
        _attempts(played)
    except BaseException as error:
        played.problem = error
        raise
    finally:
        clear(played.place.mark)


def _attempts(played: Played) -> None:
    for attempt in (*played.plan.attempts, *(AttemptPlan(()) for _ in range(_LAST_RESUMES))):
        if is_complete(played):
            break
        if attempt.pause_s is None:
            _processes_gone(played)
        else:
            time.sleep(attempt.pause_s)
        _go_on(played, attempt)
    if played.plan.once_more and is_complete(played):
        _go_on(played, AttemptPlan(()))
    played.processes = _processes_gone(played)


def is_complete(played: Played) -> bool:
    """Whether the last attempt came to its own end, and left no key without its result."""
    if not played.attempts or played.attempts[-1].code not in (0, 1):
        return False
    if played.attempts[-1].hits(*DISK):
        return False  # its reports may not have found room
    last = played.attempts[-1].seen.last
    return all(
        key in last and (last[key].status == "passed" or key in played.plan.never_pass)
        for key in played.plan.keys
    )


def _processes_gone(played: Played) -> list[Process]:
    end = time.monotonic() + ORPHANS_S
    while (found := marked(played.place.mark)) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def _go_on(played: Played, plan: AttemptPlan) -> None:
    """Resume the run, or start one if there is none that can be resumed."""
    place = played.place
    if played.run_ids and (played.run / "run.json").is_file():
        arguments = ["--odf-resume", played.run_ids[-1]]
    else:
        played.run_ids.append(f"c-{place.name}-{len(played.run_ids) + 1}")
        arguments = [played.plan.options[0], "--odf-matrix", "m.yaml", "--odf-run-id", played.run_ids[-1]]
    if plan.disturbances:
        # The last resumes must not stop at a key that never passes.
        arguments += played.plan.options[1:]
    played.attempts.append(_attempt(played, arguments, played.run_ids[-1], plan.disturbances))


def _attempt(
    played: Played, arguments: list[str], run_id: str, disturbances: tuple[Disturbance, ...]
) -> Attempt:
    place = played.place
    out = place.folder / f"out-{len(played.attempts) + 1}.txt"
    before = place.lines(run_id)
    began_s = time.monotonic()
    process = start(place, arguments, out)
    scene = Scene(place, run_id, process.pid, threading.Event(), began_s, [])
    threads = [threading.Thread(target=disturb, args=(one, scene), daemon=True) for one in disturbances]
    for thread in threads:
        thread.start()
    ended = wait(process, played.setting.deadline_s)
    ended_s = time.monotonic()
    scene.ended.set()
    for thread in threads:
        thread.join()
    if scene.problem is not None:
        raise RuntimeError(f"round not played: {scene.problem!r}") from scene.problem
    return Attempt(
        command=arguments,
        run_id=run_id,
        disturbances=disturbances,
        code=process.returncode,
        hung=not ended,
        out=out.read_text(errors="replace"),
        began_s=began_s,
        ended_s=ended_s,
        lines_before=before,
        seen=read(place.run(run_id)),
        beside=scene.beside,
        effects=sorted(scene.effects, key=lambda effect: effect.at_s),
    )

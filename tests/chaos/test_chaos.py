"""Rounds of runs that are disturbed at random and resumed.

A short campaign; a long one by hand is ``make chaos`` or ``python -m campaign --rounds 200``. ODF_CHAOS_SEED,
ODF_CHAOS_ROUNDS and ODF_CHAOS_ONLY choose other rounds, ODF_CHAOS_FOLDER keeps those that broke a law.
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest
from campaign.campaign import draw, run_campaign
from campaign.plan import AttemptPlan, Disturbance, Moment, Round, RunPlan
from campaign.setting import QEMU

SEED = int(os.environ.get("ODF_CHAOS_SEED", "1"))
ROUNDS = int(os.environ.get("ODF_CHAOS_ROUNDS", "6"))
ONLY = os.environ.get("ODF_CHAOS_ONLY", "")
#: No round begins after this, unless rounds are asked for.
MOST_S = 120.0 if "ODF_CHAOS_ROUNDS" not in os.environ and not ONLY else float("inf")


def test_a_campaign_of_disturbed_runs_breaks_no_law(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(os.environ.get("ODF_CHAOS_FOLDER", tmp_path / "chaos"))
    rounds = [int(number) for number in ONLY.split(",")] if ONLY else range(ROUNDS)

    def say(line: str) -> None:
        with capsys.disabled():
            print(f"\nchaos: {line}", end="", flush=True)

    figures = run_campaign(draw(SEED, rounds, say), folder=folder.absolute(), say=say, deadline_s=MOST_S)
    for line in figures.lines():
        say(line)
    assert figures.rounds
    assert figures.passed
    assert not figures.broken
    shutil.rmtree(folder)


@pytest.mark.qemu
def test_real_machines_are_left_by_no_run_that_is_killed_and_resumed(tmp_path: Path) -> None:
    """The whole run is killed while fio runs, its resume is interrupted while VMs are made."""
    killed = Disturbance("kill", Moment(after_s=1.0, records=1), "all", signal.SIGKILL)
    ended = Disturbance("signal", Moment(after_s=0.5, vms=1), "controller", signal.SIGTERM)
    run = RunPlan(
        pools=("fast",),
        concurrency=(1,),
        block_sizes=("4k", "64k"),
        options=("--odf-parallel=1",),
        login="file",
        attempts=(AttemptPlan((killed,)), AttemptPlan((ended,), pause_s=1.0)),
        once_more=False,
    )
    lines: list[str] = []
    figures = run_campaign([Round(0, 0, (run,))], QEMU, folder=tmp_path / "chaos", say=lines.append)
    assert not figures.broken, lines
    assert figures.passed == len(run.keys)
    assert figures.disturbances == {"kill all": 1, "signal controller": 1}

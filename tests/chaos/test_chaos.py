"""Rounds of runs that are disturbed at random and resumed.

A short campaign; a long one by hand is ``make chaos`` or ``python -m campaign --rounds 200``. ODF_CHAOS_SEED,
ODF_CHAOS_ROUNDS and ODF_CHAOS_ONLY choose other rounds, ODF_CHAOS_FOLDER keeps those that broke a law.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from campaign.campaign import run_campaign

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

    figures = run_campaign(SEED, rounds, folder=folder.absolute(), say=say, deadline_s=MOST_S)
    for line in figures.lines():
        say(line)
    assert figures.rounds
    assert figures.passed
    assert not figures.broken
    shutil.rmtree(folder)

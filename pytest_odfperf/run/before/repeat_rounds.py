"""How often each key is measured, and over how many rounds of new VMs, as it was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.schedule.repeat_blocks import first_moved


def read_repeats(repeat: int | None, rounds: int | None, options: Mapping[str, Any]) -> tuple[int, int]:
    """Repeats and rounds of ``--odf-repeat`` and ``--odf-rounds``, None where nothing is said.

    ``options`` are those of the run that is gone on with. What it measured stays in its round. Raises
    `InputError`.
    """
    begun = options.get("repeat") or 1, options.get("rounds") or 1
    asked_rounds = rounds or begun[1]
    # One repeat a round, unless something else is said.
    usual = asked_rounds if begun[0] == begun[1] else begun[0]
    repeats = repeat or usual
    if asked_rounds > repeats:
        raise InputError(
            f"--odf-rounds {asked_rounds} is more than the {repeats} "
            f"{'repeat' if repeats == 1 else 'repeats'} of each key: a round has one at least"
        )
    if options and (moved := first_moved(begun, (repeats, asked_rounds))) is not None:
        raise InputError(
            f"--odf-repeat {repeats} with --odf-rounds {asked_rounds}: the run was begun with {begun[0]} "
            f"repeats in {begun[1]} {'round' if begun[1] == 1 else 'rounds'}, and repeat {moved} would be in "
            "another round than it was; keep as many repeats a round"
        )
    return repeats, asked_rounds

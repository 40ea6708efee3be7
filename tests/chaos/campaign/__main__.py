"""A campaign by hand: ``PYTHONPATH=tests/chaos:tests/made python -m campaign --seed 1 --rounds 200``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from campaign.campaign import draw, run_campaign
from campaign.plan import KINDS


def main() -> int:
    parser = argparse.ArgumentParser(prog="campaign", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=200, metavar="N")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="begin with this round")
    parser.add_argument("--only", type=int, action="append", metavar="N", help="this round only; repeatable")
    parser.add_argument("--folder", type=Path, help="where rounds that broke a law are kept")
    parser.add_argument("--kinds", help="draw these kinds of disturbances only, with commas between them")
    options = parser.parse_args()
    kinds = {name: KINDS[name] for name in options.kinds.split(",")} if options.kinds else KINDS
    folder = options.folder or Path(tempfile.mkdtemp(prefix="odf-chaos-"))
    rounds = options.only or range(options.first, options.first + options.rounds)

    def say(line: str) -> None:
        print(line, flush=True)

    drawn = draw(options.seed, rounds, say, kinds)
    figures = run_campaign(drawn, folder=folder.absolute(), say=say)
    for line in figures.lines():
        say(line)
    return 1 if figures.broken else 0


if __name__ == "__main__":
    sys.exit(main())

"""``make lies``: tell all lies, look at clean results, and write the tables of docs/lies.md."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lies import clean, in_process, page, real_fio, real_lies, simulated_runs
from lies.lie import Heard, Lie, caught
from lies.simulated_lies import SIMULATED

#: What must be caught, and what may be doubted without reason.
LEAST_CAUGHT, MOST_ALARMS = 0.95, 0.01


def say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="lies", description=__doc__)
    parser.add_argument("--clean", type=int, default=200, metavar="N", help="clean simulated results")
    parser.add_argument("--real", type=int, default=30, metavar="N", help="clean results of each real fio")
    parser.add_argument("--fio", action="append", default=[], metavar="PATH", help="another fio; repeatable")
    parser.add_argument(
        "--results", action="append", default=[], type=Path, metavar="RUN",
        help="a run's folder whose results are clean, as the demo's; repeatable",
    )  # fmt: skip
    parser.add_argument("--only", action="append", metavar="LIE", help="this lie only; repeatable")
    parser.add_argument("--write", action="store_true", help="write docs/lies.md")
    options = parser.parse_args()
    real = [one.lie for one in real_lies.ALL] if real_fio.usable() else []
    lies = [lie for lie in (*SIMULATED, *real) if not options.only or lie.name in options.only]
    with folder() as here:
        heard = tell(here, lies)
        results = {} if options.only else look(here, options)
    doubted = [one for some in results.values() for one in some if one.doubted]
    for one in doubted:
        say(f"doubted {one.name}: {', '.join(one.codes)}: {one.text[:200]}")
    every = [*SIMULATED, *(one.lie for one in real_lies.ALL)]
    text = page.tables(every, heard, results)
    say(text.partition("\n")[0])
    if options.write:
        page.write(text)
    found, alarms = page.shares(lies, heard, [one for some in results.values() for one in some])
    return 0 if found >= LEAST_CAUGHT and alarms <= MOST_ALARMS else 1


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="odf-lies-") as name:
        yield Path(name)


def tell(here: Path, lies: list[Lie]) -> dict[str, Heard]:
    heard = simulated_runs.tell(here, [lie for lie in lies if lie.way == "simulated"])
    for one in real_lies.ALL:
        if one.lie in lies:
            heard[one.lie.name] = real_lies.tell(here / one.lie.name, one)
    for lie in lies:
        one_heard = heard.get(lie.name)
        if one_heard is None:
            say(f"NO RESULT {lie.name}")
            continue
        word = "caught" if caught(lie, one_heard) else "MISSED"
        say(f"{word} {lie.name}: {one_heard.verdict}, {', '.join(one_heard.codes)}: {one_heard.text[:150]}")
    return heard


def look(here: Path, options: argparse.Namespace) -> dict[str, list[Heard]]:
    """Clean results by where they are from."""
    cases = in_process.clean_cases(clean.CLASSES, options.clean)
    found = {
        "simulated guests, judged one by one": list(in_process.tell(cases).values()),
        "simulated guests, whole runs": clean.simulated(here / "clean"),
    }
    if real_fio.usable():
        for program in [shutil.which("fio") or "fio", *options.fio]:
            said = subprocess.run(
                [program, "--version"], capture_output=True, text=True, check=True
            ).stdout.strip()
            found[f"real {said}"] = list(clean.real(here / said, options.real, program))
    for run in options.results:
        records = [json.loads(line) for line in (run / "results.jsonl").read_text().splitlines()]
        found[f"a run of {records[0]['key'].partition(':')[0]} and others"] = list(
            map(simulated_runs.heard, records)
        )
    return found


if __name__ == "__main__":
    sys.exit(main())

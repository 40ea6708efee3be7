"""The table of fio's options and engines: what a profile may say, and why not. Data in ``options.txt``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

VERDICTS = ("allowed", "understood", "refused")
SORTS = ("deep", "shallow", "cached", "refused")

#: What fio takes where a job names no engine (Linux).
DEFAULT_ENGINE = "psync"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option. ``values`` are those that say what holds anyway, where the others are refused."""

    name: str
    aliases: tuple[str, ...]
    verdict: str
    values: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One I/O engine; ``sort`` is one of `SORTS`."""

    name: str
    aliases: tuple[str, ...]
    sort: str
    why: str

    @property
    def synchronous(self) -> bool:
        """Whether it keeps one I/O in flight, whatever iodepth says."""
        return self.sort in ("shallow", "cached")


@lru_cache(maxsize=1)
def options() -> Mapping[str, Option]:
    """Every option that is known, by its name and by its other names."""
    found: dict[str, Option] = {}
    for name, aliases, verdict, values, why in _rows("options.txt", 5):
        option = Option(
            name=name,
            aliases=tuple(aliases.split()),
            verdict=verdict,
            values=tuple(values.split()),
            why=why,
        )
        found |= dict.fromkeys((name, *option.aliases), option)
    return found


@lru_cache(maxsize=1)
def engines() -> Mapping[str, Engine]:
    """Every engine that is known, by its name and by its other names."""
    found: dict[str, Engine] = {}
    for name, aliases, sort, why in _rows("engines.txt", 4):
        engine = Engine(name=name, aliases=tuple(aliases.split()), sort=sort, why=why)
        found |= dict.fromkeys((name, *engine.aliases), engine)
    return found


def _rows(name: str, columns: int) -> list[list[str]]:
    text = files("pytest_odfperf.fio.job_file").joinpath(name).read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.split("|")]
        for line in text.splitlines()
        if line and not line.startswith("#")
    ]
    assert all(len(row) == columns for row in rows), name
    return rows

"""Finds the runs that an option names: by id, ``last``, or the path of a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from pytest_odfperf.errors import InputError
from pytest_odfperf.store.run_dir import LATEST, RunDir

_PACKAGES = ("numpy", "scipy")


def split_names(text: str) -> list[str]:
    """The names in ``RUN,RUN,...``; a folder's name may have a comma."""
    return [text] if os.path.isdir(text) else text.split(",")  # noqa: PTH112 - Path raises for what is no path


def find_run(name: str, results: Path, option: str) -> RunDir:
    """The folder of the run that ``name`` of ``option`` means. Raises `InputError`."""
    if not name.strip():
        raise InputError(f"{option}: a run's name is empty (RUN,RUN,...)")
    try:
        if name in ("last", LATEST) and not os.path.lexists(results / LATEST):
            raise InputError(f"there is no run in {results}")
        if "/" not in name:
            return RunDir.open(results, name)
        path = Path(name).resolve()
        if not path.is_dir():
            raise InputError("is no folder of a run")
        return RunDir.open(path.parent, path.name)
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"{option} {name!r:.80}: {error}") from error
    except InputError as error:
        raise InputError(f"{option} {name!r:.80}: {error}") from error


def find_runs(names: Sequence[str], results: Path, option: str) -> list[RunDir]:
    """The folders of all ``names``. Raises `InputError`, also if two are one folder."""
    found: list[RunDir] = []
    for name in names:
        run_dir = find_run(name, results, option)
        if any(run.path.samefile(run_dir.path) for run in found):
            raise InputError(f"{option} names run {run_dir.run_id} twice")
        found.append(run_dir)
    return found


def need_statistics(option: str) -> None:
    """Raise `InputError` if what statistics need is not installed."""
    if missing := [name for name in _PACKAGES if find_spec(name) is None]:
        raise InputError(f"{option} needs {' and '.join(missing)}: pip install 'pytest-odfperf[compare]'")

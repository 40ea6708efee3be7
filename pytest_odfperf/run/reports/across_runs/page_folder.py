"""The folder of a page over several runs, beside theirs: ``results/compare_A_B``, ``results/trend_M``."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_odfperf.errors import InputError, StoreError
from pytest_odfperf.store.durable import make_folders, replace_file, told
from pytest_odfperf.store.run_dir import RunDir

#: Of a matrix's name: what a path can have on any system.
_UNFIT = re.compile(r"[^A-Za-z0-9.-]+")
_LONGEST = 100


def page_folder(results: Path, *names: str) -> Path:
    """Where the page goes. No run's folder can have the name: a run id has no ``_``."""
    return results / "_".join(_UNFIT.sub("-", name) for name in names)[:_LONGEST]


def href_to(run_dir: RunDir, folder: Path) -> str:
    """The way from a page in ``folder`` to a run's folder."""
    return os.path.relpath(run_dir.path.resolve(), folder.absolute()) + "/"


def write_page(folder: Path, name: str, html: str, content: Mapping[str, Any]) -> Path:
    """Write ``name``.html and ``name``.json into ``folder``; the page's path. Raises `StoreError`."""
    try:
        make_folders(folder)
    except OSError as error:
        raise InputError(f"{folder} can not be made: {error.strerror or error}") from error
    # Written in one go by Python's C code: an indent would take ten times as long.
    plain = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    texts = {f"{name}.json": f"{plain}\n", f"{name}.html": html}
    for file, text in texts.items():
        with told("can not be written", folder / file):
            replace_file(folder / file, text.encode("utf-8", "backslashreplace"))
    return folder / f"{name}.html"


def read_failed(option: str, run_dir: RunDir, error: ValueError | StoreError) -> InputError:
    """What is said of a run that can not be read."""
    return InputError(f"{option}: run {run_dir.run_id} can not be read: {error}")

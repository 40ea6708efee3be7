"""The folder of a run: ``results/<run-id>/``. Everything that people read can be made anew from it."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.keys import Key

RUN_JSON = "run.json"
LATEST = "latest"
LOCK = ".lock"

#: A run id is part of object names, label values and paths.
_RUN_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?", re.ASCII)


def check_run_id(run_id: str) -> str:
    """``run_id`` if it can be one; `InputError` if not."""
    if _RUN_ID.fullmatch(run_id) and run_id != LATEST:
        return run_id
    raise InputError(
        f"run id {run_id!r}: 1 to 32 of lower-case letters, digits and '-' are allowed, "
        "the first and last a letter or digit, and not 'latest'"
    )


class RunDir:
    """Paths inside the folder of one run, and the few files that are written as a whole."""

    def __init__(self, results: Path, run_id: str) -> None:
        self.results = results
        self.run_id = check_run_id(run_id)
        self.path = results / run_id

    def create(self) -> None:
        """Make the folder of a new run and point ``latest`` to it. Raises `InputError`."""
        try:
            self.results.mkdir(parents=True, exist_ok=True)
            self.path.mkdir()
        except FileExistsError:
            raise InputError(
                f"run {self.run_id} exists in {self.results}: --odf-resume {self.run_id} goes on with it, "
                "another --odf-run-id starts a new one"
            ) from None
        except OSError as error:
            raise InputError(
                f"results folder {self.results} can not be written: {error.strerror or error}"
            ) from error
        self.point_latest()

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep other processes of this machine from going on with this run. Raises `InputError`.

        A killed process locks nothing. Across machines, and where the file system has no locks, the Lease
        of the run on its cluster does the same.
        """
        try:
            lock = (self.path / LOCK).open("w")
        except OSError as error:
            raise InputError(f"{self.path} can not be written: {error.strerror or error}") from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(
                    f"run {self.run_id} is alive: another process of this machine works in {self.path}"
                ) from None
            except OSError:
                pass
            yield

    def point_latest(self) -> None:
        fresh = self.results / f".latest-{os.getpid()}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(self.run_id)
        fresh.replace(self.results / LATEST)

    @classmethod
    def open(cls, results: Path, run: str) -> RunDir:
        """The folder of an earlier run; ``run`` may be ``last``. Raises `InputError`."""
        known = sorted(
            path.parent.name for path in results.glob(f"*/{RUN_JSON}") if path.parent.name != LATEST
        )
        if run in ("last", LATEST):
            link = results / LATEST
            if not (link / RUN_JSON).is_file():
                raise InputError(f"there is no run to resume in {results}")
            return cls(results, link.resolve().name)
        if run not in known:
            shown = ", ".join(known[-8:]) or "none"
            raise InputError(f"run {run!r} is not in {results} (known: {shown})")
        return cls(results, run)

    @property
    def records(self) -> Path:
        return self.path / "results.jsonl"

    def pool_dir(self, pool: str) -> Path:
        path = self.path / pool
        path.mkdir(exist_ok=True)
        return path

    def artefacts(self, key: Key) -> Path:
        """The folder of a key's raw files, made if need be."""
        path = self.path / key.pool / key.size / key.pvc / str(key.concurrency) / key.profile / key.block_size
        path.mkdir(parents=True, exist_ok=True)
        return path

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Replace a JSON file as a whole, or leave the old one."""
        self.write_text(name, json.dumps(content, indent=1, ensure_ascii=False) + "\n")

    def write_text(self, name: str, text: str) -> None:
        path = self.path / name
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)

    def read_run(self) -> dict[str, Any]:
        """run.json; `InputError` if it is none of ours."""
        path = self.path / RUN_JSON
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"can not be read: {error}", place=str(path)) from error
        if not isinstance(content, dict) or content.get("schema") != 1:
            raise InputError("is not a run.json of this version (schema 1)", place=str(path))
        return content

"""The folder of a run: ``results/<run-id>/``. Everything that people read can be made anew from it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import time
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.keys import GroupKey, Key
from pytest_odfperf.store.durable import make_folders, replace_file, replace_files, sync_folder, told
from pytest_odfperf.store.journal import read_lines
from pytest_odfperf.store.run_shape import shape_problem

RUN_JSON = "run.json"
SCHEMA = 1
LATEST = "latest"
LOCK = ".lock"
#: Who only asks whether it is locked has it for a moment.
_ASKED_S = 0.2

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


class ReportFolder:
    """A folder that reports are written to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, path: Path, content: bytes, *, synced: bool = True) -> None:
        """Replace a file as a whole, or leave the old one. Raises `StoreError`.

        Not ``synced``: nobody waits for the disk, see `replace_file`.
        """
        self.make(path.parent)
        with told("can not be written", path):
            replace_file(path, content, synced=synced)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there. Raises `StoreError`."""
        path = self.path / name
        with told("can not be removed", path):
            path.unlink(missing_ok=True)

    def make(self, folder: Path) -> None:
        """Make a folder in it. Raises `StoreError`.

        It is not made anew itself if it is gone: what was in it is lost, and that must be said.
        """
        with told("the folder can not be made", folder):
            if not self.path.is_dir():
                raise FileNotFoundError(errno.ENOENT, "the run's folder is gone")
            make_folders(folder)


class RunDir(ReportFolder):
    """Paths inside the folder of one run, and the few files that are written as a whole."""

    def __init__(self, results: Path, run_id: str) -> None:
        super().__init__(results / check_run_id(run_id))
        self.results = results
        self.run_id = run_id

    def create(self, files: Mapping[str, str] | None = None) -> None:
        """Make the folder of a new run, with ``files``, and point ``latest`` to it. Raises `InputError`."""
        self.check_latest()
        if self.results.exists() and not self.results.is_dir():
            raise InputError(f"results folder {self.results} is not a folder")
        try:
            make_folders(self.results)
            self.path.mkdir()
            for name, text in (files or {}).items():
                (self.path / name).write_text(text, encoding="utf-8")
            sync_folder(self.results)
            self._point_latest()
        except FileExistsError:
            raise InputError(
                f"run {self.run_id} exists in {self.results}: --odf-resume {self.run_id} goes on with it, "
                "another --odf-run-id starts a new one"
            ) from None
        except OSError as error:
            raise InputError(
                f"results folder {self.results} can not be written: {error.strerror or error}"
            ) from error

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
            if not _lock(lock, fcntl.LOCK_EX):
                raise InputError(
                    f"run {self.run_id} is alive: another process of this machine works in {self.path}"
                )
            yield

    def is_locked(self) -> bool:
        """Whether a process of this machine measures this run."""
        try:
            # Not made, if it is not there.
            with (self.path / LOCK).open("rb") as lock:
                return not _lock(lock, fcntl.LOCK_SH, wait_s=0.0)
        except OSError:
            return False

    def reopen(self) -> None:
        """Point ``latest`` to this run, which is gone on with. Raises `InputError`."""
        self.check_latest()
        try:
            self._point_latest()
        except OSError as error:
            raise InputError(
                f"results folder {self.results} can not be written: {error.strerror or error}"
            ) from error

    def check_latest(self) -> None:
        """Raise `InputError` if ``latest`` is there and is not the link that we make."""
        link = self.results / LATEST
        if os.path.lexists(link) and not link.is_symlink():
            raise InputError(f"{link} is not a link to the latest run: move it away")

    def _point_latest(self) -> None:
        fresh = self.results / f".{LATEST}-{os.getpid()}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(self.run_id)
        fresh.replace(self.results / LATEST)

    @classmethod
    def open(cls, results: Path, run: str) -> RunDir:
        """The folder of an earlier run; ``run`` may be ``last``. Raises `InputError`."""
        found = [path.parent.name for path in results.glob(f"*/{RUN_JSON}")]
        known = sorted(name for name in found if name != LATEST and _RUN_ID.fullmatch(name))
        shown = ", ".join(known[-8:]) or "none"
        if run in ("last", LATEST):
            link = results / LATEST
            if not os.path.lexists(link):
                raise InputError(f"there is no run to resume in {results}")
            # The link may be wrong; what it says is used only if it names one of the runs here.
            named = link.readlink().name if link.is_symlink() else ""
            if named not in known or not link.samefile(results / named):
                raise InputError(
                    f"{link} points to no run in {results}: name the run with --odf-resume (known: {shown})"
                )
            return cls(results, named)
        if run not in known:
            raise InputError(f"run {run!r:.80} is not in {results} (known: {shown})")
        return cls(results, run)

    @property
    def records(self) -> Path:
        return self.path / "results.jsonl"

    def records_of(self, stage: str) -> Path:
        """The records of what was measured beside the run's results: ``confirm.jsonl``."""
        return self.path / f"{stage}.jsonl"

    def artefacts(self, key: Key, repeat: int = 1, stage: str | None = None) -> Path:
        """The folder of a key's raw files; repeats from 2 on have one in it. So have all of a ``stage``."""
        path = self.path / key.pool / key.size / key.pvc / str(key.concurrency) / key.profile / key.block_size
        if repeat > 1 or stage is not None:
            path /= f"{stage or 'repeat'}-{repeat}"
        return path

    def new_diagnosis(self, group: GroupKey) -> Path:
        """A new folder for what the cluster showed of a group that failed; earlier ones stay.

        Raises `StoreError`.
        """
        above = self.path / group.pool / group.size / group.pvc / str(group.concurrency) / "diagnosis"
        self.make(above)
        number = 1
        with told("a folder can not be made in it", above):
            while True:
                try:
                    (path := above / str(number)).mkdir()
                except FileExistsError:
                    number += 1
                else:
                    sync_folder(above)
                    return path

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Replace a JSON file as a whole, or leave the old one. Raises `StoreError`."""
        self.write_text(name, json.dumps(content, indent=1, ensure_ascii=False) + "\n")

    def write_text(self, name: str, text: str) -> None:
        """Replace a file as a whole, or leave the old one. Raises `StoreError`."""
        # A lone surrogate (a path that is no text) is written as its escape, which JSON reads back.
        self.write(self.path / name, text.encode("utf-8", "backslashreplace"))

    def write_all(self, folder: Path, files: Mapping[str, bytes]) -> None:
        """Replace files of one folder, made if need be, as `write` does. Raises `StoreError`."""
        self.make(folder)
        with told("can not be written", folder):
            replace_files(folder, files)

    @contextmanager
    def writing(self, folder: Path, files: Mapping[str, bytes]) -> Generator[dict[str, str]]:
        """`write_all` beside what is done meanwhile; the files are on the disk at the end.

        Gives a mapping for what is derived of them, which is written then as `write_derived` does. That the
        disk takes nothing, a `StoreError`, is worse than what else went wrong meanwhile.
        """
        derived: dict[str, str] = {}
        with ThreadPoolExecutor(1, thread_name_prefix="artefacts") as disk:
            kept = disk.submit(self.write_all, folder, files)
            try:
                yield derived
            finally:
                kept.result()
                for name, text in derived.items():
                    self.write_derived(folder / name, text)

    def write_derived(self, path: Path, text: str) -> None:
        """Write a file that can be made anew from others of its folder: nobody waits for the disk.

        Raises `StoreError`.
        """
        with told("can not be written", path):
            path.write_text(text, encoding="utf-8")

    def read_run(self) -> dict[str, Any]:
        """run.json; `InputError` if it is none of ours."""
        path = self.path / RUN_JSON
        try:
            content = json.loads(b"\n".join(read_lines(path)))
        except (OSError, ValueError, RecursionError) as error:
            why = error.strerror or str(error) if isinstance(error, OSError) else _broken(path, error)
            raise InputError(f"can not be read: {why}", place=str(path)) from error
        schema = content.get("schema") if isinstance(content, dict) else None
        if not isinstance(content, dict) or schema is None:
            raise InputError("is not the run.json of a run (schema is missing)", place=str(path))
        if type(schema) is not int or schema != SCHEMA:
            versions = content.get("versions")
            made_by = versions.get("pytest-odfperf") if isinstance(versions, dict) else None
            by = f" by pytest-odfperf {made_by!r:.40}" if made_by else ""
            raise InputError(
                f"was written{by} with schema {schema!r:.40}; this version reads schema {SCHEMA}: "
                "resume the run with the version that began it",
                place=str(path),
            )
        if problem := shape_problem(content):
            raise InputError(problem, place=str(path))
        return content


def _lock(file: IO[Any], how: int, wait_s: float = _ASKED_S) -> bool:
    """Lock a file until it is closed; False if another process has it, and does not let go soon."""
    end = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(0.005)
        except OSError:
            return True  # no locks on this file system
        else:
            return True


def _broken(path: Path, error: Exception) -> str:
    if path.stat().st_size == 0:
        return "the file is empty; the run can not be resumed, its results are in results.jsonl"
    return f"{error}; the run can not be resumed, its results are in results.jsonl"

"""Files and folders that are still there, whole, after a power loss.

A file's content is on the disk after its fsync; that it exists at all, or has its new name, only after the
fsync of its folder (``fsync(2)``, "Calling fsync() does not necessarily ensure...").
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pytest_odfperf.errors import StoreError

#: Flushes at one time.
_AT_ONCE = 16


@contextlib.contextmanager
def told(doing: str, path: Path) -> Generator[None]:
    """Turn an `OSError` into the `StoreError` that says what could not be done with ``path``."""
    try:
        yield
    except OSError as error:
        raise StoreError.of(doing, path, error) from error


def sync_folder(path: Path) -> None:
    """Wait until the entries of a folder are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folders(path: Path) -> None:
    """Make ``path`` and what is missing above it, each on the disk. Raises `OSError`."""
    missing = [path]
    while not missing[-1].is_dir() and missing[-1].parent != missing[-1]:
        missing.append(missing[-1].parent)
    for folder in reversed(missing[:-1]):
        # Another worker may be making it at this moment.
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def replace_file(path: Path, content: bytes, *, synced: bool = True) -> None:
    """Replace ``path`` as a whole, or leave the old one as it was. Raises `OSError`.

    Not ``synced``: it is whole to all who read it, and after a power loss perhaps not there.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            if synced:
                os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise
    if synced:
        sync_folder(path.parent)


def replace_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """`replace_file` of many in one folder, which share their waits for the disk. Raises `OSError`.

    Flushes that wait at one time end up in one commit of the file system's journal.
    """
    above, suffix = f"{folder}/", f".{os.getpid()}.new"
    fresh = {f"{above}.{name}{suffix}": f"{above}{name}" for name in files}
    descriptors: list[int] = []
    try:
        for path, content in zip(fresh, files.values(), strict=True):
            descriptors.append(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644))
            view = memoryview(content)
            while view:
                view = view[os.write(descriptors[-1], view) :]
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="disk") as pool:
            # An empty file has nothing to be flushed but its name, which the folder has.
            list(
                pool.map(os.fsync, (fd for fd, data in zip(descriptors, files.values(), strict=True) if data))
            )
        for path, final in fresh.items():
            Path(path).replace(final)
    except OSError:
        for path in fresh:
            with contextlib.suppress(OSError):
                Path(path).unlink()
        raise
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    sync_folder(folder)

"""Where matrix files and profile templates are found, and the only place of this package that reads files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pytest_odfperf.errors import InputError

#: A matrix file or template is a few thousand bytes.
LARGEST_BYTES = 256 << 10

SUFFIXES = (".yaml", ".yml")

#: How files that ship with the package are called in messages, wherever it is installed.
SHIPPED = "matrices"

_PACKAGE = Path(__file__).resolve().parents[2]


def shipped_dir() -> Path:
    """The folder of the matrices that ship with the package."""
    return _PACKAGE / SHIPPED


def shipped_names() -> tuple[str, ...]:
    """The names of the shipped matrices."""
    return tuple(sorted(path.stem for path in shipped_dir().glob("*.yaml")))


def is_path(name: str) -> bool:
    """Whether ``name`` means a file, not a shipped matrix."""
    return name.endswith(SUFFIXES) or "/" in name or os.sep in name


def find_matrix(name: str, *, beside: Path | None = None, place: str | None = None) -> Path:
    """The file of a matrix that is named by path (relative to ``beside``) or by its shipped name.

    Raises `InputError`.
    """
    if is_path(name):
        return (beside or Path()) / name
    shipped = shipped_dir() / f"{name}.yaml"
    if name in shipped_names():
        return shipped
    known = ", ".join(shipped_names())
    raise InputError(
        f"no matrix {name!r} ships with the plugin (known: {known}); a file is written with its suffix, "
        f"{name[:40]}.yaml",
        place=place,
    )


def find_template(name: str, *, beside: Path, direct: bool) -> Path | None:
    """A template: in ``profiles/`` beside its matrix file, then among those that ship; None if nowhere.

    With ``direct``, ``name`` is a path that is looked up relative to the matrix file first.
    """
    folders = [beside / "profiles", shipped_dir() / "profiles"]
    candidates = [folder / name for folder in ([beside, *folders] if direct else folders)]
    try:
        return next((path for path in candidates if path.is_file()), None)
    except ValueError:  # a null byte
        return None


def shown(path: Path) -> str:
    """``path`` as messages show it: shipped files without the place of installation."""
    try:
        # realpath, since Path.resolve raises for a loop of links.
        return f"{SHIPPED}/{Path(os.path.realpath(path)).relative_to(shipped_dir().resolve())}"
    except ValueError:
        return str(path)


def read_file(path: Path, *, what: str, place: str | None = None) -> str:
    """The text of ``path``. Raises `InputError` for what is no readable small UTF-8 file."""
    try:
        # Opening a FIFO would wait for its writer.
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError(f"{what} {shown(path)} is not a file", place=place)
        with path.open("rb") as file:
            raw = file.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{what} {shown(path)} can not be read: {reason}", place=place) from error
    if len(raw) > LARGEST_BYTES:
        raise InputError(f"{what} {shown(path)} is larger than {LARGEST_BYTES >> 10} KiB", place=place)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(f"{what} is not UTF-8 text", place=f"{shown(path)}:{line}") from error

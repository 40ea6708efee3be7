"""Programs of the system that the sandbox needs, and which Debian package brings them."""

from __future__ import annotations

import os
import shutil
from importlib.resources import files

from pytest_odfperf.errors import InputError

#: Where Debian keeps mke2fs; not in the PATH of every user.
_SEARCH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
#: It installs what this module lists.
REMEDY = "tools/install-system-packages"


def system_packages(name: str = "system_packages.txt") -> dict[str, str]:
    """Command to Debian package, as this file lists them, also optional ones."""
    text = files("pytest_odfperf.sandbox").joinpath(name).read_text(encoding="utf-8")
    rows = (line.split() for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return {command: package for package, command, *_ in rows if command != "-"}


def tool_path(command: str) -> str | None:
    """The path of a program; None: it is not installed."""
    return shutil.which(command, path=_SEARCH)


def tool(command: str) -> str:
    """The path of a program; `InputError` names the package and what installs it."""
    if found := tool_path(command):
        return found
    package = system_packages().get(command, command)
    raise InputError(f"{command} is not there: install the Debian package {package} ({REMEDY})")

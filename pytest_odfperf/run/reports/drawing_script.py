"""The script that draws the pictures of our pages: Vega-Lite's bundle, out of an installed package."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

#: What the extra ``report`` installs.
_PACKAGE = "vl-convert-python"
_SNIPPET = "window.vegaEmbed = vegaEmbed;"


def drawing_script() -> str | None:
    """The script; None where the extra ``report`` is not installed.

    Bundling takes more than a second of CPU each time, so the result is kept in the user's cache folder, if
    that can be written.
    """
    try:
        found = version(_PACKAGE)
    except PackageNotFoundError:
        return None
    path = _cache() / "pytest-odfperf" / f"drawing-{_PACKAGE}-{found}.js"
    with suppress(OSError, UnicodeDecodeError):
        if _ours(path) and (text := path.read_text("utf-8")).endswith(_END):
            return text
    try:
        import vl_convert
    except ImportError:
        return None
    made: str = vl_convert.javascript_bundle(_SNIPPET) + _END
    with suppress(OSError):
        _keep(path, made)
    return made


#: What a file ends with that was written whole.
_END = "\n/* whole */"


def _cache() -> Path:
    given = os.environ.get("XDG_CACHE_HOME", "")
    try:
        return Path(given) if given.startswith("/") else Path.home() / ".cache"
    except RuntimeError:  # no home
        return Path(tempfile.gettempdir()) / f"odfperf-{os.getuid()}"


def _ours(path: Path) -> bool:
    """Whether nobody else may have written it: it becomes part of a page."""
    facts = path.stat()
    return facts.st_uid == os.getuid() and not facts.st_mode & 0o022


def _keep(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".drawing-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise

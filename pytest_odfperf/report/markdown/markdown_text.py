"""Texts of files, clusters and guests in Markdown (GitHub's and GitLab's), where they stay text.

They stand in code spans. There nothing is a link, an image, HTML, a mention of a person (``@name``) or of an
issue (``#1``), and no backslash is needed, but for the pipes of a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

#: Longer texts are cut: the whole one is in the report.
LONGEST = 300

_TICKS = re.compile(r"`+")


def code(text: object, longest: int = LONGEST) -> str:
    """``text`` as one line in a code span, also in a table."""
    line = " ".join(str(text).split())
    line = "".join(one if one.isprintable() else "\ufffd" for one in line)
    if len(line) > longest:
        line = line[: longest - 1] + "…"
    if not line:
        return "(empty)"
    # Parsers differ in what two backslashes before a pipe are; then it is the pipe's look-alike.
    line = line.replace("\\|", "\\│").replace("|", "\\|")
    ticks = "`" * (1 + max(map(len, _TICKS.findall(line)), default=0))
    edge = " " if line.startswith("`") or line.endswith(("`", "\\")) else ""
    return f"{ticks}{edge}{line}{edge}{ticks}"


def table_row(cells: Iterable[object]) -> str:
    """A row of cells that are Markdown already."""
    return f"| {' | '.join(map(str, cells))} |"


def table_head(names: Sequence[str], numbers: int = 0) -> list[str]:
    """The two lines of a table's head; the last ``numbers`` columns are aligned to the right."""
    left = len(names) - numbers
    return [table_row(names), table_row(["---"] * left + ["---:"] * numbers)]

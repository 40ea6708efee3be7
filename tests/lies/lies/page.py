"""docs/lies.md: its tables are made of what was told and heard."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from lies.lie import Heard, Lie, caught

PAGE = Path(__file__).parents[3] / "docs" / "lies.md"
#: Between these two lines of the page stands what is made.
_BEGIN, _END = "<!-- made by make lies -->", "<!-- end -->"
_ROW = re.compile(r"^\| `([a-z0-9-]+)` \|", re.MULTILINE)


def tables(lies: Sequence[Lie], heard: Mapping[str, Heard], clean: Mapping[str, Sequence[Heard]]) -> str:
    """The figures, the table of lies by family, and the clean results by where they are from."""
    told = [lie for lie in lies if lie.name in heard]
    found = [lie for lie in told if caught(lie, heard[lie.name])]
    results = [one for some in clean.values() for one in some]
    alarms = [one for one in results if one.doubted]
    lines = [
        f"{len(found)} of {len(told)} lies were caught ({_percent(len(found), len(told))});",
        f"{len(alarms)} of {len(results)} clean results were doubted "
        f"({_percent(len(alarms), len(results))}).",
    ]
    for family in dict.fromkeys(lie.family for lie in lies):
        lines += ["", f"### {family[:1].upper()}{family[1:]}", ""]
        lines += ["| lie | told by | what is not so | verdict | what spoke |", "|---|---|---|---|---|"]
        lines += [_row(lie, heard.get(lie.name)) for lie in lies if lie.family == family]
    lines += ["", "### Clean results", "", "| from | results | doubted | codes |", "|---|---|---|---|"]
    for source, some in clean.items():
        codes = Counter(code for one in some for code in one.codes)
        shown = ", ".join(f"`{code}` {count}" for code, count in codes.most_common())
        lines.append(f"| {source} | {len(some)} | {sum(one.doubted for one in some)} | {shown} |")
    return "\n".join(lines)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "none"


def _row(lie: Lie, heard: Heard | None) -> str:
    if heard is None:
        verdict, spoke = "not told here", ""
    else:
        verdict = heard.verdict if caught(lie, heard) else f"**missed** ({heard.verdict})"
        own = [code for code in heard.codes if code in lie.right] or list(heard.codes)
        spoke = ", ".join(f"`{code}`" for code in own)
    return f"| `{lie.name}` | {lie.way} | {lie.says} | {verdict} | {spoke} |"


def write(text: str) -> None:
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    PAGE.write_text(f"{before}{_BEGIN}\n{text}\n{_END}{after}", encoding="utf-8")


def named_on_page() -> list[str]:
    return _ROW.findall(PAGE.read_text(encoding="utf-8"))


def missed_on_page() -> int:
    return PAGE.read_text(encoding="utf-8").count("**missed**")


def shares(lies: Iterable[Lie], heard: Mapping[str, Heard], clean: Iterable[Heard]) -> tuple[float, float]:
    """The parts that were caught, and that were doubted without reason."""
    told = [caught(lie, heard[lie.name]) for lie in lies if lie.name in heard]
    doubted = [one.doubted for one in clean]
    return sum(told) / max(1, len(told)), sum(doubted) / max(1, len(doubted))

"""One check: a level, what was checked, what was found, the next step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pytest_odfperf.errors import one_line

Level = Literal["ok", "warn", "FAIL"]
JsonObject = Mapping[str, Any]

#: What cures a right that is missing.
GRANT = "oc apply -f deploy/ (docs/openshift.md: Rights)"


@dataclass(frozen=True, slots=True)
class Unread:
    """What could not be read: the HTTP status (None: no answer), and the server's words."""

    status: int | None
    words: str


@dataclass(frozen=True, slots=True)
class Check:
    level: Level
    what: str
    detail: str
    next_step: str = ""

    def __str__(self) -> str:
        line = f"{self.level:<4} {self.what}: {self.detail}"
        return one_line(f"{line}; next: {self.next_step}" if self.next_step else line)


def passed(what: str, detail: str) -> Check:
    return Check("ok", what, detail)


def doubtful(what: str, detail: str, next_step: str) -> Check:
    return Check("warn", what, detail, next_step)


def failed(what: str, detail: str, next_step: str) -> Check:
    return Check("FAIL", what, detail, next_step)


def not_checked(what: str, unread: Unread) -> Check:
    """What could not be read does no harm by itself."""
    if unread.status == 403:
        return doubtful(what, f"not checked, since it may not be read ({unread.words})", GRANT)
    return doubtful(what, f"not checked ({unread.words})", "see the message")


def failures(checks: Sequence[Check]) -> int:
    return sum(check.level == "FAIL" for check in checks)


def text(checks: Sequence[Check]) -> str:
    """One line a check, and one for all of them."""
    counts = {level: sum(check.level == level for check in checks) for level in ("ok", "warn", "FAIL")}
    verdict = "a run would fail" if counts["FAIL"] else "nothing speaks against a run"
    counted = ", ".join(f"{number} {level}" for level, number in counts.items() if number)
    return "\n".join([*map(str, checks), f"odfperf preflight: {counted}: {verdict}"])


def condition(found: JsonObject, sort: str) -> JsonObject:
    """A condition of an object; empty if it has none of this type."""
    conditions = (found.get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one.get("type") == sort), {})


def said(one: JsonObject) -> str:
    """Reason and message of a condition."""
    return ": ".join(str(one[part]) for part in ("reason", "message") if one.get(part)) or "no reason given"

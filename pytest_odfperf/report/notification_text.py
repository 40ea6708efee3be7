"""What people are told of a run where they are: at its start, its first failure and its end."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_odfperf.errors import one_line
from pytest_odfperf.redaction import redact
from pytest_odfperf.report.content.result_state import WORDS, ResultState

Kind = Literal["info", "success", "warning", "failure"]
Event = Literal["start", "first failure", "end"]

#: A reason can be as long as a traceback; a message is read on a telephone.
_LONGEST = 400
_SHOWN = 8
#: Services that notify everybody on ``@all``, ``@here`` and the like do so wherever it stands in a text.
_MENTION = re.compile(r"@(?=\w)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """``kind`` is one of apprise's types, which services show as a colour or a sign."""

    event: Event
    kind: Kind
    title: str
    body: str

    def to_json(self) -> dict[str, str]:
        return {"kind": self.kind, "title": self.title, "body": self.body}


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifiedRun:
    """What every message of a run has."""

    run_id: str
    #: ``SIMULATED`` and the like.
    marking: str | None
    matrix: str
    cluster: str
    #: The run's folder, and the page of the CI system that runs it, if there is one.
    folder: str
    link: str | None = None


def start_message(run: NotifiedRun, *, keys: int, pools: Sequence[str], estimate: str) -> Message:
    """What is measured, and about how long it takes."""
    shown = ", ".join(pools[:_SHOWN]) + (f" and {len(pools) - _SHOWN} more" if len(pools) > _SHOWN else "")
    lines = [
        f"{keys} measurements on {len(pools)} pools: {shown}",
        f"Matrix {run.matrix}, cluster {run.cluster}",
        f"Estimated: {estimate}",
    ]
    return _message(run, "start", "info", "started", lines)


def failure_message(run: NotifiedRun, *, test: str, reason: str) -> Message:
    """The first thing that went wrong; what comes after is told at the end."""
    lines = [test, reason, "It is the first one; the others will be counted at the end."]
    return _message(run, "first failure", "failure", "has a failure", lines)


def unopened_message(*, matrix: str, reason: str) -> Message:
    """A run that ended before it began."""
    return Message(
        event="start",
        kind="failure",
        title="Storage run could not start",
        body="\n".join(map(_plain, [f"Matrix {matrix}", reason])),
    )


def end_message(
    run: NotifiedRun,
    *,
    counts: Mapping[ResultState, int],
    exit_code: int,
    cause: str | None,
    gate: str | None,
    problems: Sequence[str] = (),
) -> Message:
    """The verdict. ``cause``: why the run ended before its time; ``gate``: the gate's word."""
    said = ", ".join(f"{count} {WORDS[state]}" for state, count in counts.items() if count)
    lines = [said or "nothing was measured"]
    if gate is not None:
        lines.append(f"Gate: {gate}")
    if cause is not None:
        lines.append(f"Ended early: {cause}")
    lines += [*problems[:_SHOWN], f"Exit code {exit_code}"]
    kind, word = _verdict(counts, exit_code, cause)
    return _message(run, "end", kind, word, lines)


def _verdict(counts: Mapping[ResultState, int], exit_code: int, cause: str | None) -> tuple[Kind, str]:
    if cause is not None:
        return "warning", "was ended early"
    if exit_code:
        return "failure", "failed"
    if counts.get("suspect") or counts.get("invalid") or counts.get("not_run"):
        return "warning", "passed, with doubts"
    return "success", "passed"


def _message(run: NotifiedRun, event: Event, kind: Kind, word: str, lines: Sequence[str]) -> Message:
    marking = f"{run.marking}: " if run.marking else ""
    where = [f"Report: {run.folder}/report.html", *([run.link] if run.link else [])]
    return Message(
        event=event,
        kind=kind,
        title=_plain(f"{marking}storage run {run.run_id} {word}"),
        body="\n".join(map(_plain, [*lines, *where])),
    )


def _plain(text: str) -> str:
    """One line of a message: no secret, nothing that a service would act on."""
    return _MENTION.sub("@\N{WORD JOINER}", one_line(redact(text), _LONGEST))

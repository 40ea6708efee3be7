"""What ``fio --parse-only`` says of a job file: nothing, or why fio would not run it.

It ends with 0 though an include is missing, and does not look at engines, sizes or files; so its words count
too. Tried with 3.33.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_odfperf.fio.job import Job
from pytest_odfperf.fio.job_file.job_lines import lines

#: What of a line is the option that fio means.
_QUOTED = (
    re.compile(r"Bad option <(.*)>"),
    re.compile(r"fio: failed parsing (.*)"),
    re.compile(r"fio: option <(.*)> outside of"),
)
_ALWAYS_WRONG = ("bad option", "failed parsing", "outside of [] job section", "unable to open", " dropped")
#: Not why: what follows from another line, or a list of what is allowed.
_FOLLOWS = re.compile(r"fio: job .* dropped|Did you mean .*|\s*(valid values)?\s*: .*|fio: file:.*")
#: What is so on one machine and not on another.
_MACHINE = re.compile(
    r"CPU \d+ too large|not loadable|failed to load engine|numa|cgroup|hugepage|cpuset_init", re.IGNORECASE
)
#: Shells give exit codes from here on for signals, and fio 128 of itself.
_OF_SIGNALS = 128
_VERSION = re.compile(r"fio-\d[\w.~+-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why fio would not run a job file, in its words."""

    said: str
    #: Where the option stands that it means, or the file if it names none.
    place: str
    #: Whether it may be so on this machine only.
    of_machine: bool

    def __str__(self) -> str:
        return f"{self.place}: {self.said}"


def version_of(text: str) -> str | None:
    """``fio-3.33`` of what ``fio --version`` says; None for another program of that name."""
    found = _VERSION.fullmatch(text.strip())
    return found[0] if found else None


def refusals(job: Job, exit_code: int, said: str) -> tuple[Refusal, ...]:
    """What fio refuses of ``job``, given how it ended and all that it said; empty if nothing."""
    if not 0 <= exit_code < _OF_SIGNALS:
        # It was killed or crashed, which says nothing of the job.
        return ()
    spoken = [line.strip()[:300] for line in said.splitlines() if line.strip()]
    if exit_code == 0 and not any(part in line.lower() for line in spoken for part in _ALWAYS_WRONG):
        return ()
    causes = [line for line in spoken if not _FOLLOWS.fullmatch(line)]
    causes = causes or spoken[-1:] or [f"fio --parse-only ended with exit code {exit_code}"]
    return tuple(_refusal(job, line) for line in causes)


def _refusal(job: Job, line: str) -> Refusal:
    quoted = next((found[1] for form in _QUOTED if (found := form.search(line))), None)
    return Refusal(line, _place(job, quoted), bool(_MACHINE.search(line)))


def _place(job: Job, option: str | None) -> str:
    for line, place in zip(lines(job.text, ""), job.places, strict=False):
        if option is not None and line.content == option:
            return place
    return re.sub(r":[0-9]+$", "", job.places[0]) if job.places else "job.fio"

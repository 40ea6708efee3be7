"""All that one run of fio left, taken together: a result, or the one reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_odfperf.errors import FioError
from pytest_odfperf.fio.answers.failures import ERRNO_REASONS, by_exit_code, errno_text
from pytest_odfperf.fio.answers.output import FioResult, documents, parse
from pytest_odfperf.fio.answers.said import by_words, lines_of
from pytest_odfperf.fio.job import Job
from pytest_odfperf.matrix.model import FioSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    exit_code: int
    #: fio had not ended at its deadline, and was killed.
    timed_out: bool
    #: What it wrote to ``--output``; empty if nothing.
    output: str
    #: Its stdout and stderr.
    log: str
    #: The log files that fio wrote beside, by name: ``write_bw_log`` and the like.
    logs: Mapping[str, str] = field(default_factory=dict)


def read(answer: Answer, job: Job, settings: FioSettings) -> FioResult:
    """The figures. Raises `FioError`; nothing of a run that failed ever becomes a figure."""
    log = lines_of(answer.log)
    if answer.timed_out:
        raise FioError("timeout", f"fio had not ended at its deadline and was killed; it said: {_shown(log)}")
    prefix, document = parts = _parts(answer.output)
    if failed := _failed_job(document):
        name, code = failed
        reason = ERRNO_REASONS.get(code, "io_error")
        found = by_words([*log, *prefix])
        said = found[1] if found else _shown([*log, *prefix])
        raise FioError(reason, f"job {name}: {errno_text(code)}; fio said: {said}")
    if answer.exit_code == 0:
        known = parts if document else None
        return parse(answer.output, job, settings, logs=answer.logs, log=answer.log, parts=known)
    # The log first: it has no listings of what would have been allowed.
    found = by_words(log) or by_words(prefix) or by_exit_code(answer.exit_code)
    if found:
        raise FioError(*found)
    raise FioError(
        "io_error", f"fio ended with exit code {answer.exit_code}; it said: {_shown([*log, *prefix])}"
    )


def _shown(lines: list[str]) -> str:
    return " / ".join(lines[-3:])[-300:] or "nothing"


def _parts(output: str) -> tuple[list[str], Mapping[str, Any]]:
    """fio's lines and its last document, as far as there are any; what is broken is `parse`'s to say."""
    try:
        prefix, document = documents(output)
    except FioError:
        return lines_of(output.partition("\n{")[0]) if not output.startswith("{") else [], {}
    return prefix, document


def _failed_job(document: Mapping[str, Any]) -> tuple[str, int] | None:
    jobs = document.get("jobs")
    for entry in jobs if isinstance(jobs, list) else []:
        if isinstance(entry, dict) and type(code := entry.get("error")) is int and code != 0:
            return str(entry.get("jobname"))[:60], abs(code)
    return None

"""fio's json+ answer becomes figures, or an error that names what is wrong with it.

fio's exit code and its JSON each look fine in cases where nothing was measured (a missing engine, a
signal, a full disk), so each figure must be there, and be what the job asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from pytest_odfperf.errors import FioError
from pytest_odfperf.fio import completion_log
from pytest_odfperf.fio.answers.failures import check_error
from pytest_odfperf.fio.answers.fio_result import DirectionResult, FioResult, JobResult, LatencyResult
from pytest_odfperf.fio.answers.reported import count, read_reported
from pytest_odfperf.fio.answers.said import by_words, lines_of, notes_of
from pytest_odfperf.fio.answers.section_figures import read_section
from pytest_odfperf.fio.job import Job, Section
from pytest_odfperf.matrix.model import FioSettings

#: A line of ``--output-format=normal``, of ``terse``.
_TEXT = re.compile(r"\(groupid=\d+, jobs=\d+\): err=|^\d+;fio-\d")
#: Reasons by which fio's words void an answer that is there; others are trouble of the environment.
_OF_THE_JOB = ("config", "interrupted")

__all__ = ["DirectionResult", "FioResult", "JobResult", "LatencyResult", "documents", "parse"]


def parse(
    text: str,
    job: Job,
    settings: FioSettings,
    *,
    logs: Mapping[str, str] | None = None,
    log: str = "",
    parts: tuple[list[str], Mapping[str, Any]] | None = None,
) -> FioResult:
    """The figures of fio's ``--output-format=json+`` file. Raises `FioError`.

    ``logs``: fio's own log files by name; ``log``: its stdout and stderr; ``parts``: what `documents` made of
    the text, if that is known. Text before the JSON is fio's: notes (the job is not run as written) and
    errors. Of several documents (``--status-interval``) the last is the final one. Whether the figures are to
    be believed is not asked here, but by the rules of `pytest_odfperf.measure.verdicts`.
    """
    prefix, document = parts or documents(text)
    said = list(dict.fromkeys([*lines_of(log), *prefix]))
    doubtful = _check_said(said)
    if "client_stats" in document:
        raise FioError("config", "fio ran on other machines (client_stats); an answer is of one guest's fio")
    version, entries = document.get("fio version"), document.get("jobs")
    if not isinstance(version, str) or not isinstance(entries, list):
        raise FioError("truncated", "the answer has no 'fio version' or no 'jobs'")
    names = [entry.get("jobname") if isinstance(entry, dict) else None for entry in entries]
    wanted = [section.name for section in job.sections]
    for entry in entries:
        if isinstance(entry, dict):
            check_error(entry)
    if names == [section.name for section in job.sections for _ in range(section.numjobs)] != wanted:
        raise FioError("config", f"one answer for each worker ({_shown(names)}): without group_reporting")
    if names != wanted:
        raise FioError("truncated", f"the answer has the jobs {_shown(names)}, not {_shown(wanted)}")
    jobs, notes = [], list(notes_of(said))
    common = document.get("global options")
    for section, first_worker, entry in _with_workers(job, entries):
        found = completion_log.read_log(section, first_worker, logs or {})
        reported = read_reported(entry, common if isinstance(common, dict) else {})
        result, unsure = read_section(
            section, entry, job.phase_of(section.name), settings, found, said, reported
        )
        jobs.append(result)
        notes += unsure
    return FioResult(
        fio_version=version,
        jobs=tuple(jobs),
        notes=tuple(notes),
        said=doubtful,
        disk_ios=_disk_ios(document),
    )


def _with_workers(job: Job, entries: list[Any]) -> Iterator[tuple[Section, int, Mapping[str, Any]]]:
    """Each section, the number of its first worker, and its entry in the answer."""
    worker = 1
    for section, entry in zip(job.sections, entries, strict=True):
        yield section, worker, entry
        worker += section.numjobs


def _shown(names: list[Any]) -> str:
    return ", ".join(str(name)[:60] for name in names[:8]) + (", ..." if len(names) > 8 else "") or "(none)"


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def documents(text: str) -> tuple[list[str], dict[str, Any]]:
    """The lines before the JSON, and the last document."""
    if not text.strip():
        raise FioError("empty", "fio wrote no result: it did not start, or was killed before its end")
    start = 0 if text.startswith("{") else text.find("\n{") + 1
    if start == 0 and not text.startswith("{"):
        _check_said(lines_of(text), ended=False)
        raise FioError("config", f"fio did not run: {lines_of(text)[0]}")
    prefix = lines_of(text[:start])
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    document: Any = None
    while start < len(text):
        try:
            document, start = decoder.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            raise FioError(
                "truncated", f"fio's JSON is broken after {len(text)} characters: {error}"
            ) from error
        rest = text[start:]
        following = 0 if rest.lstrip().startswith("{") else rest.find("\n{")
        if following < 0:
            prefix += lines_of(rest)
            break
        gap = rest.index("{", following)
        prefix += lines_of(rest[:gap])
        start += gap
    if not isinstance(document, dict):
        raise FioError("truncated", "fio's answer is not a JSON object")
    return prefix, document


def _disk_ios(document: Mapping[str, Any]) -> dict[str, float | None]:
    """``disk_util`` is empty where there is no disk, and has no counts where it is one of partitions."""
    listed = document.get("disk_util")
    found: dict[str, float | None] = {}
    for disk in listed if isinstance(listed, list) else []:
        if isinstance(disk, dict):
            counts = [count(disk, name) for name in ("read_ios", "write_ios")]
            told = [one for one in counts if one is not None]
            found[str(disk.get("name"))] = sum(told) if told else None
    return found


def _check_said(lines: list[str], *, ended: bool = True) -> tuple[str, ...]:
    """The first of fio's lines that void its figures. Raises `FioError` for trouble of the environment.

    ``ended``: there is an answer, which such a line makes doubtful; without one the line is why.
    """
    if any(_TEXT.search(line) for line in lines):
        raise FioError("config", "the answer is fio's text for people or for scripts, not json+")
    found = by_words(lines)
    if found is None:
        return ()
    if ended and found[0] in _OF_THE_JOB:
        return (found[1],)
    raise FioError(found[0], f"fio does not run the job as written, or not to its end: {found[1]}")

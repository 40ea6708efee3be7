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
from pytest_odfperf.fio.answers import agreement
from pytest_odfperf.fio.answers.fio_result import DirectionResult, FioResult, JobResult, LatencyResult
from pytest_odfperf.fio.answers.said import by_words, lines_of, notes_of
from pytest_odfperf.fio.answers.section_figures import read_section
from pytest_odfperf.fio.job import Job, Section
from pytest_odfperf.matrix.model import FioSettings

#: A line of ``--output-format=normal``, of ``terse``.
_TEXT = re.compile(r"\(groupid=\d+, jobs=\d+\): err=|^\d+;fio-\d")

__all__ = ["DirectionResult", "FioResult", "JobResult", "LatencyResult", "documents", "parse"]


def parse(
    text: str,
    job: Job,
    settings: FioSettings,
    *,
    logs: Mapping[str, str] | None = None,
    log: str = "",
    device: str | None = None,
) -> FioResult:
    """The figures of fio's ``--output-format=json+`` file. Raises `FioError`.

    ``logs``: fio's own log files by name; ``log``: its stdout and stderr; ``device``: the block device that
    should have done the I/O. Text before the JSON is fio's: notes (the job is not run as written) and errors.
    Of several documents (``--status-interval``) the last is the final one.
    """
    prefix, document = documents(text)
    said = list(dict.fromkeys([*lines_of(log), *prefix]))
    _check_said(said)
    if "client_stats" in document:
        raise FioError("config", "fio ran on other machines (client_stats); an answer is of one guest's fio")
    version, entries = document.get("fio version"), document.get("jobs")
    if not isinstance(version, str) or not isinstance(entries, list):
        raise FioError("truncated", "the answer has no 'fio version' or no 'jobs'")
    names = [entry.get("jobname") if isinstance(entry, dict) else None for entry in entries]
    wanted = [section.name for section in job.sections]
    for entry in entries:
        if isinstance(entry, dict):
            agreement.check_errors(entry)
    if names == [section.name for section in job.sections for _ in range(section.numjobs)] != wanted:
        raise FioError("config", f"one answer for each worker ({_shown(names)}): without group_reporting")
    if names != wanted:
        raise FioError("truncated", f"the answer has the jobs {_shown(names)}, not {_shown(wanted)}")
    agreement.check_disk(document, device, buffered=bool(job.buffered))
    agreement.check_order(job, entries, settings.runtime_s)
    jobs, notes = [], list(notes_of(said))
    for section, first_worker, entry in _with_workers(job, entries):
        found = completion_log.read_log(section, first_worker, logs or {})
        result, doubts = _section(section, entry, document, job, settings, found, said)
        jobs.append(result)
        notes += doubts
    return FioResult(fio_version=version, jobs=tuple(jobs), notes=tuple(notes))


def _with_workers(job: Job, entries: list[Any]) -> Iterator[tuple[Section, int, Mapping[str, Any]]]:
    """Each section, the number of its first worker, and its entry in the answer."""
    worker = 1
    for section, entry in zip(job.sections, entries, strict=True):
        yield section, worker, entry
        worker += section.numjobs


def _section(
    section: Section,
    entry: Mapping[str, Any],
    document: Mapping[str, Any],
    job: Job,
    settings: FioSettings,
    found_log: completion_log.SectionLog,
    said: list[str],
) -> tuple[JobResult, tuple[str, ...]]:
    common = document.get("global options")
    agreement.check_options(section, entry, common if isinstance(common, dict) else {})
    agreement.check_depth(section, entry)
    found = read_section(section, entry, job.phase_of(section.name), settings, found_log, said)
    parts = [part for part in (found[0].read, found[0].write, found[0].sync) if part is not None]
    slowest_ns = max((part.lat_max_ns for part in parts), default=0)
    agreement.check_runtimes(section, entry, settings.runtime_s, slowest_ns)
    return found


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
        _check_said(lines_of(text))
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


def _check_said(lines: list[str]) -> None:
    if any(_TEXT.search(line) for line in lines):
        raise FioError("config", "the answer is fio's text for people or for scripts, not json+")
    if found := by_words(lines):
        raise FioError(found[0], f"fio does not run the job as written, or not to its end: {found[1]}")

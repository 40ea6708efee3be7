"""One test as a case of JUnit: what it came to, in words that need no other file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from pytest_odfperf.errors import one_line
from pytest_odfperf.measure.limits.limit_outcome import BROKEN
from pytest_odfperf.measure.record import Record
from pytest_odfperf.measure.verdicts.judge import shown
from pytest_odfperf.report.content.run_content import RunTest
from pytest_odfperf.report.junit.junit_names import case_names
from pytest_odfperf.report.junit.junit_suite import Case, End

#: How long a message may be; the text has all of it.
_LONGEST_MESSAGE = 500
#: Files of a doubtful result that are attached, at most.
_MOST_FILES = 8
#: By the ends of their names, in the order in which they help.
_ATTACHED = ("-fio.json", "-series.csv", "-fio.log")
#: What an exception's name looks like at the beginning of a reason.
_EXCEPTION = re.compile(r"([A-Za-z_][\w.]*): ", re.ASCII)
#: No line may have them: readers end or split the path there.
_UNFIT = re.compile(r"[\[\]|\n\r]")


#: Where a file of a record's run is for the CI system, by its path below the run's folder.
PlaceOf = Callable[[Record, str], str]


def case_of(
    test: RunTest, node_id: str, prefix: str | None, not_run: str, place_of: PlaceOf | None = None
) -> Case:
    """The case of ``test``; ``not_run`` says why one without a record was not run.

    ``prefix``: that of ``--junitprefix``. Without ``place_of`` nothing is attached.
    """
    classname, name, file = case_names(node_id, prefix)
    record = test.record
    if record is None:
        properties = (("pool", test.key.pool), ("key", str(test.key)))
        end = End(kind="skipped", type="not_run", message=not_run, text=not_run)
        return Case(classname=classname, name=name, file=file, properties=properties, end=end)
    attached = tuple(_attachments(record, place_of)) if place_of is not None else ()
    return Case(
        classname=classname,
        name=name,
        file=file,
        time_ms=max(0, round(record.duration_s * 1000)),
        properties=(*record.properties(), *((one.name, one.value) for one in record.recorded)),
        end=_end(record, place_of or _below),
        system_out="\n".join((*attached, *_doubtful(record))),
    )


def _end(record: Record, place_of: PlaceOf) -> End | None:
    if record.status == "passed":
        return None
    reason = (record.reason or "").strip() or record.status
    message = one_line(reason, _LONGEST_MESSAGE)
    if record.status == "skipped":
        return End(kind="skipped", type=record.reason_code or "skipped", message=message, text=reason)
    return End(
        kind="error" if record.status == "error" else "failure",
        type=_type(record, reason),
        message=message,
        text="\n".join(_text(record, reason, place_of)),
    )


def _type(record: Record, reason: str) -> str:
    found = _EXCEPTION.match(reason)
    return record.reason_code or (found[1] if found else record.status)


def _text(record: Record, reason: str, place_of: PlaceOf) -> Iterator[str]:
    """The number, the limit, the reason, what to do next, and where to look."""
    yield record.failure_text or reason
    if record.marking is not None:
        yield f"figures are {record.marking}"
    for outcome in record.limits:
        if outcome.outcome != "met" and str(outcome) not in reason:
            yield f"limit {outcome}"
    for doubt in record.doubts:
        if doubt.text not in reason:
            yield shown(doubt)
    if record.reason_code == BROKEN:
        yield (
            "next: open the key in report.html; if the limit is right, the pool is too slow for it; measure "
            f"again with --odf-filter '{record.key}'"
        )
    for note in record.notes:
        yield f"note: {note}"
    if record.diagnosis is not None:
        yield f"diagnosis: {place_of(record, record.diagnosis)}"
    yield f"log: {place_of(record, f'{record.key.pool}/pool.log')}"


def _doubtful(record: Record) -> Iterator[str]:
    """What a reader should know of a test that has no end that says it."""
    if record.status != "passed":
        return
    for doubt in record.doubts:
        yield _no_mark(f"{record.verdict or ''} result: {shown(doubt)}")
    for outcome in record.limits:
        if outcome.outcome != "met":
            yield _no_mark(f"limit {outcome}")


def _no_mark(text: str) -> str:
    """``text``, which may be a guest's words, on one line and with nothing in it that attaches a file."""
    return re.sub(r"\[(?=\[)", "[ ", one_line(text))


def _attachments(record: Record, place_of: PlaceOf) -> Iterator[str]:
    """Of what failed or is doubtful, the files that say why; GitLab shows the first of them only.

    Each is alone on its line (plugins.jenkins.io/junit-attachments). GitLab wants it relative to the project
    (docs.gitlab.com/ci/testing/unit_test_reports).
    """
    if record.status in ("passed", "skipped") and not record.doubts:
        return
    paths = [f"{record.diagnosis}/error.txt"] if record.diagnosis else []
    paths.append(f"{record.key.pool}/pool.log")
    if record.doubts or record.reason_code == BROKEN:
        paths += [path for end in _ATTACHED for path in record.artefacts if path.endswith(end)]
    for path in list(dict.fromkeys(paths))[:_MOST_FILES]:
        # The records may have been edited: nothing outside of the run's folder is attached.
        if path.startswith("/") or ".." in path.split("/"):
            continue
        place = place_of(record, path)
        if not _UNFIT.search(place) and place.isprintable():
            yield f"[[ATTACHMENT|{place}]]"


def _below(record: Record, path: str) -> str:  # noqa: ARG001 - the signature of `PlaceOf`
    return path

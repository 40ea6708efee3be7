"""The first two sections: what ran, where, when, with what; the verdict in a sentence, and its counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from markupsafe import Markup

from pytest_odfperf.measure.record import BUFFERED
from pytest_odfperf.report.content.result_state import STATES, WORDS
from pytest_odfperf.report.content.run_content import RunContent, RunFacts
from pytest_odfperf.report.run_page.page_shell import Section
from pytest_odfperf.report.run_page.page_template import render_markup
from pytest_odfperf.report.summary import buffered_line
from pytest_odfperf.schedule.plan_text import repeats_text

#: What is told of the run's own versions at the top; all are in the provenance.
_VERSIONS = ("pytest-odfperf", "fio", "kubevirt", "kubernetes", "openshift", "odf", "ceph")


def banners(content: RunContent) -> list[str]:
    """What nobody should overlook: figures of a page cache, VMs that may still be there."""
    found = []
    if line := buffered_line(content.records):
        found.append(f"{BUFFERED}: {line}")
    found += [
        f"Not deleted when its last key had ended: {entry.get('error') or entry.get('group')}"
        for run in content.runs
        for entry in run.undeleted
    ]
    left = [str(what) for run in content.runs for what in run.content.get("left") or ()]
    return found + [f"Left on the cluster: {what}" for what in left]


def what_ran(content: RunContent, made_at: datetime | None = None) -> Section:
    """The facts. ``made_at``: when the report is made, for a run that goes on."""
    return Section(
        name="run",
        heading="What ran",
        short="Run",
        body=render_markup("facts.html.j2", facts=[*run_facts(content, made_at)]),
    )


def run_facts(content: RunContent, made_at: datetime | None = None) -> Iterator[tuple[str, str]]:
    """Name and text of each; see `what_ran`."""
    runs = content.runs
    several = len(runs) > 1
    yield ("Runs" if several else "Run"), ", ".join(run.run_id for run in runs)
    yield "Cluster", "; ".join(dict.fromkeys(_cluster(run) for run in runs))
    yield "Matrix", _matrix(content)
    yield (
        "When",
        "; ".join(
            (f"{run.run_id}: " if several else "") + _when(run, content.first_start_s(run), made_at)
            for run in runs
        ),
    )
    if versions := _versions(content):
        yield "Versions", versions
    first = runs[0].content.get("options") or {}
    yield "Pools at once", str(first.get("parallel") or 1)
    yield "Isolation", f"{first.get('isolation') or 'none'} (--odf-isolation)"
    if (repeats := int(first.get("repeat") or 1)) > 1:
        rounds = first.get("rounds")
        yield "Repeats", repeats_text(repeats, rounds if type(rounds) is int else 1, first.get("seed"))
    for run in runs:
        found = run.content.get("found") or {}
        for pool, note in (found.get("pool_notes") or {}).items():
            yield f"Pool {pool}", str(note)
        for pool, why in (found.get("pool_problems") or {}).items():
            yield f"Pool {pool} skipped", str(why)


def _cluster(run: RunFacts) -> str:
    found = run.content.get("found") or {}
    namespace = (run.content.get("matrix") or {}).get("namespace")
    return f"{found.get('server') or 'not known'}" + (f", namespace {namespace}" if namespace else "")


def _matrix(content: RunContent) -> str:
    keys = len(dict.fromkeys(test.key for test in content.tests))
    matrix = content.runs[0].content.get("matrix") or {}
    name, source = matrix.get("name") or "not known", matrix.get("source")
    where = f" ({source})" if source and source != name else ""
    return f"{name}{where}: {count_of(keys, 'key')} on {count_of(len(content.pools), 'pool')}"


def _when(run: RunFacts, first_s: float | None, made_at: datetime | None) -> str:
    """``first_s``: when the first test began, which may be of an earlier session than run.json tells of."""
    began, ended = _instant(run.content.get("started_at")), _instant(run.content.get("ended_at"))
    if began is None:
        return "not known"
    text = f"{began:%Y-%m-%d %H:%M:%S}"
    if first_s is not None and first_s < began.timestamp() - 1:
        first = datetime.fromtimestamp(first_s, tz=UTC)
        text = f"{first:%Y-%m-%d %H:%M:%S} UTC, gone on with {text}"
    if ended is not None:
        how = run.content.get("ended_by")
        early = f", ended by {how}" if how not in (None, "normal") else ""
        return f"{text} to {ended:%Y-%m-%d %H:%M:%S} UTC ({_length((ended - began).total_seconds())}){early}"
    if made_at is None:
        return f"{text} UTC, not ended"
    return f"{text} UTC; this page was made {_length((made_at - began).total_seconds())} later"


def _instant(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _length(seconds: float) -> str:
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    told = [f"{number} {unit}" for number, unit in parts if number]
    return " ".join(told[:2]) or "0 s"


def _versions(content: RunContent) -> str:
    found: dict[str, str] = {}
    for run in content.runs:
        for versions in (run.content.get("versions"), (run.content.get("found") or {}).get("versions")):
            found |= {str(name): str(value) for name, value in (versions or {}).items() if value}
    told = [f"{name} {found[name]}" for name in _VERSIONS if name in found]
    software = dict.fromkeys(one for record in content.records for one in record.software)
    return ", ".join([*told, *list(software)[:6]])


def progress_line(content: RunContent) -> str | None:
    """How far runs are that have not come to their end; None if all have."""
    open_runs = [run for run in content.runs if not run.ended]
    cut = [run for run in content.runs if run.ended and run.content.get("ended_by") not in (None, "normal")]
    if not open_runs and not cut:
        return None
    done, every = len(content.records), len(content.tests)
    far = f"{done} of {every} tests have a result" + (f" ({done / every:.0%})" if every else "")
    if open_runs:
        several = len(content.runs) > 1
        told = [
            f"{run.run_id}: {run.progress.text}" if several else run.progress.text
            for run in open_runs
            if run.progress is not None
        ]
        return " ".join([*(told or ["This run has not ended."]), f"{far}."])
    return f"This run was interrupted ({cut[0].content.get('ended_by')}). {far}."


def verdict(content: RunContent, findings: Markup) -> Section:
    """The sentence, the counts that filter all that follows, and ``findings``, which want a look."""
    return Section(
        name="verdict",
        heading="Verdict",
        short="Verdict",
        body=render_markup(
            "verdict.html.j2",
            sentence=sentence(content),
            progress=progress_line(content),
            counts=[(state, WORDS[state], content.counts[state]) for state in STATES],
            every=len(content.tests),
            noun="tests",
        )
        + findings,
    )


def sentence(content: RunContent) -> str:
    """What a run came to, in one sentence: the worst first."""
    counts, every = content.counts, len(content.tests)
    if not every:
        return "No test was selected."
    told = [
        (counts["limit_broken"], "breaks a limit", "break a limit"),
        (counts["invalid"], "is invalid and shows no figures", "are invalid and show no figures"),
        (counts["failed"], "failed", "failed"),
        (counts["suspect"], "is suspect", "are suspect"),
        (counts["skipped"], "was skipped", "were skipped"),
        (counts["not_run"], "was not run", "were not run"),
    ]
    parts = [f"{number} {one if number == 1 else many}" for number, one, many in told if number]
    passed = counts["passed"]
    if not parts:
        return (
            f"All {count_of(every, 'test')} passed, and nothing is doubtful."
            if every > 1
            else "The test passed, and nothing is doubtful."
        )
    begin = (
        f"{passed} of {count_of(every, 'test')} passed without a doubt"
        if passed
        else f"None of {count_of(every, 'test')} passed without a doubt"
    )
    return f"{begin}; {_and(parts)}."


def _and(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def count_of(number: int, what: str) -> str:
    """``1 key``, ``12 keys``."""
    return f"{number} {what}{'' if number == 1 else 's'}"

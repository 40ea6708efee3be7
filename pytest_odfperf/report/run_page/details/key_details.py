"""All that the page shows of one test when it is opened, in compressed chunks of many tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from markupsafe import Markup

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.record import Record
from pytest_odfperf.measure.verdicts.rule_table import NEXT_STEPS
from pytest_odfperf.report.content.run_content import RunContent, RunTest
from pytest_odfperf.report.run_page.details import figure_details
from pytest_odfperf.report.run_page.details.detail_columns import in_columns
from pytest_odfperf.report.run_page.details.detail_files import files
from pytest_odfperf.report.run_page.details.detail_part import Cell, Plain, exact, lines, near, rough, table
from pytest_odfperf.report.run_page.details.detail_series import series, tests_with_series
from pytest_odfperf.report.run_page.details.latency_bins import LatencyBins
from pytest_odfperf.report.run_page.key_rows import time_text
from pytest_odfperf.report.run_page.page_json import packed_beside
from pytest_odfperf.schedule.jobs import render_jobs

#: Tests of a chunk: they compress well together, and one is unpacked at once. The script knows it too.
CHUNK = 64


class JobTexts:
    """The job files of a run, each different one once."""

    def __init__(self, content: RunContent) -> None:
        self._matrix = content.matrix
        self._places: dict[tuple[str, str, str], int | None] = {}
        self.texts: list[str] = []

    def place_of(self, key: Key) -> int | None:
        """Where in ``texts`` the key's job is; None where the matrix does not make it."""
        try:
            cell = (key.profile, key.block_size, self._matrix.target_of(key.pool))
            if cell not in self._places:
                self._places[cell] = self._render(key)
        except (InputError, KeyError, LookupError, StopIteration):
            return None
        return self._places[cell]

    def _render(self, key: Key) -> int | None:
        try:
            (job,) = render_jobs(self._matrix, [key]).cells.values()
        except (InputError, KeyError, LookupError, StopIteration):
            return None
        if job.text not in self.texts:
            self.texts.append(job.text)
        return self.texts.index(job.text)


def detail_chunks(content: RunContent, jobs: JobTexts, bins: LatencyBins) -> list[Markup]:
    """The details of all tests, in their order."""
    with_series = tests_with_series(content)
    return packed_beside(
        in_columns([_details(content, content.tests[at], jobs, bins, at in with_series) for at in numbers])
        for numbers in _batched(range(len(content.tests)))
    )


def _batched(numbers: range) -> Iterator[range]:
    return (numbers[at : at + CHUNK] for at in range(0, len(numbers), CHUNK))


def _details(
    content: RunContent, test: RunTest, jobs: JobTexts, bins: LatencyBins, with_series: bool
) -> dict[str, Any]:
    record = test.record
    job = jobs.place_of(test.key)
    if record is None:
        return {"head": "It has no result.", "parts": [], "job": job}
    parts = [
        _reason(record),
        _doubts(record),
        _limits(record),
        lines("What was noted", record.notes),
        figure_details.capacity_steps(record),
        figure_details.section_figures(record),
        figure_details.over_repeats(record),
        bins.part(content, record),
        series(content, record) if with_series else None,
        figure_details.guest_figures(record),
        _fairness(record),
        figure_details.guests(record),
        figure_details.witnesses(record),
        _beside(record),
        _health(record),
        _storage(record),
        _job(record),
        files(content, record),
        _origin(record),
    ]
    return {"head": _head(record), "parts": parts, "job": job}


def _head(record: Record) -> str:
    told = [f"verdict {record.verdict}" if record.verdict else "no verdict"]
    if record.marking:
        told.append(record.marking)
    if record.target:
        told.append(f"on the raw data disk ({record.target})")
    if record.machine:
        told.append(f"without a VM ({record.machine})")
    if record.block is not None:
        told.append(f"repeat {record.repeat}, block {record.block}, place {record.order} in it")
    if record.round is not None:
        told.append(f"round {record.round}")
    return ", ".join(told)


def _reason(record: Record) -> Plain | None:
    if not record.reason:
        return None
    code = f" ({record.reason_code})" if record.reason_code else ""
    return {"title": f"Why it {_WORDS.get(record.status, record.status)}{code}", "text": record.reason}


_WORDS = {"failed": "failed", "error": "failed", "skipped": "was skipped", "passed": "passed"}


def _doubts(record: Record) -> Plain | None:
    rows: list[list[Cell]] = [
        [
            doubt.code,
            doubt.level,
            doubt.text,
            "; ".join(f"{name} {exact(value)}" for name, value in doubt.figures.items()),
            NEXT_STEPS.get(doubt.code, ""),
        ]
        for doubt in record.doubts
    ]
    return table("What the rules object to", ("Rule", "Level", "What it says", "Figures", "Next"), rows)


def _limits(record: Record) -> Plain | None:
    rows = [[one.limit, one.outcome, one.figure_name, one.why] for one in record.limits]
    return table("Limits", ("Limit", "Outcome", "Figure", "Why"), rows)


def _fairness(record: Record) -> Plain | None:
    one = record.fairness
    if one is None or not record.usable:
        return None
    heads = (
        "Section", "Jain's index", "Least / middle VM", "Most / least VM", "Worst VM", "Its IOPS",
        "IOPS of the middle VM",
    )  # fmt: skip
    row = [
        one.job,
        near(one.jain),
        near(one.min_over_median),
        rough(one.max_over_min),
        one.worst_guest,
        rough(one.worst_guest_iops_per_s),
        rough(one.median_guest_iops_per_s),
    ]
    return table("Fairness of the section that served its VMs the most unevenly", heads, [row])


def _beside(record: Record) -> Plain | None:
    rows: list[list[Cell]] = [
        [
            one.pool,
            None if one.share is None else near(one.share * 100),
            one.backend.replace("_", " "),
            one.disks,
            one.why,
        ]
        for one in record.beside
    ]
    return table(
        "Pools that ran beside it", ("Pool", "% of its time", "Devices", "Disks", "How it is known"), rows
    )


def _health(record: Record) -> Plain | None:
    health = record.health
    if health is None:
        return None
    told = [f"before: {health.before}", *health.changed, f"after: {health.after}"]
    if health.checked_at:
        told.append(f"Ceph was asked for that at {health.checked_at}")
    if health.pgs is not None:
        told += [f"placement groups: {text}" for text in health.pgs]
    return lines("Health of the storage", told)


def _storage(record: Record) -> Plain | None:
    """What the storage did, by its own counters."""
    work = record.storage
    if work is None:
        return None
    told = []
    if work.unwitnessed is not None:
        told.append(f"nobody witnessed what the storage did: {work.unwitnessed}")
    else:
        told.append(f"counted over {work.seen_s:g} of {work.window_s:g} s")
    if work.own is not None:
        told.append(f"this pool: {work.own.text}")
    if work.guests is not None and record.usable:
        told.append(f"in that time, by their own word: {work.guests.text}")
    told += [
        f"{'another pool, on other devices' if one.separate else 'another pool'}: {one.text}"
        for one in work.others
    ]
    if work.recovered_bytes_per_s is not None:
        told.append(f"recovery: {work.recovered_bytes_per_s / (1 << 20):.3g} MiB/s")
    if work.osds:
        told.append(f"OSDs: {work.osds_up} of {work.osds} up")
    if work.slow_ops:
        told.append(f"slow operations: {work.slow_ops}")
    return lines("What the storage did, by its own counters", [*told, *work.events])


def _job(record: Record) -> Plain | None:
    rows: Sequence[Sequence[Cell]] = [[job.name, job.phase + 1, job.load] for job in record.jobs]
    return table("Job, as fio ran it", ("Section", "Phase", "Load"), rows)


def _origin(record: Record) -> Plain | None:
    told = [
        # The page knows the key.
        ("Test", record.test.replace(str(record.key), "{key}")),
        ("Run", record.run_id),
        ("Began", f"{time_text(record.started_at_epoch_ms)} UTC"),
        ("Took", f"{near(record.duration_s)} s"),
        ("Worker", record.worker),
        ("Software", ", ".join(record.software)),
        ("Definition", f"{record.definition[:16]}… (run.json has all of it)" if record.definition else None),
    ]
    return table("Where it is from", ("What", "Value"), [pair for pair in told if pair[1]])

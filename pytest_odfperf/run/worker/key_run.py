"""One key: fio in all guests of its group at once, their answers kept and combined."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_odfperf.errors import FioError, GuestError, one_line
from pytest_odfperf.fio.answers.answer import Answer, read
from pytest_odfperf.fio.answers.failures import NEXT_STEPS
from pytest_odfperf.fio.answers.output import FioResult
from pytest_odfperf.fio.completion_log import PREFIX
from pytest_odfperf.fio.job import Job
from pytest_odfperf.fio.timing import deadline_s, prepare_s
from pytest_odfperf.guest.answers import join_logs
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.aggregate import combine, jobs_of
from pytest_odfperf.measure.fairness import fairness_of, least_fair
from pytest_odfperf.measure.guests_io import guests_beside
from pytest_odfperf.measure.pooled_histograms import FILE_NAME as HISTOGRAMS_FILE
from pytest_odfperf.measure.pooled_histograms import write_histograms
from pytest_odfperf.measure.record import BUFFERED, GuestRecord
from pytest_odfperf.measure.series.guest_series import Series, series_of
from pytest_odfperf.measure.series.series_csv import FILE_NAME as SERIES_FILE
from pytest_odfperf.measure.series.series_csv import write_series
from pytest_odfperf.measure.shared_window import shared_ms, span_ms
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.measure.verdicts.invalid import InvalidMeasurementError, unusable
from pytest_odfperf.measure.verdicts.judge import judge, shown
from pytest_odfperf.measure.window_rates import within_shared_time
from pytest_odfperf.run.cyclic_garbage import keep, not_searched
from pytest_odfperf.run.pool_log import LOGGER
from pytest_odfperf.run.worker.key_evidence import evidence_of, witness_of
from pytest_odfperf.run.worker.key_result import Measured, Result
from pytest_odfperf.run.worker.key_surroundings import Surroundings
from pytest_odfperf.schedule.plan_text import count_text
from pytest_odfperf.store.run_dir import RunDir

if TYPE_CHECKING:
    from pytest_odfperf.guest.answers import CommonTimes
    from pytest_odfperf.guest.guest import Guest, GuestRun
    from pytest_odfperf.run.worker.group_slot import GroupSlot


def measure(key: Key, slot: GroupSlot, repeat: int = 1, stage: str | None = None) -> Result:
    """Run ``key``'s job and return what it came to, its raw files on the disk; ``repeat`` from 1.

    What is measured in a ``stage`` is not one of the run's results.

    Raises `FioError` that names each guest without a measurement, and why, `InvalidMeasurementError` if no
    figures can be made of what they answered, `StoreError` if the raw files can not be written, and
    `InterruptedRunError` also if the group is lost: see `GroupSlot.failed`.
    """
    from pytest_odfperf.guest.all_guests import run_on_all

    matrix = slot.plan.matrix
    guests = slot.ensure(key)
    keep()
    stop = slot.stop
    job = slot.job(key)
    if refused := slot.refusal(key):
        raise _summary([("config", refused)])
    # The first job waits in the guests since they were made.
    text = b"" if job is slot.baked else job.text.encode()
    slot.baked = None
    # Of this measurement alone: a guest that is asked again must not answer with an earlier one.
    token = secrets.token_hex(8)
    limit_s = deadline_s(job, matrix.fio, matrix.timeouts)
    LOGGER.info("%s: starting fio in %s, at most %.0f s", key, count_text(guests, "guest"), limit_s)
    ready_s = prepare_s(slot.group.spec.layout_bytes, matrix.timeouts)
    slot.around.says(key.pool, "working")
    runs = run_on_all(guests, text, token, limit_s, stop, prepare_s=ready_s)
    slot.around.says(key.pool, None)
    around = slot.around.of(key.pool, runs.values())
    with not_searched():
        return _result(key, guests, runs, slot, job, around, repeat, stage)


def _result(
    key: Key,
    guests: tuple[Guest, ...],
    runs: dict[str, GuestRun | GuestError],
    slot: GroupSlot,
    job: Job,
    around: Surroundings,
    repeat: int,
    stage: str | None,
) -> Result:
    """What the answers come to; raises as `measure` does."""
    plan, matrix = slot.plan, slot.plan.matrix
    run_dir = RunDir(plan.run_path.parent, plan.run_id)
    folder = run_dir.artefacts(key, repeat, stage)
    #: Reason and text, for each guest without a measurement.
    problems: list[tuple[str, str]] = []
    results: dict[str, FioResult] = {}
    series: dict[str, tuple[Series, ...]] = {}
    #: Guests whose fio answered, and no figure can be made of it.
    doubts: list[Doubt] = []
    files: dict[str, bytes] = {}
    settings = matrix.fio_of(key.profile)
    for guest in guests:
        if isinstance(run := runs[guest.name], GuestError):
            problems.append((run.reason, str(run)))
        else:
            files |= _files(run, guest.facts)
    with run_dir.writing(folder, files) as derived:
        for guest in guests:
            if isinstance(run := runs[guest.name], GuestError):
                continue
            try:
                results[guest.name] = read(_answer(run), job, settings)
            except FioError as error:
                if (doubt := unusable(guest.name, error)) is not None:
                    doubts.append(doubt)
                else:
                    problems.append((error.reason, f"guest {guest.name}: {error}"))
            else:
                series[guest.name] = series_of(results[guest.name], 1000 * settings.runtime_s)
        derived |= {f"{name}-{SERIES_FILE}": write_series(found) for name, found in series.items()}
        if len(results) == len(guests):
            derived[HISTOGRAMS_FILE] = write_histograms(results.values())
        place = folder.relative_to(plan.run_path).as_posix()
        artefacts = [f"{place}/{name}" for name in (*files, *derived)]
        # A VM that moved or restarted has lost its connection. Where none was lost the watch is soon enough.
        calm = not any(isinstance(run, GuestError) or run.reconnects for run in runs.values())
        changes = slot.group.changes(stop=slot.stop, exact=not calm)
        # First: a guest that is gone explains what else is wrong with it.
        gone = [(loss.reason, f"guest {name}: {loss.text}") for name, loss in changes.lost.items()]
        problems = gone + problems
        lost = [str(run) for run in runs.values() if isinstance(run, GuestError) and run.lost]
        if lost or changes.lost:
            slot.spoil("; ".join(lost or (loss.text for loss in changes.lost.values())))
        if problems:
            failure = _summary(problems)
            LOGGER.error("%s: %s", key, failure)
            raise failure
        if doubts:
            LOGGER.error("%s: %s", key, invalid := InvalidMeasurementError(doubts))
            raise invalid
        measured = _measured(guests, runs, results, artefacts, slot, changes.moved, job, key.profile)
        if repeat > 1 and slot.plan.repeats == 1 and stage is None and not matrix.asks_capacity:
            # Of another plugin, that nothing else tells of.
            measured = replace(measured, notes=(f"repeat {repeat} of this key", *measured.notes))
        evidence = evidence_of(key, guests, runs, results, series, slot, job, around)
        measured = replace(
            measured,
            doubts=judge(evidence),
            beside=around.beside,
            health=around.kept_health,
            storage=around.kept_work(guests_beside(evidence)),
        )
    for doubt in measured.doubts:
        LOGGER.warning("%s: %s", key, one_line(shown(doubt)))
    for note in measured.notes:
        LOGGER.warning("%s: %s", key, one_line(note))
    slot.measured()
    LOGGER.info("%s: measured", key)
    return Result(key=key, measured=measured)


def _summary(problems: list[tuple[str, str]]) -> FioError:
    """All problems as one error, under the reason that most guests have."""
    reason, _ = Counter(reason for reason, _ in problems).most_common(1)[0]
    text = "; ".join(text for _, text in problems)
    return FioError(reason, f"{text}; next: {NEXT_STEPS[reason]}" if reason in NEXT_STEPS else text)


def _files(run: GuestRun, facts: dict[str, Any]) -> dict[str, bytes]:
    """The raw files of a guest: the plugin's own logs of completions as one, a profile's as they are."""
    series = {name: log for name, log in run.fio_logs.items() if name.startswith(f"{PREFIX}_")}
    logs = {f"{run.name}-{name}": log for name, log in run.fio_logs.items() if name not in series}
    return {
        **logs,
        f"{run.name}-completions.log": join_logs(series),
        f"{run.name}-fio.json": run.fio_json,
        f"{run.name}-fio.log": run.fio_log,
        f"{run.name}-facts.json": json.dumps(facts, indent=1).encode(),
    }


def _answer(run: GuestRun) -> Answer:
    return Answer(
        exit_code=run.exit_code,
        timed_out=run.timed_out,
        output=run.fio_json.decode(errors="replace"),
        log=run.fio_log.decode(errors="replace"),
        logs={name: content.decode(errors="replace") for name, content in run.fio_logs.items()},
    )


def _measured(
    guests: tuple[Guest, ...],
    runs: dict[str, GuestRun | GuestError],
    results: dict[str, FioResult],
    artefacts: list[str],
    slot: GroupSlot,
    moved: Mapping[str, tuple[str, str]],
    job: Job,
    profile: str,
) -> Measured:
    nodes = {vm.name: vm.node for vm in slot.group.vms}
    records: list[GuestRecord] = []
    common: dict[str, CommonTimes] = {}
    pool = slot.group.spec.key.pool
    notes = [f"pool {pool}: {note}" for name, note in slot.plan.pool_notes.items() if name == pool]
    for guest in guests:
        run = runs[guest.name]
        assert not isinstance(run, GuestError)
        assert run.common is not None
        common[guest.name] = run.common
        records.append(_guest_record(run, nodes[guest.name], moved.get(guest.name), results[guest.name]))
        notes += [f"guest {guest.name}: {note}" for note in _notes(run, moved.get(guest.name))]
    notes += _doubts(results)
    starts_ms = {name: times.started_epoch_ns / 1e6 for name, times in common.items()}
    runtime_ms = 1000 * slot.plan.matrix.fio_of(profile).runtime_s
    markings = {guest.facts.get("marking") for guest in guests} - {None}
    shared = within_shared_time(results, starts_ms, runtime_ms)
    return Measured(
        measurement=combine(shared),
        fairness=least_fair(fairness_of(shared)),
        guests=tuple(records),
        start_skew_ms=span_ms([times.started_epoch_ns for times in common.values()]),
        shared_window_ms=shared_ms(
            [(times.started_epoch_ns, times.ended_epoch_ns) for times in common.values()]
        ),
        marking=_marking(slot.plan.marking or next(iter(markings), None), job),
        artefacts=tuple(artefacts),
        software=_software(guests),
        notes=tuple(notes),
    )


def _guest_record(
    run: GuestRun, node: str | None, move: tuple[str, str] | None, result: FioResult
) -> GuestRecord:
    assert run.common is not None
    witness, _ = witness_of(run)
    # Its results were not here before it ended.
    latest_ns = run.common.answered_epoch_ns
    return GuestRecord(
        name=run.name,
        node=node or None,
        started_at_epoch_ns=min(run.common.started_epoch_ns, latest_ns),
        ended_at_epoch_ns=min(run.common.ended_epoch_ns, latest_ns),
        clock_offset_ms=round(run.common.clock_offset_ms, 3),
        clock_uncertainty_ms=round(run.common.clock_uncertainty_ms, 3),
        clock_jump_s=run.clock_jump_s or None,
        late_ms=None if run.common.late_ms is None else round(run.common.late_ms, 3),
        reconnects=run.reconnects,
        migrated_from=move[0] if move else None,
        witness=witness,
        jobs=jobs_of(result),
    )


def _software(guests: tuple[Guest, ...]) -> tuple[str, ...]:
    """What a comparison must know of the guests: another fio or kernel measures otherwise."""
    found = [
        f"kernel {value}" if name == "kernel" else str(value)
        for name in ("fio_version", "kernel")
        for guest in guests
        if (value := guest.facts.get(name))
    ]
    return tuple(sorted(set(found)))


def _marking(of_guests: str | None, job: Job) -> str | None:
    return ", ".join(filter(None, (of_guests, BUFFERED if job.buffered else None))) or None


def _doubts(results: Mapping[str, FioResult]) -> list[str]:
    """What fio's answers leave doubtful; what all guests have in common is said once."""
    guests: dict[str, list[str]] = {}
    for name, result in results.items():
        for note in result.notes:
            guests.setdefault(note, []).append(name)
    return [
        f"guest {', '.join(names)}: {note}"
        if len(names) < len(results) or len(names) == 1
        # Which worker of which guest was how far off is in the raw files.
        else f"all guests: {note}"
        for note, names in guests.items()
    ]


def _notes(run: GuestRun, move: tuple[str, str] | None) -> list[str]:
    notes = []
    if run.logs_cut:
        notes.append("its log files were too large; what is beyond 32 MiB is not kept")
    if move:
        notes.append(f"it was migrated while fio ran: {move[0]} -> {move[1]}")
    if run.reconnects:
        notes.append(f"its connection was lost while fio ran, and opened again ({run.reconnects} times)")
    if run.clock_jump_s:
        notes.append(f"its clock was set by {run.clock_jump_s:+.1f} s while fio ran")
    return notes

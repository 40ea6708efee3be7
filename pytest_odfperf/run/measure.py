"""One key: fio in all guests of its group at once, their answers kept and combined."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from pytest_odfperf.errors import FioError, GuestError
from pytest_odfperf.fio.output import FioResult, parse
from pytest_odfperf.fio.timing import deadline_s
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.aggregate import combine
from pytest_odfperf.measure.record import GuestRecord
from pytest_odfperf.run.pool_log import LOGGER
from pytest_odfperf.run.result import Measured, Result
from pytest_odfperf.store.run_dir import RunDir
from pytest_odfperf.waiting import Stop

if TYPE_CHECKING:
    from pytest_odfperf.guest.guest import Guest, GuestRun
    from pytest_odfperf.run.lease import GroupLease


def measure(key: Key, lease: GroupLease, stop: Stop) -> Result:
    """Run ``key``'s job and return what it came to, its raw files on the disk.

    Raises `FioError` that names each guest without a measurement, and why.
    """
    from pytest_odfperf.guest.all_guests import run_on_all

    plan, matrix = lease.plan, lease.plan.matrix
    guests = lease.ensure(key)
    job = lease.job(key)
    # The first job waits in the guests since they were made.
    text = b"" if job is lease.baked else job.text.encode()
    lease.baked = None
    token = hashlib.sha256(f"{plan.run_id} {key}".encode()).hexdigest()[:16]
    limit_s = deadline_s(job, matrix.fio, matrix.timeouts)
    LOGGER.info("%s: starting fio in %d guests, at most %.0f s", key, len(guests), limit_s)
    runs = run_on_all(guests, text, token, limit_s, stop, prepare_s=matrix.timeouts.layout_s)
    folder = RunDir(plan.run_path.parent, plan.run_id).artefacts(key)
    problems: list[str] = []
    results: dict[str, FioResult] = {}
    artefacts: list[str] = []
    for guest in guests:
        run = runs[guest.name]
        if isinstance(run, GuestError):
            problems.append(str(run))
            continue
        for name, content in _files(run, guest.facts).items():
            (folder / name).write_bytes(content)
            artefacts.append(str((folder / name).relative_to(plan.run_path)))
        try:
            results[guest.name] = _result(run, lease, key)
        except FioError as error:
            problems.append(f"guest {guest.name}: {error}")
    lost = lease.group.lost(stop=stop)
    problems += [f"guest {name}: {change}" for name, change in lost.items()]
    if problems:
        LOGGER.error("%s: %s", key, "; ".join(problems))
        raise FioError("invalid", "; ".join(problems))
    LOGGER.info("%s: measured", key)
    return Result(key=key, measured=_measured(guests, runs, results, artefacts, lease))


def _files(run: GuestRun, facts: dict[str, Any]) -> dict[str, bytes]:
    return {
        f"{run.name}-fio.json": run.fio_json,
        f"{run.name}-fio.log": run.fio_log,
        f"{run.name}-facts.json": json.dumps(facts, indent=1).encode(),
    }


def _result(run: GuestRun, lease: GroupLease, key: Key) -> FioResult:
    said = " ".join(run.fio_log.decode(errors="replace").split())[-300:]
    if run.timed_out:
        raise FioError(
            "timeout", f"fio had not ended at its deadline and was killed; it said: {said or 'nothing'}"
        )
    text = run.fio_json.decode(errors="replace")
    if run.exit_code != 0:
        # fio's own JSON names the error best, if there is one.
        if text.strip():
            parse(text, lease.job(key), lease.plan.matrix.fio)
        raise FioError("io_error", f"fio ended with exit code {run.exit_code}; it said: {said or 'nothing'}")
    return parse(text, lease.job(key), lease.plan.matrix.fio)


def _measured(
    guests: tuple[Guest, ...],
    runs: dict[str, GuestRun | GuestError],
    results: dict[str, FioResult],
    artefacts: list[str],
    lease: GroupLease,
) -> Measured:
    nodes = {vm.name: vm.node for vm in lease.group.vms}
    records = []
    for guest in guests:
        run = runs[guest.name]
        assert not isinstance(run, GuestError)
        records.append(
            GuestRecord(
                name=guest.name,
                node=nodes[guest.name] or None,
                started_at_epoch_ns=run.started_epoch_ns,
                ended_at_epoch_ns=run.ended_epoch_ns,
                jobs=combine({guest.name: results[guest.name]}).jobs,
            )
        )
    starts = [record.started_at_epoch_ns for record in records]
    markings = {guest.facts.get("marking") for guest in guests} - {None}
    return Measured(
        measurement=combine(results),
        guests=tuple(records),
        start_skew_ms=(max(starts) - min(starts)) / 1e6,
        marking=lease.plan.marking or next(iter(markings), None),
        artefacts=tuple(artefacts),
    )

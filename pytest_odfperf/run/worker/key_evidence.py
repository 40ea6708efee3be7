"""What a measurement leaves for the rules to look at."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_odfperf.errors import GuestError
from pytest_odfperf.fio.answers.output import FioResult
from pytest_odfperf.fio.job import Job
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.series.guest_series import Series
from pytest_odfperf.measure.verdicts.evidence import Evidence, GuestEvidence
from pytest_odfperf.measure.witness import Witness, read_witness
from pytest_odfperf.run.worker.key_surroundings import Surroundings

if TYPE_CHECKING:
    from pytest_odfperf.guest.guest import Guest, GuestRun
    from pytest_odfperf.run.worker.group_slot import GroupSlot


#: What a pod says whose files are on a file system over the network: its kernel counts nothing of that.
_NO_DISK = b"no disk\n"


def evidence_of(
    key: Key,
    guests: tuple[Guest, ...],
    runs: Mapping[str, GuestRun | GuestError],
    results: Mapping[str, FioResult],
    series: Mapping[str, tuple[Series, ...]],
    slot: GroupSlot,
    job: Job,
    around: Surroundings,
) -> Evidence:
    """All that the rules may look at, once every guest has a result."""
    found = []
    for guest in guests:
        run = runs[guest.name]
        assert not isinstance(run, GuestError)
        assert run.common is not None
        witness, problem = witness_of(run)
        if run.witness == _NO_DISK and guest.vm.machine == "pod":
            problem = None
        found.append(
            GuestEvidence(
                name=guest.name,
                result=results[guest.name],
                facts=guest.facts,
                started_at_epoch_ns=run.common.started_epoch_ns,
                ended_at_epoch_ns=run.common.ended_epoch_ns,
                ran_s=run.ran_s,
                series=series[guest.name],
                clock_offset_ms=run.common.clock_offset_ms,
                clock_uncertainty_ms=run.common.clock_uncertainty_ms,
                clock_jump_s=run.clock_jump_s,
                late_ms=run.common.late_ms,
                witness=witness,
                witness_problem=problem,
            )
        )
    return Evidence(
        key=key,
        job=job,
        settings=slot.plan.matrix.fio_of(key.profile),
        guests=tuple(found),
        caps=slot.plan.caps.get(key.pool, {}),
        beside=around.beside,
        health=around.health,
        counters=around.counters,
    )


def witness_of(run: GuestRun) -> tuple[Witness | None, str | None]:
    """What the guest saw of its disks; or why that can not be read."""
    return _read(run.witness) if run.witness else (None, "it sent none")


# The record and the rules ask for the same ones.
@lru_cache(maxsize=256)
def _read(text: bytes) -> tuple[Witness | None, str | None]:
    try:
        return read_witness(text), None
    except ValueError as error:
        return None, str(error)

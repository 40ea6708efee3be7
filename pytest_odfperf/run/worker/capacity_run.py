"""One key of ``--odf-ramp``: groups of more and of fewer VMs, until the pool's capacity is known."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_odfperf.errors import GroupError, cause_of, one_line
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.capacity.capacity_answer import CapacityAnswer, answer_of
from pytest_odfperf.measure.capacity.capacity_search import CapacitySearch, Step
from pytest_odfperf.measure.capacity.step_outcome import StepOutcome, outcome_of
from pytest_odfperf.measure.verdicts.invalid import InvalidMeasurementError
from pytest_odfperf.plain import from_plain, to_plain
from pytest_odfperf.run.pool_log import LOGGER
from pytest_odfperf.run.worker.key_run import measure
from pytest_odfperf.store import journal
from pytest_odfperf.store.durable import told

if TYPE_CHECKING:
    from pytest_odfperf.run.worker.group_slot import GroupSlot
    from pytest_odfperf.run.worker.key_result import Measured

#: The steps of all keys, as they were measured, so that a resume goes on where it was.
STEPS = "capacity-steps.jsonl"
#: Causes that mean that the cluster has no room for a group.
_NO_ROOM = ("unschedulable", "quota")
#: An invalid measurement is no answer; it is made again once.
_TRIES = 2


def find_capacity(key: Key, slot: GroupSlot) -> CapacityAnswer:
    """How many VMs the pool of ``key`` carries; its concurrency is the most that are tried.

    Steps that this run measured before, with the same definition, are not measured again. Raises what
    `measure` raises, and `InvalidMeasurementError` if a step is invalid twice.
    """
    asked = slot.plan.matrix.capacity
    assert asked is not None
    search = CapacitySearch(asked.start_vms, key.concurrency, asked.repeats)
    journal_of_steps = StepJournal(key, slot)
    steps: list[StepOutcome] = []
    for outcome in journal_of_steps.read():
        if (step := search.next()) is None or (step.vms, step.purpose) != (outcome.vms, outcome.purpose):
            break
        search.told(step, outcome.kept)
        steps.append(outcome)
    made: Counter[int] = Counter(outcome.vms for outcome in steps)
    while (step := search.next()) is not None:
        LOGGER.info("%s: %s, %d VMs", key, step.purpose, step.vms)
        try:
            measured = _valid(replace(key, concurrency=step.vms), slot, made)
        except GroupError as error:
            if cause_of(error) not in _NO_ROOM or not search.largest_kept:
                raise
            LOGGER.warning("%s: no room for %d VMs: %s", key, step.vms, one_line(str(error)))
            search.told_no_room(step)
            continue
        outcome = _outcome(step, measured, asked.rate_iops, asked.lat_p99_ns)
        LOGGER.info("%s: %d VMs: %s", key, step.vms, one_line("; ".join(outcome.broke) or "kept"))
        journal_of_steps.add(outcome)
        search.told(step, outcome.kept)
        steps.append(outcome)
    return answer_of(search, tuple(steps), rate_iops=asked.rate_iops, lat_p99_limit_ns=asked.lat_p99_ns)


def _valid(key: Key, slot: GroupSlot, made: Counter[int]) -> Measured:
    for attempt in range(1, _TRIES + 1):
        made[key.concurrency] += 1
        measured = measure(key, slot, made[key.concurrency]).measured
        try:
            measured.check_valid()
        except InvalidMeasurementError as error:
            LOGGER.warning("%s: %s", key, one_line(str(error)))
            if attempt == _TRIES:
                raise
        else:
            break
    return measured


def _outcome(step: Step, measured: Measured, rate_iops: int, lat_p99_ns: int) -> StepOutcome:
    return outcome_of(
        measured.measurement.jobs,
        vms=step.vms,
        attempt=step.attempt,
        purpose=step.purpose,
        started_at_epoch_ms=min(guest.started_at_epoch_ns for guest in measured.guests) // 1_000_000,
        fairness=measured.fairness.jain if measured.fairness is not None else 1.0,
        rate_iops=rate_iops,
        lat_p99_limit_ns=lat_p99_ns,
    )


class StepJournal:
    """The steps of one key on the disk, of all sessions of its run."""

    def __init__(self, key: Key, slot: GroupSlot) -> None:
        self._path = slot.plan.run_path / STEPS
        self._head = {"key": str(key), "definition": slot.plan.definitions[str(key)]}

    def add(self, outcome: StepOutcome) -> None:
        """Write a step down. Raises `StoreError`."""
        with told("can not be written", self._path):
            journal.append(self._path, {**self._head, "step": to_plain(outcome)})

    def read(self) -> list[StepOutcome]:
        """The steps with today's definition in their order, until one is damaged. Raises `StoreError`."""
        with told("can not be read", self._path):
            entries, _ = journal.read(self._path)
        found: list[StepOutcome] = []
        for entry in entries:
            if {name: entry.get(name) for name in self._head} != self._head:
                continue
            try:
                found.append(from_plain(StepOutcome, entry.get("step"), "step"))
            except ValueError:
                break
        return found

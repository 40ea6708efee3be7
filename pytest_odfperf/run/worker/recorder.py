"""Writes what a key came to: first its record, then its mark in the checkpoint, each on the disk at once."""

from __future__ import annotations

from pathlib import Path

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.capacity.capacity_answer import CapacityAnswer
from pytest_odfperf.measure.record import Record, RecordedProperty, Status
from pytest_odfperf.measure.verdicts.doubt import Doubt, verdict_of
from pytest_odfperf.run.plan import Plan
from pytest_odfperf.run.worker.key_result import Measured
from pytest_odfperf.store import journal
from pytest_odfperf.store.checkpoint import Checkpoint
from pytest_odfperf.store.durable import told
from pytest_odfperf.store.run_dir import RunDir


class Recorder:
    """The records of one process of a run; those of a ``stage`` are not the run's results."""

    def __init__(self, plan: Plan, process: str, stage: str | None = None) -> None:
        self._plan = plan
        self._process = process
        self._stage = stage
        path = Path(plan.run_dir)
        run_dir = RunDir(path.parent, path.name)
        # What is no result of the run is in a file of its own.
        self._records = run_dir.records if stage is None else run_dir.records_of(stage)
        self._checkpoint = Checkpoint(Path(plan.checkpoint_dir), plan.run_id)

    def of(
        self,
        *,
        key: Key,
        node_id: str,
        status: Status,
        reason: str | None,
        reason_code: str | None = None,
        diagnosis: str | None = None,
        measured: Measured | None,
        capacity: CapacityAnswer | None = None,
        doubts: tuple[Doubt, ...] = (),
        started_at_s: float,
        ended_at_s: float,
        repeat: int = 1,
        block: int = 1,
        recorded: tuple[RecordedProperty, ...] = (),
        failure_text: str | None = None,
    ) -> Record:
        """The record of one test of ``key``: ``repeat`` of its measurements, in ``block``.

        ``doubts`` are those of a measurement without figures.
        """
        place = self._plan.place_of(key, block)
        doubts = measured.doubts if measured else doubts
        definition = self._plan.definitions[str(key)]
        guests = measured.guests if measured else ()
        if guests:
            # The span of fio itself: the test's own phases are before and after it.
            started_at_s = min(guest.started_at_epoch_ns for guest in guests) / 1e9
            ended_at_s = max(guest.ended_at_epoch_ns for guest in guests) / 1e9
        return Record(
            key=key,
            run_id=self._plan.run_id,
            test=node_id,
            status=status,
            reason=reason,
            reason_code=reason_code,
            diagnosis=diagnosis,
            notes=measured.notes if measured else (),
            verdict=verdict_of(doubts) if measured or doubts else None,
            doubts=doubts,
            repeat=repeat,
            block=None if place is None else block,
            order=place,
            round=self._plan.round_of(block) if self._plan.rounds > 1 and self._stage is None else None,
            beside=measured.beside if measured else (),
            health=measured.health if measured else None,
            storage=measured.storage if measured else None,
            capacity=capacity,
            definition=definition,
            worker=self._process,
            marking=measured.marking if measured else self._plan.marking,
            target="block" if self._plan.matrix.target_of(key.pool) == "block" else None,
            machine="pod" if self._plan.matrix.vm_size(key.size).machine == "pod" else None,
            started_at_epoch_ms=int(started_at_s * 1000),
            ended_at_epoch_ms=int(ended_at_s * 1000),
            duration_s=max(0.0, ended_at_s - started_at_s),
            read=measured.measurement.read if measured else None,
            write=measured.measurement.write if measured else None,
            sync=measured.measurement.sync if measured else None,
            jobs=measured.measurement.jobs if measured else (),
            guests=measured.guests if measured else (),
            start_skew_ms=measured.start_skew_ms if measured else None,
            shared_window_ms=measured.shared_window_ms if measured else None,
            fairness=measured.fairness if measured else None,
            artefacts=measured.artefacts if measured else (),
            software=measured.software if measured else (),
            recorded=recorded,
            failure_text=failure_text,
            stage=self._stage,
        )

    def write(self, record: Record) -> None:
        """Put ``record`` on the disk: what is passed counts as done from here on. Raises `StoreError`."""
        with told("can not be written", self._records):
            journal.append(self._records, record.to_json())

    def mark_done(self, record: Record) -> None:
        """Mark a complete test in the checkpoint, after its record. Raises `StoreError`.

        Without the mark the record alone is trusted, so that nothing is lost with the cache.
        """
        if record.complete and record.definition is not None:
            with told("can not be written", Path(self._plan.checkpoint_dir)):
                self._checkpoint.add(self._process, record.test, record.definition)

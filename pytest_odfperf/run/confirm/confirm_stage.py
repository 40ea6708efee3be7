"""Measures flagged keys and their controls again, in turn, before the cluster is left.

What it measures is in ``confirm.jsonl`` and never among the run's results. A run that is gone on with takes
from there what is of today's definition.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from pytest_odfperf.errors import InterruptedRunError, OdfError, cause_of
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.compare.compared_figures import RunFigures, figures_of
from pytest_odfperf.measure.compare.confirm_plan import ConfirmPlan
from pytest_odfperf.measure.record import Record, read_records
from pytest_odfperf.run.plan import Plan
from pytest_odfperf.run.worker.group_slot import GroupSlot
from pytest_odfperf.run.worker.key_run import measure
from pytest_odfperf.run.worker.recorder import Recorder
from pytest_odfperf.store.durable import told
from pytest_odfperf.store.journal import read_lines
from pytest_odfperf.store.run_dir import RunDir
from pytest_odfperf.waiting import Stop

STAGE = "confirm"


class ConfirmStage:
    """``say`` is told what is measured, a line each."""

    def __init__(self, plan: Plan, stop: Stop, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._stop = stop
        self._say = say
        self._recorder = Recorder(plan, STAGE, STAGE)
        self._done: dict[tuple[Key, int], Record] = {}
        #: Why a key could not be measured, the last time.
        self.failures: dict[Key, str] = {}

    def measure(self, confirm: ConfirmPlan) -> RunFigures:
        """The figures of ``confirm``, block by block. Raises `InterruptedRunError` and `StoreError`."""
        self._done = self._earlier()
        blocks = confirm.blocks
        slot = GroupSlot(self._plan, self._stop, STAGE)
        try:
            for number, block in enumerate(blocks, 1):
                left = [key for key in block if (key, number) not in self._done]
                if left:
                    self._say(f"gate: block {number} of {len(blocks)}: {len(left)} keys are measured again")
                for key in left:
                    self._one(key, number, slot)
        finally:
            if not self._stop.is_set():
                self._release(slot)
        wanted = set(blocks[0]) if blocks else set()
        return figures_of(record for (key, _), record in self._done.items() if key in wanted)

    def _one(self, key: Key, number: int, slot: GroupSlot) -> None:
        if (why := slot.failure(key.group)) is not None:
            self.failures[key] = f"VM group {key.group} is not available: {why}"
            return
        started_s = time.time()
        error: OdfError | None = None
        measured = None
        try:
            measured = measure(key, slot, number, STAGE).measured
        except OdfError as problem:
            error = slot.failed(key, problem)
            if isinstance(error, InterruptedRunError):
                raise error from None
            self.failures[key] = str(error)
            self._say(f"gate: {key} could not be measured again: {error}")
        record = self._recorder.of(
            key=key,
            node_id=f"{STAGE}[{key}-{number}]",
            status="passed" if error is None else "failed",
            reason=None if error is None else str(error),
            reason_code=cause_of(error),
            diagnosis=error.diagnosis if error is not None else None,
            measured=measured,
            started_at_s=started_s,
            ended_at_s=time.time(),
            repeat=number,
        )
        self._recorder.write(record)
        if error is None:
            self._done[key, number] = record

    def _release(self, slot: GroupSlot) -> None:
        try:
            slot.release()
        except InterruptedRunError:
            raise
        except OdfError as error:
            # The end of the run deletes what is left.
            self._say(f"gate: {error}")

    def _earlier(self) -> dict[tuple[Key, int], Record]:
        """What an earlier session of this run has measured of today's definitions."""
        path = RunDir(self._plan.run_path.parent, self._plan.run_id).records_of(STAGE)
        with told("can not be read", path):
            lines = read_lines(path)
        records, _ = read_records(line.decode(errors="replace") for line in lines)
        return {
            (record.key, record.repeat): record
            for record in records
            if record.stage == STAGE
            and record.status == "passed"
            and record.definition == self._plan.definitions.get(str(record.key))
        }

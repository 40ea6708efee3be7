"""The hooks of a process that measures: an xdist worker, or the only process of a sequential run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_odfperf.errors import InterruptedRunError, OdfError, StoreError, cause_of
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.limits.limit_outcome import BROKEN
from pytest_odfperf.measure.record import Record, Status
from pytest_odfperf.plugin.invalid_results import refusal
from pytest_odfperf.plugin.output.own_words import add_properties, failure_text, recorded
from pytest_odfperf.plugin.session_state import BLOCK, CAPACITY, KEY, MEASURED, REPEAT, is_worker
from pytest_odfperf.plugin.signals.session_signals import interruption
from pytest_odfperf.run.plan import Plan
from pytest_odfperf.run.worker.key_decisions import KeyDecisions
from pytest_odfperf.run.worker.recorder import Recorder
from pytest_odfperf.waiting import Stop

if TYPE_CHECKING:
    from pytest_odfperf.guest.guest import Guest
    from pytest_odfperf.measure.capacity.capacity_answer import CapacityAnswer
    from pytest_odfperf.run.worker.key_result import Result


class MeasuringHooks:
    """Keeps one VM group at a time, and records what each key came to."""

    def __init__(self, config: pytest.Config, plan: Plan, stop: Stop) -> None:
        from pytest_odfperf.run.worker.group_slot import MAIN, GroupSlot

        process = os.environ.get("PYTEST_XDIST_WORKER", MAIN)
        self._slot = GroupSlot(plan, stop, process)
        self._recorder = Recorder(plan, process)
        self._decisions = KeyDecisions(plan)
        self._config = config
        self._plan = plan
        self._stop = stop
        self._worker = is_worker(config)
        self._ran: set[pytest.Item] = set()
        self._last: tuple[Key, int, Result | OdfError] | None = None
        self._capacity: tuple[Key, CapacityAnswer | OdfError] | None = None
        #: Tests that have seen it: one that asks again is run again (pytest-rerunfailures).
        self._seen: set[str] = set()

    def pytest_configure(self, config: pytest.Config) -> None:
        """Let pytest make its cache, with the files by which others know it: see `checkpoint_dir`."""
        cache: pytest.Cache | None = getattr(config, "cache", None)
        if cache is not None:
            # What can not be made is told when a test is marked as done.
            with contextlib.suppress(OSError):
                cache.mkdir("odfperf")

    def guests(self, key: Key) -> tuple[Guest, ...]:
        """The guests of ``key``'s group, made if need be; skips the test if the group failed before."""
        failed = self._slot.failure(key.group)
        if failed:
            pytest.skip(f"VM group {key.group} is not available: {failed}")
        try:
            return self._slot.ensure(key)
        except InterruptedRunError:
            raise interruption(self._config, None) from None

    def result(self, key: Key, test: str, repeat: int) -> Result:
        """The measurement of ``key``, or why there is none; made once for all its tests in a row.

        Each ``repeat`` has one of its own. A ``test`` (its node id) that asks a second time gets a new one.
        """
        if self._last is None or self._last[:2] != (key, repeat) or test in self._seen:
            from pytest_odfperf.run.worker.key_run import measure

            self._seen.clear()
            self.guests(key)
            try:
                self._last = key, repeat, measure(key, self._slot, repeat)
            except OdfError as error:
                failed = self._slot.failed(key, error)
                if isinstance(failed, InterruptedRunError):
                    raise interruption(self._config, None) from None
                self._last = key, repeat, failed
        self._seen.add(test)
        found = self._last[2]
        if isinstance(found, OdfError):
            raise found
        return found

    def capacity(self, key: Key, test: str) -> CapacityAnswer:
        """The capacity of ``key``'s pool; found once for all its tests in a row, as `result`."""
        if self._capacity is None or self._capacity[0] != key or test in self._seen:
            from pytest_odfperf.run.worker.capacity_run import find_capacity

            self._seen.clear()
            try:
                self._capacity = key, find_capacity(key, self._slot)
            except OdfError as error:
                failed = self._slot.failed(key, error)
                if isinstance(failed, InterruptedRunError):
                    raise interruption(self._config, None) from None
                self._capacity = key, failed
        self._seen.add(test)
        found = self._capacity[1]
        if isinstance(found, OdfError):
            raise found
        return found

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        if self._worker and item in self._ran:
            return True  # the scheduler's mark of a pool's end, see PoolScheduling
        if nextitem is item:
            # The only test of its pool: pytest would keep it set up for the end mark, which is itself.
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            return True
        self._ran.add(item)
        self._slot.begin_round(self._round_of(item))
        return None

    def _round_of(self, item: pytest.Item) -> int:
        return self._plan.round_of(item.stash.get(BLOCK, 1))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, Any, Any]:
        try:
            return (yield)
        finally:
            # In the last key's own teardown, so that a failed deletion is an error of the right group.
            if nextitem in self._ran:
                nextitem = None
            following = None if nextitem is None else nextitem.stash.get(KEY, None)
            if (
                nextitem is None
                or self._slot.differs(following)
                or self._round_of(nextitem) != self._round_of(item)
            ):
                self._release(following.pool if following is not None else None)

    def _release(self, next_pool: str | None = None) -> None:
        self._last = self._capacity = None
        if self._stop.is_set():
            return  # the controller deletes the whole run at once
        try:
            self._slot.release(next_pool)
        except InterruptedRunError:
            raise interruption(self._config, None) from None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        key = item.stash.get(KEY, None)
        if key is None:
            return report
        cause = call.excinfo.value if call.excinfo is not None else None
        refused = refusal(item, call)
        if refused is not None:
            # Not pytest's setup went wrong; see `invalid_results`.
            report.when, cause = "call", refused if report.failed else cause
        if isinstance(cause, OdfError):
            # An error of ours names its cause in one line; a traceback would only hide it.
            report.longrepr = str(cause)
        if isinstance(cause, StoreError):
            _end_run(item.session, cause)
        if report.when == "call" or (report.when == "setup" and not report.passed):
            record = self._recorder.of(
                key=key,
                node_id=item.nodeid,
                status="error" if report.failed and report.when == "setup" else report.outcome,
                reason=str(refused) if refused else _reason(report, call),
                reason_code=cause_of(refused or cause),
                diagnosis=cause.diagnosis if isinstance(cause, OdfError) else None,
                measured=item.stash.get(MEASURED, None),
                capacity=item.stash.get(CAPACITY, None),
                doubts=refused.doubts if refused else (),
                repeat=item.stash.get(REPEAT, 1),
                block=item.stash.get(BLOCK, 1),
                started_at_s=call.start,
                ended_at_s=call.stop,
                recorded=recorded(item),
                failure_text=failure_text(report, refused or cause),
            )
            record = self._decisions.decide(record)
            if record.reason_code == BROKEN:
                report.outcome, report.longrepr = "failed", record.reason
            record = self._write(record, item, report)
            add_properties(item, record)
            report.odf = record.to_json()  # type: ignore[attr-defined]
        return report

    def _write(self, record: Record, item: pytest.Item, report: pytest.TestReport) -> Record:
        """Put ``record`` on the disk; a key whose record is not there is failed, whatever it measured."""
        try:
            self._recorder.write(record)
        except StoreError as error:
            _end_run(item.session, error)
            report.odf_unwritten = True  # type: ignore[attr-defined]
            if report.failed:
                report.sections.append(("odfperf", str(error)))
            else:
                report.outcome, report.longrepr = "failed", str(error)
            status: Status = "error" if record.status == "error" else "failed"
            return replace(record, status=status, reason=record.reason or str(error))
        try:
            self._recorder.mark_done(record)
        except StoreError as error:
            report.odf_note = str(error)  # type: ignore[attr-defined]
        return record

    def pytest_keyboard_interrupt(self) -> None:
        self._stop.set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """The last resort: normally the last key's teardown released the group."""
        # Interrupted now, the session still has to end as one. A group that stays is in the journal.
        with contextlib.suppress(KeyboardInterrupt, OdfError):
            self._release()

    def abandon(self) -> None:
        """The controller is dead: ask for the deletion of this process's pool, and wait for nothing."""
        self._slot.abandon()


def _end_run(session: pytest.Session, error: StoreError) -> None:
    """Start no further test: what it measured for minutes could not be kept either."""
    session.shouldfail = f"the run ends, since its results can not be kept: {error}"


def _reason(report: pytest.TestReport, call: pytest.CallInfo[None]) -> str | None:
    if report.outcome == "skipped" and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    if call.excinfo is None:
        return None
    if isinstance(call.excinfo.value, OdfError):
        return str(call.excinfo.value)
    return f"{call.excinfo.typename}: {call.excinfo.value}"

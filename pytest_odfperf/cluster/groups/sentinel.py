"""Watches a group that runs: a VM that pauses, crashes or loses its node ends what is done with the group."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping

from pytest_odfperf.cluster.causes.boot import BootState
from pytest_odfperf.cluster.causes.cause_table import AFTER_BOOT, Patience
from pytest_odfperf.cluster.causes.changes import Loss, gone
from pytest_odfperf.cluster.client.calls import JsonObject
from pytest_odfperf.cluster.groups.group_kinds import GROUP_KINDS
from pytest_odfperf.cluster.groups.pool_watch import GroupView
from pytest_odfperf.errors import GroupError, InterruptedRunError, OdfError
from pytest_odfperf.vm.spec import GroupSpec, RunningVm
from pytest_odfperf.waiting import SLICE_S, Deadline, Stop

LOGGER = logging.getLogger("odfperf.group")
#: A group's life is bounded by its keys' deadlines; this only bounds a mistake.
_LONGEST_S = 7 * 86_400.0


class Sentinel:
    """Sets ``stop`` as soon as the API shows that the group is lost; `error` says why then.

    ``stop`` is also set when the run's own stop is; `error` is None in that case.
    """

    def __init__(
        self, seen: GroupView, spec: GroupSpec, vms: tuple[RunningVm, ...], stop: Stop, patience: Patience
    ) -> None:
        self.stop = Stop(stop)
        self.error: GroupError | None = None
        self._seen = seen
        self._kinds = GROUP_KINDS[spec.machine]
        self._spec = spec
        self._vms = vms
        self._patience = patience
        self._thread = threading.Thread(target=self._watch, name=f"sentinel-{spec.key}", daemon=True)
        self._closed = Stop(self.stop)

    def start(self) -> Sentinel:
        self._thread.start()
        return self

    def settle(self, seconds: float) -> GroupError | None:
        """`error`, for which it waits a moment: the API tells of a loss after the connection does."""
        end_s = time.monotonic() + seconds
        while self.error is None and not self.stop.is_set() and (left_s := end_s - time.monotonic()) > 0:
            time.sleep(min(SLICE_S, left_s))
        return self.error

    def close(self) -> None:
        """End the watch; `error` does not change any more."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def alarm(self, error: GroupError) -> None:
        """End what is done with the group because of ``error``, unless it ends already."""
        if not self._closed.is_set():
            self.error = error
            LOGGER.error("%s", error)
            self.stop.set()

    def _watch(self) -> None:
        spec, seen = self._spec, self._seen
        deadline = Deadline(f"the end of VM group {spec.key}", _LONGEST_S)
        state = BootState(
            str(spec.key),
            spec.vm_names,
            seen.of,
            self._patience,
            kinds=(self._kinds.whole, self._kinds.instance),
            rows=AFTER_BOOT,
            verb="is lost",
        )

        def look() -> None:
            # First what somebody did: a VM that was stopped is gone too.
            state.judge(time.monotonic())
            self._check(seen.of(self._kinds.instance), seen.of(self._kinds.whole))

        try:
            seen.wait(look, deadline, self._closed, lambda: "all VMs run")
        except InterruptedRunError:
            return
        except GroupError as error:
            self.alarm(error)
        except OdfError as error:
            LOGGER.warning("VM group %s is not watched any more: %s", spec.key, error)

    def _check(self, instances: Mapping[str, JsonObject], machines: Mapping[str, JsonObject]) -> None:
        for vm in self._vms:
            loss = gone(vm, instances.get(vm.name), machines.get(vm.name))
            if vm.name not in machines:
                loss = Loss("deleted", "somebody deleted it")
            if loss is None:
                continue
            row = next((row for row in AFTER_BOOT if row.name == loss.reason), None)
            step = row.next_step if row else "see the launcher's log and events in the diagnosis"
            kind = self._kinds.whole if row else self._kinds.instance
            raise GroupError(
                f"VM group {self._spec.key} is lost: {loss.reason}: {kind} {vm.name}: {loss.text}; "
                f"next: {step}",
                cause=loss.reason,
            )

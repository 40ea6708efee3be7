"""The xdist scheduler behind ``--dist loadgroup``: a pool is on one worker at a time, and survives a crash.

xdist's own does not group on pytest 9.2 (pytest-dev/pytest-xdist#1386), commits the next pool while two
tests of the current one are still to run, and reruns or hangs after a crash (#1323, #1327, #1371).

A worker starts a test only when it holds the index of the next one (``xdist/remote.py``,
``run_one_test``). So that the next pool is chosen when a pool has really ended, each pool is sent with an
end mark: the index of its first test once more. The worker swallows a test that it has already run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import pytest

from pytest_odfperf.schedule.backends import Apart
from pytest_odfperf.schedule.pool_queue import PoolQueue

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController


class PoolScheduling:
    """xdist's ``Scheduling`` protocol over a `PoolQueue`."""

    def __init__(
        self,
        config: pytest.Config,
        pool_of: Callable[[str], str | None],
        estimates_s: Mapping[str, float],
        stopping: Callable[[], bool],
        apart: Apart | None = None,
        clear: Callable[[str], None] = lambda _: None,
        round_of: Callable[[str], int] = lambda _: 1,
    ) -> None:
        """``round_of`` is the round of a test; ``apart``: which pools may run at one time (see `PoolQueue`).

        ``clear`` deletes the VMs of a pool whose worker was lost with its last test: nobody else does before
        the run ends, and pools that are kept apart from it start next. It returns when they are gone.
        """
        #: Plugins take it from any scheduler (pytest-rerunfailures, of a worker that died).
        self.config = config
        self._workers = len(config.option.tx)
        self._pool_of = pool_of
        self._estimates_s = estimates_s
        self._stopping = stopping
        self._apart = apart
        self._clear = clear
        self._round_of = round_of
        self._nodes: list[WorkerController] = []
        self._collected: set[WorkerController] = set()
        self._ids: list[str] | None = None
        self._queue: PoolQueue | None = None
        #: Workers that hold a pool, and what each worker has reported as ended.
        self._busy: set[WorkerController] = set()
        self._reported: dict[WorkerController, set[int]] = {}

    @property
    def nodes(self) -> list[WorkerController]:
        return list(self._nodes)

    @property
    def collection_is_completed(self) -> bool:
        return self._queue is not None or len(self._collected) >= self._workers

    @property
    def tests_finished(self) -> bool:
        return self._queue is not None and self._queue.finished

    @property
    def has_pending(self) -> bool:
        return self._queue is not None and not self._queue.finished

    def add_node(self, node: WorkerController) -> None:
        self._nodes.append(node)

    def add_node_collection(self, node: WorkerController, collection: Sequence[str]) -> None:
        if self._ids is None:
            self._ids = list(collection)
        elif list(collection) != self._ids:
            raise pytest.UsageError(f"{node.gateway.id} collected other tests than the first worker")
        self._collected.add(node)

    def schedule(self) -> None:
        """Called when all first workers have collected, and again for each replacement."""
        if self._queue is None:
            ids = self._ids or []
            rounds = [self._round_of(node_id) for node_id in ids]
            self._queue = PoolQueue(
                self._group(ids), self._estimates_s, self._apart, lambda index: rounds[index]
            )
        self._assign_to_free()

    def _group(self, ids: Sequence[str]) -> dict[str, list[int]]:
        pools: dict[str, list[int]] = {}
        for index, node_id in enumerate(ids):
            pool = self._pool_of(node_id)
            if pool is None:
                raise pytest.UsageError(
                    f"{node_id} can not be grouped by pool: it uses none of the odf fixtures; "
                    "run it without --odf-parallel"
                )
            pools.setdefault(pool, []).append(index)
        return pools

    def _assign_to_free(self) -> None:
        assert self._queue is not None
        for node in self._nodes:
            # A worker that was told to end (--maxfail) takes what it has and reads no more.
            if node not in self._collected or node in self._busy or node.shutting_down:
                continue
            if self._stopping():
                node.shutdown()
                continue
            # A worker that gets nothing stays: it may have to take the pool of one that crashes, or one that
            # waits for another to end.
            assignment = self._queue.assign(node.gateway.id)
            if assignment is not None:
                self._busy.add(node)
                node.send_runtest_some([*assignment.items, assignment.items[0]])

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:  # noqa: ARG002
        assert self._queue is not None
        reported = self._reported.setdefault(node, set())
        if item_index in reported:
            return  # the end mark
        reported.add(item_index)
        if self._queue.done(node.gateway.id, item_index):
            self._busy.discard(node)
            self._assign_to_free()

    def mark_test_pending(self, item: str) -> None:
        """Part of the protocol that xdist calls for no scheduler whose crashed tests are not rerun."""
        raise NotImplementedError

    def remove_pending_tests_from_node(self, node: WorkerController, indices: Sequence[int]) -> None:
        """Part of the protocol that xdist calls only after a worker was asked to give tests back."""
        raise NotImplementedError

    def remove_node(self, node: WorkerController) -> str | None:
        """Forget a worker that is gone; the test that it died in, if any. Raises `KeyError` if not known."""
        if node not in self._nodes:
            raise KeyError(node)
        self._nodes.remove(node)
        self._collected.discard(node)
        self._busy.discard(node)
        if self._queue is None or self._ids is None:
            return None
        pool = self._queue.pool_of(node.gateway.id)
        crashed = self._queue.lost(node.gateway.id)
        if pool is not None and not self._queue.is_haunted(pool) and self._apart is not None:
            self._clear(pool)
        self._assign_to_free()
        return None if crashed is None or self._stopping() else self._ids[crashed]

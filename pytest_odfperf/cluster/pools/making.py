"""Makes what is missing of pools, and waits until each is Ready. One that fails holds up no other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_odfperf.cluster.client.calls import ApiError, Calls, JsonObject
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import (
    CEPH_BLOCK_POOL,
    CEPH_FILESYSTEM,
    EVENT,
    STORAGE_CLASS,
    Kind,
)
from pytest_odfperf.cluster.facts.rights import GRANT_SETUP
from pytest_odfperf.matrix.model import Pool
from pytest_odfperf.storage.likeness import ceph_differences, class_differences
from pytest_odfperf.storage.made_labels import is_ours
from pytest_odfperf.storage.object_words import failure_words, state_words, warning_words
from pytest_odfperf.storage.pool_plan import PlannedPool, Wanted
from pytest_odfperf.waiting import Deadline, Stop

POLL_S = 1.0
_EVENTS_S = 3.0
#: Refused for so long in the same words, a pool will not be made.
REFUSED_S = 60.0
_KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (CEPH_BLOCK_POOL, CEPH_FILESYSTEM, STORAGE_CLASS)}


@dataclass(slots=True)
class _Making:
    """A pool on its way. ``failed``: why it never will be there."""

    plan: PlannedPool
    pool: Pool
    left: list[Wanted] = field(default_factory=list)
    failed: str | None = None
    ready: bool = False
    #: What the operator said last of what it could not do, and since when it says so.
    refused: tuple[str, float] | None = None


def make_pools(
    cluster: Cluster,
    namespace: str,
    planned: Sequence[tuple[PlannedPool, Pool]],
    *,
    deadline_s: float,
    stop: Stop,
    say: Callable[[str], None],
) -> dict[str, str]:
    """Make what is missing of the ``planned`` pools; why, by pool, of those that are not Ready in the end.

    ``say`` is told of each object that was made, at once: it is there from then on, whatever happens to this
    process. Raises `InterruptedRunError`.
    """
    # Rook tries what it refuses again and again, and leaves it Progressing; only its events say why.
    makings = [_Making(plan, pool, list(plan.missing)) for plan, pool in planned]
    deadline = Deadline("the pools to be Ready", deadline_s)
    maker = _Maker(Calls(cluster, stop, deadline=deadline), namespace, say)
    for making in makings:
        maker.make_ceph_objects(making)
    while waiting := [making for making in makings if not making.ready and making.failed is None]:
        found, trouble = maker.look()
        for making in waiting:
            if trouble is None:
                maker.go_on(making, found)
            if not making.ready and making.failed is None and deadline.passed() and making.refused:
                making.failed = f"not Ready after {deadline_s:.0f} s: {making.refused[0]}"
            if not making.ready and making.failed is None and deadline.passed():
                state = "; ".join(
                    f"{kind} {name} {state_words(found.get((kind, name)))}"
                    for kind, name in making.plan.awaited
                )
                making.failed = f"not Ready after {deadline_s:.0f} s: {trouble or state}"
        if any(not making.ready and making.failed is None for making in waiting):
            stop.sleep(min(POLL_S, deadline.left_s()) or 0.05)
    return {making.plan.pool: making.failed for making in makings if making.failed is not None}


class _Maker:
    def __init__(self, calls: Calls, namespace: str, say: Callable[[str], None]) -> None:
        self._calls = calls
        self._namespace = namespace
        self._say = say
        self._heard: list[JsonObject] = []
        self._heard_s = -_EVENTS_S

    def look(self) -> tuple[dict[tuple[str, str], JsonObject], str | None]:
        """The Ceph objects by kind and name, and why they could not be read, if so."""
        found: dict[tuple[str, str], JsonObject] = {}
        try:
            for kind in (CEPH_BLOCK_POOL, CEPH_FILESYSTEM):
                for item in self._calls.items(kind, self._namespace):
                    found[kind.name, item["metadata"]["name"]] = item
        except ApiError as error:
            return {}, str(error)
        return found, None

    def make_ceph_objects(self, making: _Making) -> None:
        while making.left and making.left[0].kind != STORAGE_CLASS.name and making.failed is None:
            self._make(making, making.left.pop(0))

    def go_on(self, making: _Making, found: Mapping[tuple[str, str], JsonObject]) -> None:
        """Look at the Ceph objects; once they are Ready, make the StorageClass."""
        for kind, name in making.plan.awaited:
            there = found.get((kind, name))
            if there is None or there["metadata"].get("deletionTimestamp"):
                making.failed = f"{kind} {name} was deleted by somebody while it was awaited"
                return
            phase = (there.get("status") or {}).get("phase")
            if phase == "Failure":
                making.failed = f"{kind} {name} failed: {self._words(there)}"
                return
            if phase != "Ready":
                self._listen(making, kind, there)
                return
        while making.left and making.failed is None:
            self._make(making, making.left.pop(0))
        making.ready = making.failed is None

    def _listen(self, making: _Making, kind: str, there: JsonObject) -> None:
        """Tell why an object is not Ready yet; what the operator says of it for long is final."""
        words = warning_words(there, self._events())
        if words is None:
            making.refused = None
            return
        what = f"{kind} {there['metadata']['name']}: {words}"
        if making.refused is None or making.refused[0] != what:
            making.refused = what, time.monotonic()
            self._say(f"pool {making.plan.pool} is not Ready yet: {what}")
        elif time.monotonic() - making.refused[1] > REFUSED_S:
            making.failed = f"{what} (for {REFUSED_S:.0f} s)"

    def _events(self) -> list[JsonObject]:
        """The warnings of the namespace, asked for now and then; none if they may not be read."""
        if time.monotonic() - self._heard_s >= _EVENTS_S:
            try:
                self._heard = self._calls.items(EVENT, self._namespace, field_selector="type=Warning")
            except ApiError:
                self._heard = []
            self._heard_s = time.monotonic()
        return self._heard

    def _words(self, there: JsonObject) -> str:
        """What the operator says; its conditions name the step, its events the cause."""
        self._heard_s = -_EVENTS_S
        return failure_words(there, self._events())

    def _make(self, making: _Making, wanted: Wanted) -> None:
        kind = _KINDS[wanted.kind]
        place = None if kind is STORAGE_CLASS else self._namespace
        try:
            self._calls.create(kind, place, wanted.body)
        except ApiError as error:
            if error.status == 409 and error.reason == "AlreadyExists":
                making.failed = self._meet(making, wanted, kind, place)
            else:
                making.failed = f"{error}; {GRANT_SETUP}" if error.status == 403 else str(error)
            return
        self._say(f"pool {making.plan.pool}: made {wanted}")

    def _meet(self, making: _Making, wanted: Wanted, kind: Kind, place: str | None) -> str | None:
        """Somebody made it meanwhile: another setup, or our own request whose answer was lost.

        Why the pool can not be gone on with; None: it is what was wanted.
        """
        try:
            there = self._calls.get(kind, wanted.name, place)
        except ApiError as error:
            return str(error)
        recipe = making.pool.recipe
        if kind is STORAGE_CLASS:
            unlike = class_differences(wanted.body, there)
        elif recipe is not None and wanted.name == (recipe.name or making.pool.name):
            unlike = ceph_differences(recipe, there)
        else:
            unlike = []
        if unlike or not is_ours(there):
            whose = "" if is_ours(there) else ", and is not of the plugin's making"
            return (
                f"{wanted} was made by somebody meanwhile{whose}: {', '.join(unlike) or 'it stays as it is'}"
            )
        self._say(f"pool {making.plan.pool}: {wanted} is there already, and is used")
        return None

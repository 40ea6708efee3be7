"""Deletes what a selector selects, and waits until it is gone."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_odfperf.cluster.calls import ApiError, Calls, JsonObject
from pytest_odfperf.cluster.connect import Cluster
from pytest_odfperf.cluster.kinds import VM, VMI, Kind
from pytest_odfperf.cluster.watch import Objects
from pytest_odfperf.errors import DeadlineError
from pytest_odfperf.waiting import Deadline, Stop

#: Deleted by their owners; only awaited.
_FOLLOW = {VM: (VMI,)}


def remove(
    cluster: Cluster,
    namespace: str,
    selector: str,
    kinds: Sequence[Kind],
    deadline: Deadline,
    stop: Stop,
    counts: dict[str, int] | None = None,
) -> tuple[str, ...]:
    """Delete all objects of ``kinds`` with ``selector``; return what is left when the deadline passes.

    VMs come first: while one runs, its claims are held by their protection. ``counts`` is filled with the
    number of objects by kind that were there.
    """
    if not selector:
        raise ValueError("an empty selector would delete everything in the namespace")
    calls = Calls(cluster, stop)
    present: list[Kind] = []
    found = 0
    for kind in dict.fromkeys(kind for deleted in kinds for kind in (deleted, *_FOLLOW.get(deleted, ()))):
        try:
            there = calls.items(kind, namespace, label_selector=selector)
        except ApiError as error:
            if error.status == 404:  # the cluster has no such kind, so nothing of it
                continue
            raise
        present.append(kind)
        found += len(there)
        if kind not in kinds:
            continue
        if counts is not None:
            counts[kind.name] = len(there)
        if there:
            calls.delete_collection(kind, namespace, selector)
    if not found:
        return ()
    with Objects(cluster, namespace, selector, present) as objects:

        def left() -> tuple[str, ...]:
            return tuple(_shown(kind, item) for kind in present for item in objects.of(kind).values())

        try:
            objects.wait(lambda: None if left() else True, deadline, stop, lambda: "; ".join(left()))
        except DeadlineError:
            return left()
    return ()


def _shown(kind: Kind, item: JsonObject) -> str:
    metadata = item["metadata"]
    held = ", ".join(metadata.get("finalizers") or ()) or "no finalizers"
    state = "Terminating" if metadata.get("deletionTimestamp") else "not being deleted"
    return f"{kind} {metadata['name']} ({state}; {held})"

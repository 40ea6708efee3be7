"""Deletes what a selector selects, and waits until it is gone."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from pytest_odfperf.cluster.client.calls import ApiError, Calls, JsonObject
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import POD, VM, VMI, Kind
from pytest_odfperf.cluster.client.watch import Objects
from pytest_odfperf.cluster.groups.object_users import Users
from pytest_odfperf.errors import ClusterError, DeadlineError
from pytest_odfperf.vm.labels import own_pods
from pytest_odfperf.waiting import Deadline, Stop

#: Of what may be gone, as far as anybody can see.
NOT_VERIFIED = "not verified"
#: Deleted by their owners; only awaited.
_FOLLOW = {VM: (VMI,)}
#: What is still not being deleted then was made after the first request, or missed by it.
_ASK_AGAIN_S = 5.0


def remove(
    cluster: Cluster,
    namespace: str,
    selector: str,
    kinds: Sequence[Kind],
    deadline: Deadline,
    stop: Stop,
    names: dict[str, set[str]] | None = None,
) -> tuple[str, ...]:
    """Delete all objects of ``kinds`` with ``selector``; return what is left when the deadline passes.

    What could not be verified, since the API server did not answer until then, counts as left.

    VMs and pods come first: while one runs, its claims are held by their protection. ``names`` is filled
    with what was there, by kind.
    """
    if not selector:
        raise ValueError("an empty selector would delete everything in the namespace")
    # An outage is waited out for as long as there is time: nobody else deletes what this leaves.
    calls = Calls(cluster, stop, outage_s=deadline.seconds, deadline=deadline)
    found: dict[Kind, list[JsonObject]] = {}
    unseen: list[str] = []
    last_error: ApiError | None = None
    for kind in dict.fromkeys(kind for deleted in kinds for kind in (deleted, *_FOLLOW.get(deleted, ()))):
        try:
            if last_error is not None and deadline.passed():
                raise last_error
            there = calls.items(kind, namespace, label_selector=selected(kind, selector))
            if kind is POD and not there:
                continue
            found[kind] = there
            if kind not in kinds:
                continue
            if names is not None:
                names.setdefault(kind.name, set()).update(item["metadata"]["name"] for item in there)
            if there:
                calls.delete_collection(kind, namespace, selected(kind, selector))
        except ApiError as error:
            if error.status == 404:  # the cluster has no such kind, so nothing of it
                continue
            if error.status == 403 and kind is POD:  # without this right nobody could measure in pods
                continue
            if error.status == 403 and found.get(kind) is None and kind in kinds:
                error = _blindly(calls, kind, namespace, selector, error)
            last_error = error
            unseen.append(f"{kind.plural} with {selector} ({NOT_VERIFIED}: {error})")
    if not any(found.values()):
        return tuple(unseen)
    return (*_until_gone(cluster, namespace, selector, found, calls, kinds, deadline, stop), *unseen)


def selected(kind: Kind, selector: str) -> str:
    """``selector`` for objects of ``kind``: the launcher pods of VMs are KubeVirt's to delete."""
    return own_pods(selector) if kind is POD else selector


def _blindly(calls: Calls, kind: Kind, namespace: str, selector: str, hidden: ApiError) -> ApiError:
    """Delete what may not be listed, as far as that goes; why it is not known to be gone."""
    try:
        calls.delete_collection(kind, namespace, selector)
    except ApiError as error:
        return error
    return hidden.with_words("their deletion was asked for")


def _until_gone(
    cluster: Cluster,
    namespace: str,
    selector: str,
    found: Mapping[Kind, Sequence[JsonObject]],
    calls: Calls,
    kinds: Sequence[Kind],
    deadline: Deadline,
    stop: Stop,
) -> tuple[str, ...]:
    """Wait until nothing of the kinds that were ``found`` is left; return what is."""
    if not _linger(calls, namespace, selector, found):
        return ()
    asked_s = time.monotonic()
    with Objects(cluster, namespace, selector, tuple(found)) as objects:

        def there() -> list[tuple[Kind, JsonObject]]:
            # The time may be over before the first list: what was there then counts.
            return [
                (kind, item)
                for kind in found
                for item in (objects.of(kind).values() if objects.has_listed(kind) else found[kind])
            ]

        def left() -> tuple[str, ...]:
            return tuple(shown(kind, item) for kind, item in there())

        def gone() -> bool | None:
            nonlocal asked_s
            if not left():
                return True
            if time.monotonic() - asked_s > _ASK_AGAIN_S:
                for kind in kinds:
                    if any(_stays(item) for item in objects.of(kind).values()):
                        calls.delete_collection(kind, namespace, selected(kind, selector))
                asked_s = time.monotonic()
            return None

        try:
            objects.wait(gone, deadline, stop, lambda: "; ".join(left()))
        except (ClusterError, DeadlineError) as error:
            if trouble := objects.trouble or (None if isinstance(error, DeadlineError) else str(error)):
                return (*left(), f"objects with {selector} ({NOT_VERIFIED}: {trouble})")
            users = Users(Calls(cluster, stop, outage_s=0), namespace)
            return tuple(shown(kind, item, users.of(kind, item)) for kind, item in there())
    return ()


def _linger(calls: Calls, namespace: str, selector: str, found: Mapping[Kind, Sequence[JsonObject]]) -> bool:
    """Whether anything is still there, or can not be seen: what nothing holds goes at once."""
    try:
        return any(calls.items(kind, namespace, label_selector=selected(kind, selector)) for kind in found)
    except ApiError:
        return True


def _stays(item: JsonObject) -> bool:
    return not item["metadata"].get("deletionTimestamp")


def shown(kind: Kind, item: JsonObject, used_by: str | None = None) -> str:
    """What stays, and what it waits for."""
    metadata = item["metadata"]
    held = ", ".join(metadata.get("finalizers") or ()) or "no finalizers"
    state = "Terminating" if metadata.get("deletionTimestamp") else "not being deleted"
    more = f"; {used_by}" if used_by else ""
    return f"{kind} {metadata['name']} ({state}; {held}{more})"

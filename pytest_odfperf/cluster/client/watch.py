"""What the API server holds of a set of objects, kept up to date by watches, and waits on it.

One list and one watch per kind, by label selector, feed everybody who waits. A watch that ends, breaks or
is told that its resourceVersion has expired (410) begins again with a list; that also happens after
`RELIST_S` without reason, so that a lost event is noticed. A server that has fallen silent is noticed
`_SILENCE_S` after that. Watches outlast any outage: only who waits has a deadline.
"""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pytest_odfperf.cluster.client.api_error import ApiError, as_api_error, transport_errors
from pytest_odfperf.cluster.client.calls import Calls, JsonObject
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import CLAIM, DATA_VOLUME, EVENT, POD, Kind
from pytest_odfperf.cluster.client.outages import Trouble
from pytest_odfperf.cluster.client.streamed_answer import cut, lines_of
from pytest_odfperf.errors import ClusterError, InterruptedRunError
from pytest_odfperf.waiting import SLICE_S, Deadline, Stop

#: Seconds of one watch; a fresh list follows.
RELIST_S = 45
#: The list of all events of a namespace is long, and an event that is lost comes again. Disks matter only
#: while a group is made or removed.
_LONGER_S = {EVENT: 600, DATA_VOLUME: 300, CLAIM: 300}
#: Seconds between two lists where watching is forbidden.
POLL_S = 2.0
_SILENCE_S = 10.0
#: Who waits looks at the objects no more often than this.
_TOGETHER_S = 0.02
#: What the account may not be allowed to see; without it less is known, and nothing fails.
_OPTIONAL = (EVENT, POD)
_PAUSE_S = (0.1, 0.5, 1.0, 2.0, 5.0)
#: A watch that lived so long has nothing to do with what failed before it.
_STEADY_S = 10.0
#: After a list was allowed once, a refusal may pass: a server that has just started does not know the rights
#: and kinds yet, and a token may be renewed.
_REFUSED_S = 30.0

T = TypeVar("T")


class Objects:
    """The objects of some kinds that a selector selects, as of the last event."""

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        label_selector: str,
        kinds: Sequence[Kind],
        *,
        events_of: str | None = None,
        poll_s: float = POLL_S,
    ) -> None:
        """``events_of``: events about objects with this in their names are kept, too, if that is allowed.

        An empty ``label_selector`` selects all. ``poll_s``: between two lists where watching is forbidden.
        """
        self._cluster = cluster
        self._namespace = namespace
        self._queries: dict[Kind, dict[str, str]] = {
            kind: {"label_selector": label_selector} if label_selector else {} for kind in kinds
        }
        self._poll_s = poll_s
        self._events_of = events_of
        if events_of is not None:
            # Events carry no labels of ours, and no field selector takes the objects of a group.
            self._queries[EVENT] = {}
        self._changed = threading.Condition()
        self._found: dict[Kind, dict[str, JsonObject]] = {}
        self._trouble: dict[Kind, ApiError] = {}
        self._fatal: ApiError | None = None
        self._changes = 0
        self._closed = Stop()
        self._answers: dict[Kind, Any] = {}
        self._versions: dict[Kind, str] = {}
        self._threads = [
            threading.Thread(target=self._keep, args=(kind,), name=f"watch-{kind.plural}", daemon=True)
            for kind in self._queries
        ]

    def __enter__(self) -> Objects:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def of(self, kind: Kind) -> Mapping[str, JsonObject]:
        """The objects of ``kind`` by name; empty before its first list."""
        with self._changed:
            return dict(self._found.get(kind, {}))

    def has_listed(self, kind: Kind) -> bool:
        """Whether the first list of ``kind`` has come: before that, `of` says nothing."""
        with self._changed:
            return kind in self._found

    def follows(self, *kinds: Kind) -> bool:
        """Whether the watches of all ``kinds`` are open, and tell what happens at this moment."""
        with self._changed:
            return all(kind in self._answers and kind not in self._trouble for kind in kinds)

    @property
    def trouble(self) -> str | None:
        """Why what is known may be old: the last error of a watch that has not recovered."""
        with self._changed:
            return "; ".join(str(error) for error in self._trouble.values()) or None

    def wait(
        self, look: Callable[[], T | None], deadline: Deadline, stop: Stop, state: Callable[[], str]
    ) -> T:
        """What ``look`` returns once it is not None; it is called on every change of an object.

        Raises what ``look`` raises, `DeadlineError` with ``state()``, `InterruptedRunError`, and
        `ClusterError` if the objects can not be watched at all.
        """
        seen = -1
        looked_s = 0.0
        while True:
            stop.check()
            with self._changed:
                if self._fatal is not None:
                    raise ClusterError(str(self._fatal)) from self._fatal
                ready = all(kind in self._found for kind in self._queries if kind not in _OPTIONAL)
                fresh = self._changes != seen or time.monotonic() - looked_s > 1
                if not (ready and fresh):
                    self._changed.wait(min(SLICE_S, deadline.left_s()))
            if ready and fresh:
                # Changes come in bursts: those of the next moment are looked at together.
                time.sleep(max(0.0, looked_s + _TOGETHER_S - time.monotonic()))
                with self._changed:
                    seen, looked_s = self._changes, time.monotonic()
                if (found := look()) is not None:
                    return found
            if deadline.passed():
                trouble = self.trouble
                deadline.check(state() + (f" ({trouble})" if trouble else ""))

    def close(self) -> None:
        """End the watches."""
        self._closed.set()
        for answer in list(self._answers.values()):
            cut(answer)
        patience = Deadline("the watches to end", 1.0)
        for thread in self._threads:
            if thread.is_alive():
                thread.join(patience.left_s())

    def _keep(self, kind: Kind) -> None:
        trouble = self._cluster.outages.met()
        try:
            self._repeat(kind, trouble)
        except InterruptedRunError:
            pass
        except Exception as error:  # noqa: BLE001 - who waits must not wait for a thread that is gone
            self._end(kind, ApiError(f"watch {kind.plural}", None, type(error).__name__, str(error)))
        finally:
            trouble.ended(back=None)

    def _repeat(self, kind: Kind, trouble: Trouble) -> None:
        failures = 0
        refused_s: float | None = None
        while not self._closed.is_set():
            began_s = time.monotonic()
            listed = kind in self._found
            try:
                self._list(kind, trouble)
                refused_s = None
                self._follow(kind)
                failures = 0
            except ApiError as error:
                if self._closed.is_set():
                    return
                if time.monotonic() - began_s > _STEADY_S:
                    failures = 0
                if error.status in (400, 401, 403, 404):
                    refused_s = refused_s or time.monotonic()
                    if not listed or time.monotonic() - refused_s > self._refused_s(error):
                        self._end(kind, error)
                        return
                # The first 410 says only that the list is old; a server that answers nothing else is ill.
                if error.status != 410 or failures:
                    self._note(kind, error)
                    trouble.failed(error.in_short, began_s)
                    pause_s = max(error.retry_after_s or 0.0, _PAUSE_S[min(failures, len(_PAUSE_S) - 1)])
                    self._closed.sleep(pause_s * random.uniform(1.0, 1.5))  # noqa: S311
                failures += 1

    def _refused_s(self, error: ApiError) -> float:
        return self._cluster.outage_s if error.status == 401 else _REFUSED_S

    def _end(self, kind: Kind, error: ApiError) -> None:
        with self._changed:
            if kind in _OPTIONAL:
                self._found.setdefault(kind, {})
                self._trouble[kind] = error
            else:
                self._fatal = error
            self._changed.notify_all()

    def _list(self, kind: Kind, trouble: Trouble) -> None:
        # One attempt: `_repeat` says in `trouble` what is the matter meanwhile.
        calls = Calls(self._cluster, self._closed, outage_s=0.0)
        listed = calls.whole_list(kind, self._namespace, **self._queries[kind])
        trouble.ended(back=True)
        self._versions[kind] = str(listed["metadata"].get("resourceVersion", ""))
        self._replace(kind, listed.get("items") or [])

    def _follow(self, kind: Kind) -> None:
        """The watch from the last list on, until it ends."""
        what = f"watch {kind.plural}"
        relist_s = _LONGER_S.get(kind, RELIST_S)
        try:
            answer = Calls(self._cluster, self._closed).open(
                kind,
                self._namespace,
                read_s=relist_s + _SILENCE_S,
                **self._queries[kind],
                resource_version=self._versions[kind],
                timeout_seconds=relist_s,
                allow_watch_bookmarks=True,
            )
        except ApiError as error:
            if error.status != 403:
                raise
            self._closed.sleep(self._poll_s)
            return
        self._answers[kind] = answer
        try:
            if self._closed.is_set():  # `close` may have looked before there was an answer to cut
                return
            for line in lines_of(answer):
                self._apply(kind, what, json.loads(line))
                if self._closed.is_set():
                    return
        except transport_errors() as error:
            raise as_api_error(what, error) from error
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise ApiError(what, None, "NotJson", f"not an event: {error}") from error
        finally:
            self._answers.pop(kind, None)
            with contextlib.suppress(Exception):
                answer.close()

    def _replace(self, kind: Kind, items: list[JsonObject]) -> None:
        with self._changed:
            self._found[kind] = {item["metadata"]["name"]: item for item in items if self._wanted(kind, item)}
            self._trouble.pop(kind, None)
            self._changes += 1
            self._changed.notify_all()

    def _apply(self, kind: Kind, what: str, event: JsonObject) -> None:
        sort, item = event.get("type"), event.get("object") or {}
        if sort == "ERROR":
            code = item.get("code")
            status = code if isinstance(code, int) else 500
            raise ApiError(what, status, str(item.get("reason") or "Error"), str(item.get("message") or ""))
        if sort == "BOOKMARK":
            return
        if not self._wanted(kind, item):
            return
        name = item["metadata"]["name"]
        with self._changed:
            if sort == "DELETED":
                self._found[kind].pop(name, None)
            else:
                self._found[kind][name] = item
            self._changes += 1
            self._changed.notify_all()

    def _wanted(self, kind: Kind, item: JsonObject) -> bool:
        about = str((item.get("involvedObject") or {}).get("name"))
        return kind is not EVENT or self._events_of is None or self._events_of in about

    def _note(self, kind: Kind, error: ApiError) -> None:
        with self._changed:
            self._trouble[kind] = error
            self._changed.notify_all()

"""Calls to the API server: each with a timeout, retried where that is safe, answered with plain dicts.

The client's own retries are off (see `connect`): they multiply the timeout, and know nothing of an
interrupt. Here a call is repeated while the server is away or in trouble, for as long as the cluster's
``outage_s``, with pauses that grow, or as the server asks. Doing a call twice is the same as once for all
but POST. A POST whose answer was lost is repeated too, and the object that then exists already is taken for
ours if it carries the same run id and nobody deletes it.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, TypeVar

from pytest_odfperf.cluster.client.api_error import ApiError, as_api_error, patience_s, transport_errors
from pytest_odfperf.cluster.client.api_request import bound, send
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import Kind
from pytest_odfperf.vm.labels import RUN
from pytest_odfperf.waiting import Deadline, Stop

__all__ = ["ApiError", "Calls", "JsonObject", "as_api_error", "transport_errors"]

#: Seconds to connect, and between two pieces of the answer.
TIMEOUT_S = (5.0, 30.0)
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 3.0
#: Answers after which a POST may have been executed all the same.
_PERHAPS_DONE = (None, 500, 502, 503, 504)

JsonObject = dict[str, Any]
T = TypeVar("T")


class Calls:
    """The calls of one piece of work; pauses between attempts end when ``stop`` is set."""

    def __init__(
        self,
        cluster: Cluster,
        stop: Stop,
        *,
        outage_s: float | None = None,
        deadline: Deadline | None = None,
    ) -> None:
        """``outage_s``: instead of the cluster's; 0: one attempt. After ``deadline`` none begins."""
        self._cluster = cluster
        self._stop = stop
        self._outage_s = cluster.outage_s if outage_s is None else outage_s
        self._deadline = deadline
        #: The API server's clock at its last answer, to the second (RFC 9110, ``Date``).
        self.date: datetime | None = None

    def get(self, kind: Kind, name: str, namespace: str | None = None) -> JsonObject:
        return self._parsed(f"get {kind} {name}", kind, "get", namespace, name)

    def whole_list(self, kind: Kind, namespace: str | None = None, **query: Any) -> JsonObject:
        """The whole list; ``query`` as the client spells it (``label_selector``, ``field_selector``)."""
        return self._parsed(f"list {kind.plural}", kind, "list", namespace, None, **query)

    def items(self, kind: Kind, namespace: str | None = None, **query: Any) -> list[JsonObject]:
        found: list[JsonObject] = self.whole_list(kind, namespace, **query).get("items") or []
        return found

    def create(self, kind: Kind, namespace: str | None, body: Mapping[str, Any]) -> JsonObject:
        """Make an object. `ApiError` with status 409 if it exists and is not from a lost attempt of ours."""
        metadata = body["metadata"]
        what = f"create {kind} {metadata['name']}"
        lost = False

        def attempt() -> JsonObject:
            nonlocal lost
            try:
                # A field that the server does not know is refused, not dropped in silence.
                return self._once(what, kind, "create", namespace, None, body=body, field_validation="Strict")
            except ApiError as error:
                exists = error.status == 409 and error.reason == "AlreadyExists"
                if lost and exists and (ours := self._made_before(kind, namespace, body)):
                    return ours
                lost = lost or error.status in _PERHAPS_DONE
                raise

        return self._retried(attempt)

    def _made_before(self, kind: Kind, namespace: str | None, body: Mapping[str, Any]) -> JsonObject | None:
        """The object that an attempt of ours made whose answer was lost."""
        try:
            there = self.get(kind, body["metadata"]["name"], namespace)
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        ours = _run_id(there) == _run_id(body) is not None
        return there if ours and not there["metadata"].get("deletionTimestamp") else None

    def replace(self, kind: Kind, namespace: str, body: Mapping[str, Any]) -> JsonObject:
        """Put ``body`` in an object's place; `ApiError` 409 if its resourceVersion is not the last one."""
        name = body["metadata"]["name"]
        return self._parsed(f"replace {kind} {name}", kind, "replace", namespace, name, body=body)

    def try_create(self, kind: Kind, namespace: str, body: Mapping[str, Any]) -> None:
        """Ask whether an object would be taken: all checks and webhooks, and nothing is made."""
        what = f"try to create {kind} {body['metadata']['name']}"
        options = {"dry_run": "All", "field_validation": "Strict"}
        self._parsed(what, kind, "create", namespace, None, body=body, **options)

    def review(self, kind: Kind, spec: JsonObject, namespace: str | None = None) -> JsonObject:
        """The answer to an access review, which is kept nowhere."""
        return self._parsed(f"ask {kind}", kind, "create", namespace, None, body={"spec": spec})

    def delete(self, kind: Kind, name: str, namespace: str | None = None) -> bool:
        """Ask for the deletion of an object; False if there was none."""
        what = f"delete {kind} {name}"
        try:
            self._parsed(what, kind, "delete", namespace, name, propagation_policy="Background")
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    def delete_collection(self, kind: Kind, namespace: str, label_selector: str) -> list[str]:
        """Ask for the deletion of all objects that ``label_selector`` selects; their names, if told.

        Where the right to ``deletecollection`` is missing (KubeVirt's role ``edit`` lacks it), one by one.
        """
        if not label_selector:
            raise ValueError("an empty selector would delete everything in the namespace")
        try:
            answer = self._parsed(
                f"delete {kind.plural} with {label_selector}",
                kind,
                "delete_collection",
                namespace,
                None,
                label_selector=label_selector,
                propagation_policy="Background",
            )
        except ApiError as error:
            if error.status not in (403, 405):
                raise
            there = self.items(kind, namespace, label_selector=label_selector)
            for found in there:
                self.delete(kind, found["metadata"]["name"], namespace)
        else:
            # The documentation says Status; API servers answer with the list of what they delete.
            there = answer.get("items") or []
        return [found["metadata"]["name"] for found in there]

    def version(self) -> JsonObject:
        """The server's ``/version``."""
        what = "read the server's version"
        return self._retried(
            lambda: self._answered(what, partial(send, self._cluster, "GET", "/version/"), {})
        )

    def open(self, kind: Kind, namespace: str, *, read_s: float, **query: Any) -> Any:
        """The open answer to a watch, the client's own; one attempt."""
        call = bound(self._cluster, kind, "list", namespace, None)
        options = {**query, "watch": True, "timeout_s": (TIMEOUT_S[0], read_s)}
        return self._known(lambda: _sent(f"watch {kind.plural}", call, options))

    def _parsed(
        self, what: str, kind: Kind, verb: str, namespace: str | None, name: str | None, **query: Any
    ) -> JsonObject:
        return self._retried(lambda: self._once(what, kind, verb, namespace, name, **query))

    def _once(
        self, what: str, kind: Kind, verb: str, namespace: str | None, name: str | None, **query: Any
    ) -> JsonObject:
        call = bound(self._cluster, kind, verb, namespace, name)
        return self._answered(what, self._dated(call), query)

    def _answered(self, what: str, call: Callable[..., Any], arguments: JsonObject) -> JsonObject:
        connect_s, read_s = TIMEOUT_S
        if self._deadline is not None:
            read_s = min(read_s, max(1.0, self._deadline.left_s()))
        options = {**arguments, "timeout_s": (connect_s, read_s)}
        return self._known(lambda: _answer(what, call, options))

    def _known(self, attempt: Callable[[], T]) -> T:
        """``attempt``, once more with new credentials if the server refused these."""
        used = self._cluster.credential
        try:
            return attempt()
        except ApiError as error:
            if error.status != 401 or not self._cluster.log_in_again(used, self._stop):
                raise
        return attempt()

    def _dated(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def dated(**arguments: Any) -> Any:
            answer = call(**arguments)
            self.date = _date(answer.headers.get("Date")) or self.date
            return answer

        return dated

    def _retried(self, attempt: Callable[[], JsonObject]) -> JsonObject:
        trouble = self._cluster.outages.met()
        began_s, attempts = time.monotonic(), 0
        back: bool | None = None
        try:
            while True:
                tried_s = time.monotonic()
                try:
                    answer = attempt()
                except ApiError as error:
                    attempts += 1
                    left_s = self._left_s(error, began_s)
                    if left_s <= 0:
                        # A refusal is an answer too: whatever was the matter before it, it is over.
                        back = error.status not in (None, 401, 429) and error.status < 500
                        raise self._final(error, time.monotonic() - began_s, attempts) from error
                    trouble.failed(error.in_short, tried_s)
                    pause_s = min(left_s, _pause_s(error.retry_after_s, attempts))
                else:
                    back = True
                    return answer
                self._stop.sleep(pause_s)
        finally:
            trouble.ended(back=back)

    def _final(self, error: ApiError, seconds: float, attempts: int) -> ApiError:
        if error.status == 401 and (problem := self._cluster.login_problem):
            error = error.with_words(f"the login gave nothing new: {problem}")
        return error.with_words(f"tried for {seconds:.0f} s, {attempts} times") if attempts > 1 else error

    def _left_s(self, error: ApiError, began_s: float) -> float:
        patience = patience_s(error, self._outage_s)
        if error.status == 401 and self._cluster.was_known:
            # A token ends before the next one is there, and somebody may be logging in by hand.
            patience = self._outage_s
        left_s = patience - (time.monotonic() - began_s)
        return left_s if self._deadline is None else min(left_s, self._deadline.left_s())


def _sent(what: str, call: Callable[..., Any], arguments: JsonObject) -> Any:
    try:
        return call(**arguments)
    except transport_errors() as error:
        raise as_api_error(what, error) from error


def _answer(what: str, call: Callable[..., Any], arguments: JsonObject) -> JsonObject:
    try:
        parsed = json.loads(_sent(what, call, arguments).data)
    except transport_errors() as error:
        raise as_api_error(what, error) from error
    except ValueError as error:
        raise ApiError(what, None, "NotJson", f"the answer is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise ApiError(what, None, "NotAnObject", "the answer is JSON, but not an object")
    return parsed


def _pause_s(asked_s: float | None, attempts: int) -> float:
    """Before the next attempt. Many guests' calls fail together; they shall not come back together."""
    own_s: float = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(attempts - 1, 10))
    if asked_s is None:
        return own_s * random.uniform(0.5, 1.5)  # noqa: S311
    return asked_s + own_s * random.uniform(0.0, 0.5)  # noqa: S311


def _date(header: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(header) if header else None
    except ValueError:
        return None


def _run_id(found: Mapping[str, Any]) -> str | None:
    value: str | None = (found["metadata"].get("labels") or {}).get(RUN)
    return value

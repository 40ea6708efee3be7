"""Calls to the API server: each with a timeout, retried where that is safe, answered with plain dicts.

The client's own retries are off (see `connect`): they multiply the timeout, and know nothing of an
interrupt. Here a call is repeated if the server did not take it (429, 503, a refused connection) or if
doing it twice is the same as once (all but POST). A POST whose answer was lost is repeated too, and the
object that then exists already is taken for ours if it carries the same run id.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pytest_odfperf.cluster.kinds import Kind
from pytest_odfperf.errors import ClusterError
from pytest_odfperf.vm.labels import RUN
from pytest_odfperf.waiting import Stop

if TYPE_CHECKING:
    from pytest_odfperf.cluster.connect import Cluster

#: Seconds to connect, and between two pieces of the answer.
TIMEOUT_S = (5.0, 30.0)
ATTEMPTS = 6
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0

_BUSY = frozenset({429, 502, 503, 504})
#: A 500 that says one of these is the control plane's trouble, not ours.
_PASSING = ("etcdserver:", "failed calling webhook", "rpc error:", "leader changed", "context deadline")

JsonObject = dict[str, Any]


class ApiError(ClusterError):
    """The API server refused a call (``status`` is its HTTP status) or could not be reached (None)."""

    def __init__(self, what: str, status: int | None, reason: str, message: str) -> None:
        self.what = what
        self.status = status
        self.reason = reason
        self.message = message
        code = f"{status} {reason}".strip() if status is not None else reason
        super().__init__(f"{what}: {code}: {message}" if message else f"{what}: {code}")


class Calls:
    """The calls of one piece of work; pauses between attempts end when ``stop`` is set."""

    def __init__(self, cluster: Cluster, stop: Stop, *, attempts: int = ATTEMPTS) -> None:
        self._cluster = cluster
        self._stop = stop
        self._attempts = attempts

    def get(self, kind: Kind, name: str, namespace: str | None = None) -> JsonObject:
        verb = "read" if kind.api else "get"
        return self._parsed(f"get {kind} {name}", kind, verb, namespace, name)

    def whole_list(self, kind: Kind, namespace: str | None = None, **query: Any) -> JsonObject:
        """The whole list; ``query`` as the client spells it (``label_selector``, ``field_selector``)."""
        return self._parsed(f"list {kind.plural}", kind, "list", namespace, None, **query)

    def items(self, kind: Kind, namespace: str | None = None, **query: Any) -> list[JsonObject]:
        found: list[JsonObject] = self.whole_list(kind, namespace, **query).get("items") or []
        return found

    def create(self, kind: Kind, namespace: str, body: Mapping[str, Any]) -> JsonObject:
        """Make an object. `ApiError` with status 409 if it exists and is not from a lost attempt of ours."""
        metadata = body["metadata"]
        what = f"create {kind} {metadata['name']}"
        lost = False

        def attempt() -> JsonObject:
            nonlocal lost
            try:
                return self._once(what, kind, "create", namespace, None, body=body)
            except ApiError as error:
                if lost and error.status == 409 and error.reason == "AlreadyExists":
                    there = self.get(kind, metadata["name"], namespace)
                    if _run_id(there) == _run_id(body) is not None:
                        return there
                lost = lost or error.status is None or error.status in (500, 502, 504)
                raise

        return self._retried(attempt)

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

    def delete_collection(self, kind: Kind, namespace: str, label_selector: str) -> None:
        """Ask for the deletion of all objects that ``label_selector`` selects.

        Where the right to ``deletecollection`` is missing (KubeVirt's role ``edit`` lacks it), one by one.
        """
        if not label_selector:
            raise ValueError("an empty selector would delete everything in the namespace")
        try:
            self._parsed(
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
            for found in self.items(kind, namespace, label_selector=label_selector):
                self.delete(kind, found["metadata"]["name"], namespace)

    def version(self) -> JsonObject:
        """The server's ``/version``."""

        def attempt() -> JsonObject:
            api = self._cluster.api("VersionApi")
            return _answer("read the server's version", api.get_code, _options({}))

        return self._retried(attempt)

    def _parsed(
        self, what: str, kind: Kind, verb: str, namespace: str | None, name: str | None, **query: Any
    ) -> JsonObject:
        return self._retried(lambda: self._once(what, kind, verb, namespace, name, **query))

    def _once(
        self, what: str, kind: Kind, verb: str, namespace: str | None, name: str | None, **query: Any
    ) -> JsonObject:
        call, place = bound(self._cluster, kind, verb, namespace, name)
        options = _options({**place, **query})
        used = self._cluster.authorization
        try:
            return _answer(what, call, options)
        except ApiError as error:
            if error.status != 401 or not self._cluster.log_in_again(used):
                raise
            return _answer(what, call, options)

    def _retried(self, attempt: Callable[[], JsonObject]) -> JsonObject:
        for number in range(1, self._attempts + 1):
            try:
                return attempt()
            except ApiError as error:
                if number == self._attempts or not _passing(error):
                    raise
            pause_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** (number - 1))
            # Many guests' calls fail together; they shall not come back together.
            self._stop.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311
        raise AssertionError("the last attempt returns or raises")


def bound(
    cluster: Cluster, kind: Kind, verb: str, namespace: str | None, name: str | None
) -> tuple[Callable[..., Any], JsonObject]:
    """The client's method for ``verb`` on ``kind``, and the arguments that say where."""
    place: JsonObject = {} if namespace is None else {"namespace": namespace}
    if name is not None:
        place["name"] = name
    scope = "namespaced_" if namespace is not None else ""
    if kind.api is not None:
        return getattr(cluster.api(kind.api), f"{verb}_{scope}{kind.noun}"), place
    place |= {"group": kind.group, "version": kind.version, "plural": kind.plural}
    scope = scope or "cluster_"
    return getattr(cluster.api("CustomObjectsApi"), f"{verb}_{scope}custom_object"), place


def as_api_error(what: str, error: Exception) -> ApiError:
    """``error`` of the client or of its HTTP library as one of ours, with the server's own words."""
    status = getattr(error, "status", None)
    if isinstance(status, int) and status > 0:
        body = getattr(error, "body", None) or b""
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if isinstance(answer, dict) and answer.get("message"):
            reason = answer.get("reason") or getattr(error, "reason", "") or ""
            return ApiError(what, status, str(reason), str(answer["message"]))
        return ApiError(what, status, str(getattr(error, "reason", "") or ""), text.strip()[:300])
    # Some versions of urllib3 begin with the connection's repr.
    words = re.sub(r"^<[^>]*>: ", "", " ".join(str(error).split()))
    return ApiError(what, None, type(error).__name__, words[:300])


def transport_errors() -> tuple[type[Exception], ...]:
    """What a call can raise, apart from mistakes of ours."""
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    return (ApiException, HTTPError, OSError)


def _answer(what: str, call: Callable[..., Any], arguments: JsonObject) -> JsonObject:
    try:
        answer = call(**arguments)
        parsed = json.loads(answer.data)
    except transport_errors() as error:
        raise as_api_error(what, error) from error
    except ValueError as error:
        raise ApiError(what, None, "NotJson", f"the answer is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise ApiError(what, None, "NotAnObject", "the answer is JSON, but not an object")
    return parsed


def _options(arguments: JsonObject) -> JsonObject:
    return {**arguments, "_preload_content": False, "_request_timeout": TIMEOUT_S}


def _passing(error: ApiError) -> bool:
    if error.status is None:
        return error.reason not in ("NotJson", "NotAnObject", "SSLError", "SSLCertVerificationError")
    return error.status in _BUSY or (error.status == 500 and any(mark in error.message for mark in _PASSING))


def _run_id(found: Mapping[str, Any]) -> str | None:
    value: str | None = (found["metadata"].get("labels") or {}).get(RUN)
    return value

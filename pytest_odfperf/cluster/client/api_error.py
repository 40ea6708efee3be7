"""What a call to the API server can end with, and whether it is worth another attempt."""

from __future__ import annotations

import email.utils
import http.client
import json
import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_odfperf.cluster.client.api_request import RefusedRequestError
from pytest_odfperf.errors import ClusterError
from pytest_odfperf.redaction import redact

_BUSY = frozenset({429, 502, 503, 504})
#: A 500 that says one of these is the control plane's trouble, not ours.
_PASSING = ("etcdserver:", "failed calling webhook", "rpc error:", "leader changed", "context deadline")
#: Any other 500 may be a fault that stays; it is repeated for no longer than this.
_UNKNOWN_S = 30.0
_MALFORMED = ("NotJson", "NotAnObject")
_DISTRUSTED = "the server's certificate is not trusted"


class ApiError(ClusterError):
    """The API server refused a call (``status`` is its HTTP status) or could not be reached (None)."""

    def __init__(
        self,
        what: str,
        status: int | None,
        reason: str,
        message: str,
        *,
        retry_after_s: float | None = None,
        in_short: str = "",
    ) -> None:
        self.what = what
        self.status = status
        self.reason = reason
        # A refusal may quote what was sent.
        self.message = message = redact(message)
        #: How long the server asks to be left alone.
        self.retry_after_s = retry_after_s
        code = f"{status} {reason}".strip() if status is not None else reason
        #: The cause in a few words: ``connection refused``, ``429 TooManyRequests``.
        self.in_short = in_short or code
        super().__init__(f"{what}: {code}: {message}" if message else f"{what}: {code}")

    @property
    def is_distrust(self) -> bool:
        """Whether the server showed a certificate that we can not trust. Never worth another attempt."""
        return self.in_short == _DISTRUSTED

    @property
    def is_malformed(self) -> bool:
        """Whether there was an answer, but not one of an API server."""
        return self.reason in _MALFORMED

    def with_words(self, words: str) -> ApiError:
        """The same error, with ``words`` at the end."""
        return ApiError(
            self.what,
            self.status,
            self.reason,
            f"{self.message} ({words})".lstrip(),
            retry_after_s=self.retry_after_s,
            in_short=self.in_short,
        )


def patience_s(error: ApiError, outage_s: float) -> float:
    """For how long a call that ends so is worth repeating, if an outage is waited out for ``outage_s``."""
    if error.status is None:
        return 0.0 if error.is_malformed or error.is_distrust else outage_s
    if error.status in _BUSY:
        return outage_s
    if error.status == 500:
        known = any(mark in error.message for mark in _PASSING)
        return outage_s if known else min(outage_s, _UNKNOWN_S)
    return 0.0


def as_api_error(what: str, error: Exception) -> ApiError:
    """``error`` of the client or of its HTTP library as one of ours, with the server's own words."""
    status = getattr(error, "status", None)
    if isinstance(status, int) and status > 0:
        return _refusal(what, status, error)
    # Some versions of urllib3 begin with the connection's repr.
    words = re.sub(r"^<[^>]*>: ", "", " ".join(str(error).split()))
    return ApiError(what, None, type(error).__name__, words[:300], in_short=_cause(error))


def transport_errors() -> tuple[type[Exception], ...]:
    """What a call can raise, apart from mistakes of ours."""
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    # The client's own too, for whoever calls one of its classes.
    return (RefusedRequestError, ApiException, HTTPError, OSError, http.client.HTTPException)


def _refusal(what: str, status: int, error: Exception) -> ApiError:
    body = getattr(error, "body", None) or b""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    reason = str(getattr(error, "reason", "") or "")
    answer = answer if isinstance(answer, dict) else {}
    after_s = _retry_after_s(getattr(error, "headers", None), answer)
    if not answer.get("message"):
        return ApiError(what, status, reason, text.strip()[:300], retry_after_s=after_s)
    return ApiError(
        what, status, str(answer.get("reason") or reason), str(answer["message"]), retry_after_s=after_s
    )


def _retry_after_s(headers: Mapping[str, str] | None, answer: Mapping[str, Any]) -> float | None:
    """The header ``Retry-After`` (seconds or a date, RFC 9110 section 10.2.3), else the Status' own field."""
    text = (headers.get("Retry-After") or "").strip() if headers is not None else ""
    if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        return float(text)
    if text:
        try:
            return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
        except (ValueError, TypeError):
            return None
    details = answer.get("details")
    seconds = details.get("retryAfterSeconds") if isinstance(details, dict) else None
    return float(seconds) if isinstance(seconds, int) and 0 < seconds < 10**9 else None


def _cause(error: Exception) -> str:
    import urllib3.exceptions as urllib3

    kinds: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
        ((ssl.SSLCertVerificationError,), _DISTRUSTED),
        ((ConnectionRefusedError,), "connection refused"),
        ((socket.gaierror,), "its name is not known"),
        ((TimeoutError, urllib3.TimeoutError), "no answer"),
        ((ssl.SSLError, urllib3.SSLError), "TLS failed"),
        ((ConnectionError, http.client.HTTPException, urllib3.ProtocolError), "connection reset"),
        ((urllib3.ProxyError,), "the proxy refuses"),
    )
    chain = list(_chain(error))
    for types, words in kinds:
        if any(isinstance(one, types) for one in chain):
            return words
    return type(error).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """``error`` and all that it wraps, in any of the ways that urllib3 wraps errors."""
    seen: set[int] = set()
    todo: list[Any] = [error]
    while todo:
        one = todo.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        todo += [*one.args, one.__cause__, one.__context__, getattr(one, "reason", None)]

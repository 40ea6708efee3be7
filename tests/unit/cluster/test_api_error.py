"""What errors of the client and its HTTP library mean, and for how long they are worth another attempt."""

from __future__ import annotations

import email.utils
import http.client
import json
import ssl
import time
from types import SimpleNamespace
from typing import Any

import pytest
import urllib3.exceptions as urllib3

from pytest_odfperf.cluster.client.api_error import ApiError, as_api_error, patience_s


def refused(status: int, *, message: str = "", headers: Any = None, **body: Any) -> ApiError:
    answer = {"message": message, **body} if message else body
    error: Any = Exception("refused")
    error.status, error.reason = status, "Reason"
    error.body, error.headers = json.dumps(answer).encode() if answer else b"", headers
    return as_api_error("list pods", error)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (refused(429, headers={"Retry-After": "7"}), 7),
        (refused(429, headers={"Retry-After": " 7 "}, message="slow", details={"retryAfterSeconds": 3}), 7),
        (refused(429, message="slow", details={"retryAfterSeconds": 3}), 3),
        (refused(429, headers={"Retry-After": "soon"}), None),
        (refused(429, headers={"Retry-After": "-1"}), None),
        (refused(429, headers={"Retry-After": "9" * 30}), None),
        (refused(503, message="slow", details={"retryAfterSeconds": "3"}), None),
        (refused(503, message="slow", details=[]), None),
        (refused(503), None),
    ],
)
def test_how_long_the_server_asks_to_be_left_alone(error: ApiError, seconds: float | None) -> None:
    assert error.retry_after_s == seconds


def test_the_header_may_be_a_date() -> None:
    later = email.utils.formatdate(time.time() + 60, usegmt=True)
    asked_s = refused(503, headers={"Retry-After": later}).retry_after_s
    assert asked_s is not None
    assert 0 < asked_s <= 60
    past = email.utils.formatdate(time.time() - 60, usegmt=True)
    assert refused(503, headers={"Retry-After": past}).retry_after_s == 0


def wrapped(inner: BaseException) -> Exception:
    """As urllib3 wraps: the cause in the arguments, or chained."""
    try:
        try:
            raise inner
        except BaseException as error:
            raise urllib3.ProtocolError("Connection aborted.", error) from error
    except urllib3.ProtocolError as error:
        return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "connection refused"),
        (wrapped(ConnectionResetError(104, "reset by peer")), "connection reset"),
        (wrapped(http.client.RemoteDisconnected("closed without response")), "connection reset"),
        (http.client.IncompleteRead(b""), "connection reset"),
        (urllib3.ReadTimeoutError(SimpleNamespace(), "/x", "Read timed out."), "no answer"),  # type: ignore[arg-type]
        (urllib3.SSLError(ssl.SSLEOFError(8, "EOF occurred")), "TLS failed"),
        (urllib3.SSLError(ssl.SSLCertVerificationError(1, "old")), "the server's certificate is not trusted"),
        (OSError(113, "No route to host"), "OSError"),
    ],
)  # fmt: skip
def test_the_cause_in_a_few_words(error: Exception, words: str) -> None:
    assert as_api_error("list pods", error).in_short == words


def test_errors_that_wrap_each_other_are_no_endless_chain() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__context__, two.__context__ = two, one
    assert as_api_error("list pods", one).in_short == "ValueError"


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (refused(429), 120),
        (refused(502), 120),
        (refused(503), 120),
        (refused(504), 120),
        (refused(500, message="etcdserver: leader changed"), 120),
        (refused(500, message="failed calling webhook x: no endpoints"), 120),
        (refused(500, message="nil pointer"), 30),
        (refused(400), 0),
        (refused(403), 0),
        (refused(404), 0),
        (refused(409), 0),
        (refused(410), 0),
        (refused(422), 0),
        (as_api_error("x", ConnectionRefusedError()), 120),
        (as_api_error("x", urllib3.SSLError(ssl.SSLZeroReturnError())), 120),
        (as_api_error("x", ssl.SSLCertVerificationError()), 0),
        (ApiError("x", None, "NotJson", "<html>"), 0),
    ],
)
def test_what_is_worth_repeating(error: ApiError, seconds: float) -> None:
    assert patience_s(error, 120) == seconds
    assert patience_s(error, 0) == 0


def test_more_words_keep_everything_else() -> None:
    error = refused(429, message="slow", reason="TooManyRequests", headers={"Retry-After": "7"})
    told = error.with_words("tried for 9 s, 4 times")
    assert str(told) == "list pods: 429 TooManyRequests: slow (tried for 9 s, 4 times)"
    assert (told.status, told.reason, told.retry_after_s) == (429, "TooManyRequests", 7)
    distrust = as_api_error("x", ssl.SSLCertVerificationError()).with_words("once")
    assert distrust.is_distrust

"""Whom a kubeconfig's user speaks for: the headers, as the API server reads them."""

from __future__ import annotations

from typing import Any

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from pytest_odfperf.cluster.client.impersonation import Impersonation, impersonate
from pytest_odfperf.sandbox.api.access import impersonated_user

NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)


def test_headers_are_those_that_kubectl_sends() -> None:
    entry = {
        "as": "jane",
        "as-uid": "7",
        "as-groups": ["dev", "ops, too"],
        "as-user-extra": {"Reason": ["a", "b"], "example.com/ä%": ["x"]},
    }
    assert Impersonation.of(entry).headers == (
        ("Impersonate-User", "jane"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "dev"),
        ("Impersonate-Group", "ops, too"),
        ("Impersonate-Extra-reason", "a"),
        ("Impersonate-Extra-reason", "b"),
        ("Impersonate-Extra-example.com%2F%C3%A4%25", "x"),
    )
    assert Impersonation.of({"as": None, "as-groups": [], "as-user-extra": {}}).headers == ()


@given(
    NAMES.filter(lambda name: not name.startswith("system:")),
    st.lists(NAMES, max_size=3),
    st.dictionaries(NAMES.map(str.lower), st.lists(NAMES, min_size=1, max_size=2), max_size=3),
)
def test_the_server_reads_what_the_kubeconfig_says(
    user: str, groups: list[str], extra: dict[str, list[str]]
) -> None:
    headers = Impersonation.of({"as": user, "as-groups": groups, "as-user-extra": extra}).headers
    read = list(impersonated_user._wanted(CIMultiDictProxy(CIMultiDict(headers))))
    assert [one.name for one in read if one.resource == "users"] == [user]
    assert [one.name for one in read if one.resource == "groups"] == groups
    told = [(one.resource.removeprefix("userextras/"), one.name) for one in read if "extra" in one.resource]
    assert sorted(told) == sorted((name, one) for name, values in extra.items() for one in values)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"as": 5}, "as is not a text"),
        ({"as": "a", "as-uid": ["x"]}, "as-uid is not a text"),
        ({"as": "a", "as-groups": "dev"}, "as-groups is not a list of texts"),
        ({"as": "a", "as-groups": [1]}, "as-groups is not a list of texts"),
        ({"as": "a", "as-user-extra": ["x"]}, "as-user-extra is not a mapping"),
        ({"as": "a", "as-user-extra": {"x": "y"}}, "as-user-extra is not a mapping of names to lists"),
        ({"as": "a", "as-user-extra": {5: ["y"]}}, "as-user-extra is not a mapping"),
        ({"as-groups": ["dev"]}, "say nothing without as"),
        ({"as-uid": "5"}, "say nothing without as"),
        ({"as": "a\nImpersonate-Group: system:masters"}, "can not be sent"),
        ({"as": "a", "as-groups": ["a\r\nb"]}, "can not be sent"),
        ({"as": "a", "as-user-extra": {"x": ["a\0"]}}, "can not be sent"),
    ],
)
def test_what_is_wrong_is_named(entry: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        Impersonation.of(entry)
    assert str(caught.value).isprintable()


def test_each_request_has_them_and_repeats_them(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    class RestClient:
        pool_manager = urllib3.PoolManager()

    def request(*arguments: Any, **options: Any) -> None:
        sent.append((arguments, list(options.pop("headers").items()), options))

    monkeypatch.setattr(RestClient.pool_manager, "request", request)
    impersonate(RestClient, Impersonation("jürgen", ("a", "b")).headers)
    RestClient.pool_manager.request("GET", "https://x", headers={"Accept": "*/*"}, timeout=1)
    ((arguments, headers, options),) = sent
    assert (arguments, options) == (("GET", "https://x"), {"timeout": 1})
    assert headers[0] == ("Accept", "*/*")
    # http.client writes Latin-1, so these are the bytes of UTF-8.
    assert headers[1][1].encode("latin-1").decode() == "jürgen"
    assert headers[2:] == [("Impersonate-Group", "a"), ("Impersonate-Group", "b")]

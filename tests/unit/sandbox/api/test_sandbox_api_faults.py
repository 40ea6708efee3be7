"""Rules of faults: what a configuration may say, and which requests a rule hits."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_odfperf.errors import InputError
from pytest_odfperf.sandbox.api.access.rbac import Action
from pytest_odfperf.sandbox.api.faults.fault_book import Faults
from pytest_odfperf.sandbox.config.fault_rules import read_api_faults
from pytest_odfperf.sandbox.config.parse_config import parse_config


def action(verb: str = "create", resource: str = "secrets", name: str = "a", namespace: str = "ns") -> Action:
    return Action(verb=verb, group="", resource=resource, name=name, namespace=namespace)


def faults(*rules: dict[str, Any]) -> Faults:
    return Faults(read_api_faults(list(rules), "faults"))


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({}, r"sandbox.api_faults\[0\]: nothing goes wrong: one of status, "),
        ({"reset": True, "lost": True}, "reset and lost exclude each other"),
        ({"status": 200}, r"api_faults\[0\].status: 200 is not an HTTP status from 400 to 599"),
        ({"verbs": ["watches"], "reset": True}, r"verbs: 'watches' is not one of get, list, watch"),
        ({"times": 0, "reset": True}, r"times: 0 is not a whole number of at least 1"),
        ({"probability": 2, "reset": True}, r"probability: 2.0 is more than 1"),
        ({"for_s": 0, "reset": True}, r"for_s: 0 is not a number above 0"),
        ({"reset": "yes"}, "'yes' is not true or false"),
        ({"resett": True, "lost": True}, r"unknown name 'resett' \(known: after, cut, "),
        (3, "3 is not a mapping"),
    ],
)
def test_what_makes_no_sense_is_one_line_that_names_the_place(rule: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        parse_config({"api_faults": [rule]})
    assert "\n" not in str(caught.value)


def test_a_configuration_takes_a_list_only() -> None:
    with pytest.raises(InputError, match=r"sandbox.api_faults: .* is not a list of rules"):
        parse_config({"api_faults": {"reset": True}})
    assert parse_config({}).api_faults == ()
    (fault,) = parse_config({"api_faults": [{"status": 429, "retry_after_s": 2}]}).api_faults
    assert (fault.kind, fault.status, fault.reason) == ("status", 429, "TooManyRequests")


@pytest.mark.parametrize(
    ("rule", "other"),
    [
        ({"verbs": ["create"]}, action(verb="get")),
        ({"resources": ["secrets"]}, action(resource="pods")),
        ({"name": "a*"}, action(name="b")),
        ({"namespace": "n?"}, action(namespace="other")),
    ],
)
def test_a_rule_hits_what_it_names(rule: dict[str, Any], other: Action) -> None:
    found = faults({**rule, "reset": True})
    assert found.hit(other) is None
    assert found.hit(action()) is not None
    assert found.rules[0].shown()["hits"] == 1


def test_a_rule_without_names_hits_everything_but_streams_are_cut_only() -> None:
    assert faults({"reset": True}).hit(Action(verb="get", group="", resource="")) is not None
    cut, expire = faults({"cut": True}), faults({"expire": True})
    tunnel = action(verb="get", resource="virtualmachineinstances/portforward")
    assert (cut.hit(action()), expire.hit(action()), expire.hit(tunnel)) == (None, None, None)
    assert cut.hit(tunnel) is not None
    assert cut.hit(action(verb="watch")) is not None
    assert expire.hit(action(verb="watch")) is not None


def hits(count: int, **rule: Any) -> list[int]:
    found = faults({"reset": True, **rule})
    return [number for number in range(count) if found.hit(action()) is not None]


def test_how_often_a_rule_hits() -> None:
    assert hits(5) == [0, 1, 2, 3, 4]
    assert hits(5, times=2) == [0, 1]
    assert hits(5, after=2, times=2) == [2, 3]
    assert hits(5, for_s=1e-9) == [0]
    assert hits(100, probability=0.0) == []


def test_chance_is_the_same_for_the_same_seed() -> None:
    once = hits(200, probability=0.3, seed=4)
    assert 30 < len(once) < 90
    assert once == hits(200, probability=0.3, seed=4) != hits(200, probability=0.3, seed=5)


def test_the_first_rule_that_hits_decides() -> None:
    found = faults({"status": 503, "times": 1}, {"status": 500})
    kinds = [found.hit(action()) for _ in range(2)]
    assert [fault.status for fault in kinds if fault is not None] == [503, 500]

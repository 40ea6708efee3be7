"""Patches of the sandbox's API server."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.sandbox.api.objects.resources import BY_PATH
from pytest_odfperf.sandbox.api.objects.status import StatusError
from pytest_odfperf.sandbox.api.shapes.patch import JSON, MERGE, STRATEGIC, apply_patch

PODS = BY_PATH["", "v1", "pods"]
VMS = BY_PATH["kubevirt.io", "v1", "virtualmachines"]
TREES = st.recursive(
    st.one_of(st.integers(), st.text(max_size=3), st.lists(st.integers(), max_size=2)),
    lambda below: st.dictionaries(st.sampled_from("abc"), below, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), TREES, max_size=3)


def patched(obj: Any, change: Any, sort: str = MERGE) -> Any:
    return apply_patch(obj, json.dumps(change).encode(), sort, PODS)


@given(OBJECTS, OBJECTS)
def test_a_merge_patch_twice_is_a_merge_patch_once(obj: Any, change: Any) -> None:
    once = patched(obj, change)
    assert patched(once, change) == once


@given(OBJECTS, OBJECTS)
def test_a_patch_leaves_the_object_it_is_given_as_it_was(obj: Any, change: Any) -> None:
    before = copy.deepcopy(obj)
    patched(obj, change)
    assert obj == before


def test_null_removes_and_lists_are_replaced_by_a_merge_patch() -> None:
    obj = {"a": {"b": 1, "c": 2}, "l": [1, 2]}
    assert patched(obj, {"a": {"b": None, "none": None}, "l": [3]}) == {"a": {"c": 2}, "l": [3]}


def test_null_below_a_new_object_is_not_kept() -> None:
    assert patched({}, {"a": {"b": None, "c": 1}}) == {"a": {"c": 1}}


def test_a_json_patch_that_fails_half_way_changes_nothing() -> None:
    obj = {"a": 1}
    change = [{"op": "replace", "path": "/a", "value": 2}, {"op": "remove", "path": "/none"}]
    with pytest.raises(StatusError) as caught:
        patched(obj, change, JSON)
    assert caught.value.code == 422
    assert obj == {"a": 1}


def test_a_strategic_patch_joins_lists_by_their_key() -> None:
    obj = {"conditions": [{"type": "Ready", "status": "False", "reason": "x"}, {"type": "B"}, {"type": "C"}]}
    change = {
        "conditions": [
            {"type": "Ready", "status": "True"},
            {"type": "C", "$patch": "delete"},
            {"type": "New"},
        ]
    }
    assert patched(obj, change, STRATEGIC) == {
        "conditions": [{"type": "Ready", "status": "True", "reason": "x"}, {"type": "B"}, {"type": "New"}]
    }


@pytest.mark.parametrize(
    ("body", "sort", "code"),
    [
        (b"{", MERGE, 400),
        (b"[]", MERGE, 400),
        (b"{}", "text/plain", 415),
        (b"{}", JSON, 400),
        (b"1", JSON, 400),
    ],
)
def test_patches_that_are_none_are_refused(body: bytes, sort: str, code: int) -> None:
    with pytest.raises(StatusError) as caught:
        apply_patch({}, body, sort, PODS)
    assert caught.value.code == code


def test_a_custom_resource_has_no_strategic_merge() -> None:
    with pytest.raises(StatusError) as caught:
        apply_patch({}, b"{}", STRATEGIC, VMS)
    assert caught.value.code == 415

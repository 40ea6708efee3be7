"""Laws of the sets of fields that server-side apply lives by."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.sandbox.api.objects.resources import BY_PATH
from pytest_odfperf.sandbox.api.shapes.fieldsets import (
    changed,
    fields_of,
    is_field_set,
    merged,
    minus,
    owns,
    union,
    value_at,
    whole_fields,
    without,
)
from pytest_odfperf.sandbox.api.shapes.schema import ANY, shape_of

POD = shape_of(BY_PATH["", "v1", "pods"])
names = st.sampled_from("abcd")
leaves = st.one_of(
    st.booleans(), st.integers(0, 3), st.text("xy", max_size=2), st.lists(st.integers(0, 2), max_size=2)
)
trees = st.recursive(
    leaves, lambda below: st.dictionaries(names, below, min_size=1, max_size=3), max_leaves=8
)
objects = st.dictionaries(names, trees, max_size=4)
containers = st.dictionaries(
    names, st.dictionaries(st.sampled_from(["image", "tty", "stdin"]), leaves, max_size=2)
)


def pod(by_name: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": name, **more} for name, more in by_name.items()]}}


@given(objects)
def test_all_fields_less_all_fields_are_none(obj: dict[str, Any]) -> None:
    fields = fields_of(ANY, obj)
    assert is_field_set(fields)
    assert minus(fields, fields) == {}
    assert union(fields, fields) == fields
    assert without(ANY, obj, fields, []) == {}
    assert without(ANY, obj, fields, [fields]) == obj


@given(objects, objects)
def test_a_change_is_seen_exactly_when_there_is_one(before: dict[str, Any], after: dict[str, Any]) -> None:
    new, gone = changed(ANY, before, after)
    assert (not new and not gone) == (before == after)
    every = fields_of(ANY, after)
    assert all(owns(every, path) for path in whole_fields(new))


@given(objects, objects)
def test_what_is_merged_is_there_and_the_rest_stays(live: dict[str, Any], wanted: dict[str, Any]) -> None:
    result = merged(ANY, live, wanted)
    for path in whole_fields(fields_of(ANY, wanted)):
        assert value_at(ANY, result, path) == value_at(ANY, wanted, path)
    assert merged(ANY, result, wanted) == result
    untouched = minus(fields_of(ANY, live), fields_of(ANY, wanted))
    for path in whole_fields(untouched):
        if not any(path[: len(other)] == other for other in whole_fields(fields_of(ANY, wanted))):
            assert value_at(ANY, result, path) == value_at(ANY, live, path)


@given(containers, containers)
def test_entries_of_a_list_with_keys_are_merged_by_them(one: dict[str, Any], other: dict[str, Any]) -> None:
    result = merged(POD, pod(one), pod(other))["spec"]["containers"]
    assert {entry["name"] for entry in result} == one.keys() | other.keys()
    assert [entry["name"] for entry in result][: len(one)] == list(one)
    mine = fields_of(POD, pod(other))
    left = without(POD, {"spec": {"containers": result}}, mine, [fields_of(POD, pod(one))])
    kept = left.get("spec", {}).get("containers", [])
    assert {entry["name"] for entry in kept} == set(one)

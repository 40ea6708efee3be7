"""The quick way from plain JSON to dataclasses and the careful one say the same, whatever is wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf import plain
from pytest_odfperf.measure.record import Record

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.just([]), st.just({}),
    st.sampled_from([2**63, -(2**63), 2**63 - 1, 10**400, float("nan"), float("inf"), "passed", "valid"]),
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for step, one in items for place in places(one, (*path, step)))][bool(not path) :]


def changed(value: Any, path: tuple[Any, ...], to: Any) -> Any:
    if not path:
        return to
    if isinstance(value, dict):
        return {name: changed(one, path[1:], to) if name == path[0] else one for name, one in value.items()}
    return [changed(one, path[1:], to) if number == path[0] else one for number, one in enumerate(value)]


def without(value: Any, path: tuple[Any, ...]) -> Any:
    """``value`` without what is at ``path``."""
    step, *rest = path
    if isinstance(value, dict):
        return {
            name: without(one, tuple(rest)) if name == step else one
            for name, one in value.items()
            if rest or name != step
        }
    return [without(one, tuple(rest)) if number == step else one for number, one in enumerate(value)]


def said(decode: Callable[[], Any]) -> Any:
    try:
        return decode()
    except ValueError as error:
        return str(error)


@given(data=st.data())
def test_both_ways_say_the_same(make_record: Callable[..., Record], data: st.DataObject) -> None:
    record = make_record(notes=("a",), verdict="valid")
    content = {name: one for name, one in record.to_json().items() if name not in ("schema", "key")}
    path = data.draw(st.sampled_from(places(content)))
    wrong = changed(content, path, data.draw(VALUES))
    quick = said(lambda: plain.from_plain(Record, wrong, "record", defaults=True, key=record.key))
    careful = said(lambda: plain._decode_object(Record, wrong, (None, "record"), True, key=record.key))
    assert repr(quick) == repr(careful)


@given(data=st.data())
def test_both_ways_say_the_same_of_what_is_missing(
    make_record: Callable[..., Record], data: st.DataObject
) -> None:
    record = make_record(notes=("a",), verdict="valid")
    content = {name: one for name, one in record.to_json().items() if name not in ("schema", "key")}
    gone = data.draw(st.sampled_from([path for path in places(content) if isinstance(path[-1], str)]))
    kept = without(content, gone)
    for defaults in (True, False):
        quick = said(lambda: plain.from_plain(Record, kept, "record", defaults=defaults, key=record.key))  # noqa: B023
        careful = said(
            lambda: plain._decode_object(Record, kept, (None, "record"), defaults, key=record.key)  # noqa: B023
        )
        assert repr(quick) == repr(careful)


def test_the_quick_way_is_taken(make_record: Callable[..., Record], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "_decode_object", None)
    record = make_record()
    content = record.to_json()
    assert Record.from_json(content) == record
    # Also of a record that an earlier version wrote.
    del content["notes"], content["jobs"][0]["load"]
    assert Record.from_json(content) is not None


def test_what_is_made_is_what_its_own_init_makes(make_record: Callable[..., Record]) -> None:
    record = make_record()
    again = Record.from_json(record.to_json())
    pairs: list[tuple[Any, Any]] = [
        (again, record),
        (again.read, record.read),
        (again.guests[0], record.guests[0]),
    ]
    for made, own in pairs:
        assert type(made) is type(own)
        assert (made, hash(made), repr(made)) == (own, hash(own), repr(own))
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(made, dataclasses.fields(own)[0].name, 1)

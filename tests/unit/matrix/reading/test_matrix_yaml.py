# ruff: noqa: E501 - tables are read line by line
"""YAML that would hurt is refused with its line; what is left remembers where it was written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.reading.yaml_marks import MOST_VALUES, read_yaml


def refused(text: str) -> str:
    with pytest.raises(InputError) as error:
        read_yaml(text, "x.yaml")
    assert "\n" not in str(error.value)
    return str(error.value)


def test_every_value_knows_its_line() -> None:
    document = read_yaml("a: 1\nb:\n  c: [x,\n    y]\n", "x.yaml")
    assert document.value["a"].place == "x.yaml:1"
    assert document.key_place("b") == "x.yaml:2"
    assert document.value["b"].value["c"].value[1].place == "x.yaml:4"
    assert document.plain() == {"a": 1, "b": {"c": ["x", "y"]}}


def test_names_and_dates_stay_texts() -> None:
    document = read_yaml("1: 2026-01-02\n'2': 0x10\n", "x.yaml")
    assert document.plain() == {"1": "2026-01-02", "2": 16}
    assert document.value["2"].text == "0x10"


def test_an_alias_is_its_anchor_again() -> None:
    assert read_yaml("a: &x [1]\nb: *x\n", "x.yaml").plain() == {"a": [1], "b": [1]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "x.yaml: the file is empty"),
        ("# only words\n", "x.yaml: the file is empty"),
        ("a: 1\na: 2\n", "x.yaml:2: 'a' is there twice, first on line 1"),
        ("1: 1\n'1': 2\n", "x.yaml:2: '1' is there twice, first on line 1"),
        ("a: [1\nb: 2\n", "x.yaml:2: expected ',' or ']'"),
        ("a: 1\n\tb: 2\n", "x.yaml:2: found character"),
        ("a: !!python/object/apply:os.system [id]\n", "x.yaml:1: the tag tag:yaml.org,2002:python/object"),
        ("a: !!binary aGk=\n", "x.yaml:1: the tag"),
        ("a: !!set {x}\n", "x.yaml:1: the tag"),
        ("? [a]\n: 1\n", "x.yaml:1: a name is expected"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "x.yaml:3: merge keys (<<) are not supported; a matrix can use extends"),
        ("---\na: 1\n---\nb: 2\n", "x.yaml:3: but found another document"),
        ("a: *nowhere\n", "x.yaml:1: found undefined alias"),
        ("a: \x00\n", "x.yaml: unacceptable character"),
        ('a: "\\ud800"\n', "x.yaml:1: a surrogate is not a character"),
        ('"\\udfff": 1\n', "x.yaml:1: a surrogate is not a character"),
        ("a: .nan\n", "x.yaml:1: '.nan' is no usable number"),
        ("a: -.inf\n", "x.yaml:1: '-.inf' is no usable number"),
        ("a: !!int x\n", "x.yaml:1: 'x' is not a number"),
        (f"a: {'9' * 5000}\n", "x.yaml:1: '9999"),
        ("a: &a [*a]\n", "x.yaml:1: values are nested more than 32 deep"),
        ("[" * 20_000, "x.yaml:1: values are nested more than 32 deep"),
        ("- " * 20_000, "x.yaml:1: values are nested more than 32 deep"),
        ("[" + "1," * 50_000 + "1]", "x.yaml:1: more than 20000 values"),
    ],
)  # fmt: skip
def test_what_is_no_plain_document_is_refused(text: str, expected: str) -> None:
    assert refused(text).startswith(expected)


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert f"more than {MOST_VALUES} values, aliases counted" in refused("\n".join(lines))


@settings(deadline=None)
@given(
    st.text(st.characters(codec="utf-8"), max_size=60) | st.text("[]{}:,-&*!|>'\"%@# \n\tab1<", max_size=60)
)
def test_any_text_is_a_document_or_an_input_error(text: str) -> None:
    try:
        problem = ""
        read_yaml(text, "x.yaml").plain()
    except InputError as error:
        problem = str(error)
    assert "\n" not in problem

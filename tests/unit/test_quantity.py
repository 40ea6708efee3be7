# ruff: noqa: E501 - tables are read line by line
"""Kubernetes quantities are read exactly, or refused."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odfperf.errors import InputError
from pytest_odfperf.quantity import (
    LARGEST,
    format_bytes,
    format_millicores,
    parse_quantity,
    to_bytes,
    to_millicores,
)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", "0"),
        ("1", "1"),
        ("1.", "1"),
        (".5", "0.5"),
        ("1.5", "1.5"),
        ("+1", "1"),
        ("-1", "-1"),
        ("1n", "0.000000001"),
        ("1u", "0.000001"),
        ("500m", "0.5"),
        ("1k", "1000"),
        ("1M", "1000000"),
        ("1G", "1e9"),
        ("1T", "1e12"),
        ("1P", "1e15"),
        ("1E", "1e18"),
        ("1e3", "1000"),
        ("1E3", "1000"),
        ("1E+3", "1000"),
        ("5e-1", "0.5"),
        ("1Ki", "1024"),
        ("1.5Gi", str(3 << 29)),
        ("1Mi", str(1 << 20)),
        ("1Ti", str(1 << 40)),
        ("1Pi", str(1 << 50)),
        ("1Ei", str(1 << 60)),
        ("0.1Ki", "102.4"),
    ],
)
def test_every_form_of_the_grammar_is_exact(text: str, number: str) -> None:
    assert parse_quantity(text) == Decimal(number)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "Gi", ".", "1K", "1ki", "1KI", "1kI", "150GB", "150g", "1mi", " 1Gi", "1Gi ", "1 Gi",
        "1_000", "1,5", "Inf", "NaN", "1e", "1e+", "1e3Ki", "--1", "1.2.3", "0x10", "١Gi", "1Gi\n", "1\x00", "1e1000",
        "9" * 65, "9223372036854775808", "8Ei", "-9Ei", "1e99",
    ],
)  # fmt: skip
def test_what_the_api_server_refuses_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_quantity(text)


def test_the_largest_quantity_is_the_largest_int64() -> None:
    assert to_bytes(str(LARGEST)) == 2**63 - 1
    assert to_bytes("7Ei") == 7 << 60


def test_a_long_quantity_is_shown_shortened() -> None:
    with pytest.raises(InputError) as refused:
        parse_quantity("x" * 100_000)
    assert len(str(refused.value)) < 200


def test_fractions_of_a_byte_and_of_a_millicore_are_rounded_up() -> None:
    assert to_bytes("0.1Ki") == 103
    assert to_bytes("1n") == 1
    assert to_millicores("0.1m") == 1
    assert to_millicores("95500m") == 95_500
    assert to_millicores("1.0000000000000000000000000000000000000000000000001") == 1001


@settings(deadline=None)
@given(st.integers(0, LARGEST))
def test_formatted_bytes_are_read_back(size_bytes: int) -> None:
    assert to_bytes(format_bytes(size_bytes)) == size_bytes


@settings(deadline=None)
@given(st.integers(0, 10**9))
def test_formatted_millicores_are_read_back(millicores: int) -> None:
    assert to_millicores(format_millicores(millicores)) == millicores


_SUFFIXES = {
    "n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "": Fraction(1),
    "k": Fraction(10**3), "M": Fraction(10**6), "G": Fraction(10**9), "Ki": Fraction(1 << 10),
    "Mi": Fraction(1 << 20), "Gi": Fraction(1 << 30), "Ti": Fraction(1 << 40),
}  # fmt: skip


@settings(deadline=None)
@given(
    st.sampled_from(["", "+", "-"]),
    st.integers(0, 10**6),
    st.text("0123456789", max_size=20),
    st.sampled_from(sorted(_SUFFIXES)),
)
def test_a_quantity_is_its_digits_times_its_suffix(sign: str, whole: int, digits: str, suffix: str) -> None:
    number = parse_quantity(f"{sign}{whole}.{digits}{suffix}")
    expected = Fraction(f"{whole}.{digits or 0}") * _SUFFIXES[suffix] * (-1 if sign == "-" else 1)
    assert Fraction(number) == expected


@settings(deadline=None)
@given(st.text(max_size=12))
def test_any_text_is_a_number_or_an_input_error(text: str) -> None:
    try:
        number = parse_quantity(text)
    except InputError:
        return
    assert number.is_finite()
    assert abs(number) <= LARGEST

"""The forms of names in Kubernetes (RFC 1123, RFC 6335, qualified names), in the words of its API server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pytest_odfperf.sandbox.api.rules.field_rules import Check, Problem, invalid, matches

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_ENDS = "and must start and end with an alphanumeric character"

LABEL_WORDS = (
    f"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', {_ENDS} (e.g. "
    f"'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
)
SUBDOMAIN_WORDS = (
    f"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', {_ENDS} "
    f"(e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
_NAME_WORDS = (
    f"name part must consist of alphanumeric characters, '-', '_' or '.', {_ENDS} (e.g. 'MyName',  or "
    f"'my.name',  or '123-abc', regex used for validation is '{_QUALIFIED}')"
)
_VALUE_WORDS = (
    f"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', {_ENDS} "
    f"(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '({_QUALIFIED})?')"
)

dns_label: Check = matches(_LABEL, LABEL_WORDS, 63)
dns_subdomain: Check = matches(_SUBDOMAIN, SUBDOMAIN_WORDS, 253)
label_value: Check = matches(f"({_QUALIFIED})?", _VALUE_WORDS, 63)
#: What may be part of a URL path.
path_segment: Check = lambda name: (  # noqa: E731 - a check like those above
    [invalid(name, f"may not be '{name}'")]
    if name in (".", "..")
    else [invalid(name, f"may not contain '{mark}'") for mark in "/%" if mark in name]
)


def qualified_name(name: Any) -> Iterator[Problem]:
    """``prefix/name`` or ``name``, as label keys are."""
    prefix, slash, last = name.rpartition("/")
    if "/" in prefix:
        yield invalid(
            name,
            f"a qualified name must consist of alphanumeric characters, '-', '_' or '.', {_ENDS} (e.g. "
            "'MyName',  or 'my.name',  or '123-abc') with an optional DNS subdomain prefix and '/' (e.g. "
            "'example.com/MyName')",
        )
        return
    if slash and not prefix:
        yield invalid(name, "prefix part must be non-empty")
    elif slash and (len(prefix) > 253 or not re.fullmatch(_SUBDOMAIN, prefix, re.ASCII)):
        yield invalid(name, f"prefix part {SUBDOMAIN_WORDS}")
    if not last:
        yield invalid(name, "name part must be non-empty")
    elif len(last) > 63:
        yield invalid(name, "name part must be no more than 63 bytes")
    if not re.fullmatch(_QUALIFIED, last, re.ASCII):
        yield invalid(name, _NAME_WORDS)


def port_name(name: Any) -> Iterator[Problem]:
    """A service name of RFC 6335."""
    if len(name) > 15:
        yield invalid(name, "must be no more than 15 characters")
    if not re.fullmatch("[-a-z0-9]+", name, re.ASCII):
        yield invalid(name, "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    elif not re.search("[a-z]", name):
        yield invalid(name, "must contain at least one letter (a-z)")
    if "--" in name:
        yield invalid(name, "must not contain consecutive hyphens")
    if name[:1] == "-" or name[-1:] == "-":
        yield invalid(name, "must not begin or end with a hyphen")


def finalizer(name: Any) -> Iterator[Problem]:
    """A finalizer of Kubernetes itself, or a qualified name."""
    yield from qualified_name(name)
    if "/" not in name and name not in ("kubernetes", "foregroundDeletion", "orphan"):
        yield invalid(name, "name is neither a standard finalizer name nor is it fully qualified")


def label_map(value: Any) -> Iterator[Problem]:
    """Keys and values of labels."""
    for key, text in value.items():
        yield from qualified_name(key)
        yield from label_value(text)


def is_label(name: str) -> bool:
    return len(name) <= 63 and re.fullmatch(_LABEL, name, re.ASCII) is not None


def is_subdomain(name: str) -> bool:
    return len(name) <= 253 and re.fullmatch(_SUBDOMAIN, name, re.ASCII) is not None

"""What the metadata of any object may hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pytest_odfperf.sandbox.api.rules.field_rules import (
    Problem,
    Rule,
    between,
    invalid,
    missing,
    shown,
)
from pytest_odfperf.sandbox.api.rules.name_forms import (
    dns_subdomain,
    finalizer,
    label_map,
    qualified_name,
)

_LARGEST_ANNOTATIONS_BYTES = 256 << 10


def _annotations(value: Any) -> Iterator[Problem]:
    for key in value:
        # The server looks at keys of annotations in lower case.
        for problem in qualified_name(key.lower()):
            yield replace(problem, words=problem.words.replace(shown(key.lower()), shown(key)))
    if (
        sum(len(key.encode()) + len(text.encode()) for key, text in value.items())
        > _LARGEST_ANNOTATIONS_BYTES
    ):
        words = f"Too long: may not be more than {_LARGEST_ANNOTATIONS_BYTES} bytes"
        yield Problem("FieldValueTooLong", words)


def _owner(owner: Any) -> Iterator[Problem]:
    version = owner.get("apiVersion") or ""
    if not version or version.count("/") > 1:
        yield invalid(version, "version must not be empty", "apiVersion")
    for field in ("kind", "name", "uid"):
        if not owner.get(field):
            yield invalid("", "must not be empty", field)
    if (version, owner.get("kind")) == ("v1", "Event"):
        yield invalid(owner, "/v1, Kind=Event is disallowed from being an owner")


def _owners(owners: Any) -> Iterator[Problem]:
    for owner in owners:
        yield from _owner(owner)
    if sum(bool(owner.get("controller")) for owner in owners) > 1:
        problem = "Only one reference can have Controller set to true"
        yield invalid(owners, f"{problem}. Found true in more than one reference")


def _finalizers(names: Any) -> Iterator[Problem]:
    for number, name in enumerate(names):
        for problem in finalizer(name):
            standard = "neither a standard" in problem.words
            yield replace(problem, below=f"[{number}]" if standard else "")
    if {"orphan", "foregroundDeletion"} <= set(names):
        yield invalid(names, "finalizer orphan and foregroundDeletion cannot be both set")


def name_present(meta: Any) -> Iterator[Problem]:
    if not meta.get("name"):
        yield missing("name", "name or generateName is required")


METADATA: tuple[Rule, ...] = (
    ("generateName", lambda name: dns_subdomain(name.rstrip("-."))),
    ("generation", between(0, None, "must be greater than or equal to 0")),
    ("labels", label_map),
    ("annotations", _annotations),
    ("ownerReferences", _owners),
    ("finalizers", _finalizers),
)
#: Of custom resources: their finalizers need no prefix.
CUSTOM_METADATA: tuple[Rule, ...] = (*METADATA[:-1], ("finalizers[*]", qualified_name))

"""Tables: what the server answers to kubectl, which prints the rows as they come."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pytest_odfperf.sandbox.api.formats.columns import columns_of
from pytest_odfperf.sandbox.api.objects.resources import Resource

Obj = dict[str, Any]

_META = "meta.k8s.io/v1"


def table(
    resource: Resource, objects: Iterable[Obj], meta: Obj, include: str = "Metadata", *, headers: bool = True
) -> Obj:
    """The Table of ``objects``; ``include`` is the query parameter includeObject."""
    columns = columns_of(resource.kind)
    now = datetime.now(UTC)
    rows = []
    for obj in objects:
        row: Obj = {"cells": [column.cell(obj, now) for column in columns]}
        if include == "Object":
            row["object"] = obj
        elif include != "None":
            row["object"] = {
                "kind": "PartialObjectMetadata",
                "apiVersion": _META,
                "metadata": obj["metadata"],
            }
        rows.append(row)
    shown = [column.definition() for column in columns] if headers else []
    return {"kind": "Table", "apiVersion": _META, "metadata": meta, "columnDefinitions": shown, "rows": rows}


def answer_table(resource: Resource, read: Obj, include: str) -> Obj:
    """The Table of what a get or a list read."""
    if "items" in read:
        return table(resource, read["items"], read["metadata"], include)
    return table(resource, [read], {"resourceVersion": read["metadata"]["resourceVersion"]}, include)

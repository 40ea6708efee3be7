"""Which manager set which field: metadata.managedFields, and server-side apply, which lives by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_odfperf.sandbox.api.objects.object_store import Obj, timestamp
from pytest_odfperf.sandbox.api.objects.resources import Resource
from pytest_odfperf.sandbox.api.objects.status import StatusError, cause, refused
from pytest_odfperf.sandbox.api.shapes.fieldsets import (
    FieldSet,
    changed,
    dotted,
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
from pytest_odfperf.sandbox.api.shapes.schema import Shape, shape_of

APPLY = "Apply"
UPDATE = "Update"
#: Owner of what was there before the first apply, if nobody is known to have set it.
_BEFORE = "before-first-apply"
_KUBECTL = "kubectl"
#: What kubectl calls itself when it applies by itself, and where it keeps what it applied last.
_CLIENT_SIDE = "kubectl-client-side-apply"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
#: Metadata that nobody owns.
_SERVERS_OWN = frozenset(
    {
        "name",
        "generateName",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
        "managedFields",
    }
)


@dataclass(frozen=True, slots=True)
class Manager:
    name: str
    operation: str = UPDATE
    subresource: str = ""

    def made(self, entry: Obj) -> bool:
        """Whether ``entry`` of managedFields is this manager's."""
        return (entry.get("manager"), entry.get("operation"), entry.get("subresource", "")) == (
            self.name,
            self.operation,
            self.subresource,
        )


def _content(obj: Obj) -> Obj:
    """What can be owned."""
    meta = {name: value for name, value in obj["metadata"].items() if name not in _SERVERS_OWN}
    content = {name: value for name, value in obj.items() if name not in ("apiVersion", "kind", "metadata")}
    return {**content, "metadata": meta} if meta else content


def _entry(resource: Resource, manager: Manager, fields: FieldSet) -> Obj:
    entry = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": resource.api_version,
        "time": timestamp(),
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    return {**entry, "subresource": manager.subresource} if manager.subresource else entry


def track_new(resource: Resource, obj: Obj, manager: Manager) -> None:
    """Write down in ``obj`` that ``manager`` made all of it."""
    fields = fields_of(shape_of(resource), _content(obj))
    obj["metadata"]["managedFields"] = [_entry(resource, manager, fields)] if fields else []
    if not fields:
        del obj["metadata"]["managedFields"]


def track_change(resource: Resource, before: Obj, after: Obj, manager: Manager) -> None:
    """Write down in ``after``, whose metadata is the caller's own, what ``manager`` changed."""
    given = after["metadata"].get("managedFields")
    there = before["metadata"].get("managedFields") or []
    if given is not None and all(not entry for entry in given):
        # Asked for by clients that want to begin anew.
        after["metadata"].pop("managedFields", None)
        return
    if given is not None and given is not there and not all(_is_entry(entry) for entry in given):
        problem = "Invalid value: an entry needs manager, operation and FieldsV1"
        found = [cause("FieldValueInvalid", "metadata.managedFields", problem)]
        raise refused(resource, before["metadata"]["name"], found)
    shape = shape_of(resource)
    new, gone = changed(shape, _content(before), _content(after))
    entries = _owned(resource, given or there, manager, new, gone) if new or gone else given or there
    after["metadata"].pop("managedFields", None)
    if entries:
        after["metadata"]["managedFields"] = entries


def _is_entry(entry: Obj) -> bool:
    known = entry.get("operation") in (APPLY, UPDATE) and entry.get("manager") and entry.get("apiVersion")
    return bool(known) and is_field_set(entry.get("fieldsV1"))


def _owned(
    resource: Resource, entries: Sequence[Obj], manager: Manager, new: FieldSet, gone: FieldSet
) -> list[Obj]:
    found = []
    mine: Obj | None = None
    lost = union(new, gone)
    for entry in entries:
        if manager.made(entry):
            mine = entry
            continue
        rest = minus(entry["fieldsV1"], lost)
        if rest:
            found.append({**entry, "fieldsV1": rest})
    fields = union(minus(mine["fieldsV1"] if mine else {}, gone), new)
    if fields and mine is not None and fields == mine["fieldsV1"]:
        found.append(mine)
    elif fields:
        found.append(_entry(resource, manager, fields))
    return found


def apply(resource: Resource, live: Obj, wanted: Obj, manager: Manager, *, force: bool) -> Obj:
    """``live`` with ``wanted`` applied: a new object. Raises a 409 `StatusError` with all conflicts."""
    shape = shape_of(resource)
    content, mine_now = _content(live), _content(wanted)
    fields = fields_of(shape, mine_now)
    entries = list(live["metadata"].get("managedFields") or [])
    if manager.name == _KUBECTL:
        entries = _migrated(entries, content, manager)
    if not entries:
        entries = [_entry(resource, Manager(_BEFORE), fields_of(shape, content))]
    others = [entry for entry in entries if not manager.made(entry)]
    last = next((entry for entry in entries if manager.made(entry)), None)
    disputed = _disputed(shape, content, mine_now, fields, others)
    if disputed and not force:
        raise _conflict(disputed)
    for path, holders in disputed:
        taken = _as_set(path)
        others = [{**e, "fieldsV1": minus(e["fieldsV1"], taken)} if e in holders else e for e in others]
    others = [entry for entry in others if entry["fieldsV1"]]
    result = merged(shape, content, mine_now)
    if last is not None:
        kept = [fields, *(entry["fieldsV1"] for entry in others)]
        result = without(shape, result, last["fieldsV1"], kept)
    meta = {name: value for name, value in live["metadata"].items() if name in _SERVERS_OWN}
    fresh = {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        **result,
        "metadata": {**meta, **result.get("metadata", {})},
    }
    own = last if last is not None and last["fieldsV1"] == fields else _entry(resource, manager, fields)
    fresh["metadata"]["managedFields"] = [*others, own] if fields else others
    return fresh


def _migrated(entries: Sequence[Obj], content: Obj, manager: Manager) -> list[Obj]:
    """Entries of which what ``kubectl apply`` set is kubectl's own server-side apply's too.

    Else the first ``kubectl apply --server-side`` would be in conflict with the applies before it. The client
    that wrote the annotation of its last apply may have called itself ``kubectl`` or as it does today.
    """
    if _LAST_APPLIED not in ((content.get("metadata") or {}).get("annotations") or {}):
        return list(entries)
    found: list[Obj] = []
    moved: FieldSet = {}
    for entry in entries:
        by_client = entry.get("manager") in (_CLIENT_SIDE, _KUBECTL) and entry.get("operation") == UPDATE
        if by_client and not entry.get("subresource"):
            moved = union(moved, entry["fieldsV1"])
        else:
            found.append(entry)
    if not moved:
        return list(entries)
    own = next((entry for entry in found if manager.made(entry)), None)
    if own is None:
        entry = {"manager": manager.name, "operation": APPLY, "apiVersion": entries[0]["apiVersion"]}
        entry |= {"time": timestamp(), "fieldsType": "FieldsV1", "fieldsV1": moved}
        return [*found, entry]
    merged_entry = {**own, "fieldsV1": union(own["fieldsV1"], moved)}
    return [merged_entry if entry is own else entry for entry in found]


Disputed = list[tuple[tuple[str, ...], list[Obj]]]


def _disputed(shape: Shape, live: Obj, wanted: Obj, fields: FieldSet, others: Sequence[Obj]) -> Disputed:
    """The fields that ``wanted`` would change and others own, with their owners."""
    found: Disputed = []
    for path in whole_fields(fields):
        holders = [entry for entry in others if owns(entry["fieldsV1"], path)]
        if holders and value_at(shape, live, path) != value_at(shape, wanted, path):
            found.append((path, holders))
    return found


def _as_set(path: Sequence[str]) -> FieldSet:
    found: FieldSet = {}
    for element in reversed(path):
        found = {element: found}
    return found


def _conflict(disputed: Disputed) -> StatusError:
    causes = []
    by_owner: dict[str, list[str]] = {}
    for path, holders in disputed:
        for entry in holders:
            owner = _named(entry)
            by_owner.setdefault(owner, []).append(dotted(path))
            causes.append(cause("FieldManagerConflict", dotted(path), f"conflict with {owner}"))
    if len(causes) == 1:
        told = f"1 conflict: {causes[0]['message']}: {causes[0]['field']}"
    else:
        lines = [
            line
            for owner, paths in by_owner.items()
            for line in (f"conflicts with {owner}:", *(f"- {p}" for p in paths))
        ]
        told = f"{len(causes)} conflicts: " + "\n".join(lines)
    return StatusError(409, "Conflict", f"Apply failed with {told}", causes=causes)


def _named(entry: Obj) -> str:
    name = f'"{entry["manager"]}"'
    if entry.get("subresource"):
        name += f' with subresource "{entry["subresource"]}"'
    return f"{name} using {entry['apiVersion']}" if entry["operation"] == UPDATE else name

"""Whether two runs may be compared: what must be equal, and what is not.

What may differ is what a comparison is made for: the storage behind a StorageClass. A sandbox's own settings
are such storage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.definition import definition_facts
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.measure.record import Record

_SHOWN = 160
#: Differences that a line has.
_TOLD = 3
_ABSENT = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDescription:
    """What of a run decides whether its figures mean the same as another's."""

    #: By name: the method, the marking, how pools ran beside each other.
    of_run: Mapping[str, str]
    #: Of what was found in its cluster; one that is not known is not there.
    versions: Mapping[str, str]
    #: By key, as plain JSON: the job, the VMs, the disks, the StorageClass.
    of_keys: Mapping[Key, Mapping[str, Any]]


def describe(content: Mapping[str, Any], matrix: Matrix) -> RunDescription:
    """The description of a run from its run.json and the matrix in it. Raises `ValueError`."""
    found = _mapping(content, "found")
    classes, modes = _mapping(found, "storage_classes"), _mapping(found, "volume_modes")
    sizes = _mapping(found, "instancetypes")
    try:
        keys = [Key.parse(text) for text in _mapping(content, "definitions")]
    except InputError as error:
        raise ValueError(str(error)) from error
    known = {pool.name for pool in matrix.pools}
    of_keys: dict[Key, Mapping[str, Any]] = {}
    for key in keys:
        if key.pool not in known:
            raise ValueError(f"key {key} is of no pool of its matrix")
        storage = classes.get(matrix.pool(key.pool).storage_class)
        storage = storage if isinstance(storage, Mapping) else {}
        facts = {
            "provisioner": storage.get("provisioner"),
            "parameters": storage.get("parameters"),
            "volume_mode": modes.get(key.pool),
        }
        try:
            whole = definition_facts(key, matrix, facts, sizes.get(key.size))
        except StopIteration:
            raise ValueError(f"key {key} is not of its matrix") from None
        of_keys[key] = {name: value for name, value in whole.items() if name not in ("method", "sandbox")}
    return RunDescription(
        of_run=facts_of_run(content),
        versions={str(name): str(value) for name, value in _mapping(found, "versions").items()},
        of_keys=of_keys,
    )


def facts_of_run(content: Mapping[str, Any]) -> dict[str, str]:
    """What all figures of a run have in common: `RunDescription.of_run`. Raises `ValueError`."""
    options = _mapping(content, "options")
    several = len({key.partition(":")[0] for key in _mapping(content, "definitions")}) > 1
    beside = options.get("parallel") is not None and several
    return {
        "method": str(content.get("method", "of an earlier version")),
        "marking": str(content.get("marking") or "real storage"),
        "pools": "several at once" if beside else "one after the other",
        # Of pools that run at one time.
        "isolation": str(options.get("isolation") or "none") if beside else "none",
    }


def _mapping(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = of.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} is not an object")
    return value


def differences(ours: RunDescription, theirs: RunDescription) -> list[str]:
    """What makes two runs unlike, a line each; none if they may be compared."""
    found = [
        f"{name}: {ours.of_run[name]}, not {theirs.of_run[name]}"
        for name in ours.of_run
        if ours.of_run[name] != theirs.of_run.get(name)
    ]
    found += [
        f"{name} version: {ours.versions[name]}, not {theirs.versions[name]}"
        for name in ours.versions
        if name in theirs.versions and ours.versions[name] != theirs.versions[name]
    ]
    common = [key for key in ours.of_keys if key in theirs.of_keys]
    said: dict[str, list[Key]] = {}
    for key in common:
        for text in _unlike(ours.of_keys[key], theirs.of_keys[key], ""):
            said.setdefault(text, []).append(key)
    for text, keys in said.items():
        whose = f"{len(keys)} of {len(common)} keys, {keys[0]} first" if len(common) > 1 else str(keys[0])
        found.append(f"{text} ({whose})")
    return found


def difference_text(ours: RunDescription, theirs: RunDescription) -> str | None:
    """`differences` in one line, the first few of them; None if there are none."""
    found = differences(ours, theirs)
    more = f"; and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
    return "; ".join(found[:_TOLD]) + more if found else None


def unlike_values(ours: Any, theirs: Any, path: str) -> list[str]:
    """What differs between two values in plain JSON types, a line each, under its path."""
    return _unlike(ours, theirs, path)


def _unlike(ours: Any, theirs: Any, path: str) -> list[str]:
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        names = dict.fromkeys([*ours, *theirs])
        return [
            text
            for name in names
            for text in _unlike(
                ours.get(name, _ABSENT), theirs.get(name, _ABSENT), f"{path}.{name}" if path else str(name)
            )
        ]
    if _plain(ours) == _plain(theirs):
        return []
    return [f"{path}: {_shown(ours, theirs)}, not {_shown(theirs, ours)}"]


def _plain(value: Any) -> Any:
    return list(map(_plain, value)) if isinstance(value, tuple | list) else value


def _shown(value: Any, other: Any) -> str:
    if value is _ABSENT or value is None:
        return "nothing"
    if isinstance(value, Sequence) and not isinstance(value, str) and isinstance(other, Sequence):
        # Of a template the lines that differ.
        value = [line for line in value if line not in other] or value
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def software_difference(ours: Sequence[str], theirs: Sequence[str]) -> str | None:
    """Whether the guests' fio and kernel differ; what is not known does not."""
    if not ours or not theirs or set(ours) == set(theirs):
        return None
    return f"guests: {', '.join(ours)}, not {', '.join(theirs)}"


def software_differences(ours: Iterable[Record], theirs: Iterable[Record]) -> dict[Key, str]:
    """By key, how the guests' software differs."""
    known = {record.key: record.software for record in ours if record.software}
    return {
        record.key: text
        for record in theirs
        if (text := software_difference(known.get(record.key, ()), record.software))
    }

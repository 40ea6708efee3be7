"""A matrix file over the one that it extends: marked values in, marked values out."""

from __future__ import annotations

from collections.abc import Callable

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.reading.fields import listed
from pytest_odfperf.matrix.reading.yaml_marks import Marked

#: Settings of which the extending file overrides single fields; of all else it replaces the whole.
_BY_FIELD = ("fio", "guest", "timeouts", "vm", "limits")


def extend(base: Marked, over: Marked) -> Marked:
    """``over`` with everything of ``base`` that it does not say itself.

    Pools and profiles can be named, to choose some of the base's, or given as mappings, whose missing
    fields come from the base's entry of that name. ``vm_sizes`` can be a list of the base's labels.
    Raises `InputError` for a pool or VM size that the base does not have.
    """
    merged = dict(base.value)
    lines = dict(base.key_lines)
    for name, value in over.value.items():
        if value.value is None:
            continue
        lines[name] = over.key_lines[name]
        merged[name] = _overridden(name, base.value.get(name), value)
    return Marked(merged, over.source, over.line, key_lines=lines)


def _overridden(name: str, base: Marked | None, over: Marked) -> Marked:
    if base is None:
        return over
    if name in _BY_FIELD and isinstance(over.value, dict):
        return Marked(
            {**base.value, **{key: item for key, item in over.value.items() if item.value is not None}},
            over.source,
            over.line,
            key_lines={**base.key_lines, **over.key_lines},
        )
    if name == "vm_sizes" and isinstance(over.value, list):
        return _chosen_sizes(base, over)
    if name == "pools" and isinstance(over.value, list):
        return _entries(base, over, _unknown_pool)
    if name == "profiles" and isinstance(over.value, list):
        return _entries(base, over, lambda entry, _: entry)
    return over


def _chosen_sizes(base: Marked, over: Marked) -> Marked:
    chosen: dict[str, Marked] = {}
    lines: dict[str, int] = {}
    for entry in over.value:
        label = entry.value
        if not isinstance(label, str) or label not in base.value:
            raise InputError(
                f"VM size {entry.text[:60]!r} is not declared (known: {listed(base.value)})",
                place=entry.place,
            )
        if label in chosen:
            raise InputError(f"VM size {label!r} is there twice", place=entry.place)
        chosen[label] = base.value[label]
        lines[label] = entry.line
    return Marked(chosen, over.source, over.line, key_lines=lines)


def _entries(base: Marked, over: Marked, unknown: Callable[[Marked, list[str]], Marked]) -> Marked:
    known = {_name(entry): entry for entry in base.value}
    entries = []
    for entry in over.value:
        found = known.get(_name(entry))
        if isinstance(entry.value, dict):
            entries.append(_filled(found, entry) if found and isinstance(found.value, dict) else entry)
        elif isinstance(entry.value, str):
            entries.append(_moved(found, entry) if found else unknown(entry, list(known)))
        else:
            entries.append(entry)
    return Marked(entries, over.source, over.line)


def _name(entry: Marked) -> str:
    named = entry.value.get("name") if isinstance(entry.value, dict) else entry
    return named.value if named is not None and isinstance(named.value, str) else ""


def _filled(base: Marked, over: Marked) -> Marked:
    return Marked(
        {**base.value, **over.value}, over.source, over.line, key_lines={**base.key_lines, **over.key_lines}
    )


def _moved(base: Marked, over: Marked) -> Marked:
    """The base's entry, with the place where it was chosen; what is inside it keeps its own."""
    if isinstance(base.value, str):
        return base
    return Marked(base.value, over.source, over.line, key_lines=base.key_lines)


def _unknown_pool(entry: Marked, known: list[str]) -> Marked:
    raise InputError(
        f"pool {entry.value[:100]!r} is not declared (known: {listed(known)})", place=entry.place
    )

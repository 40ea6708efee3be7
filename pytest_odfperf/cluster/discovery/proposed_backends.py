"""Which proposed pools get the same ``backend``. A matrix is believed, so only what is known is written.

Two names say that pools share no devices. Devices that overlap without being the same (a pool on all devices
beside pools on some) can not be told by names; then none is written, and a run finds out by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pytest_odfperf.cluster.discovery.proposed_names import field_name
from pytest_odfperf.cluster.discovery.proposed_pool import Setting
from pytest_odfperf.schedule.backends import ALL, Backend, relation


def proposed_backends(backends: Mapping[str, Backend], own: Mapping[str, str]) -> dict[str, Setting]:
    """By StorageClass, where it can be said. ``own``: those that share no devices with any, and why."""
    known = {name: one for name, one in backends.items() if one.known and name not in own}
    shares = {
        name: frozenset(other for other, two in known.items() if relation(one, two).sharing == "shared")
        for name, one in known.items()
    }
    unclear = {
        name: [
            other for other in known if other not in shares[name] and not _apart(known[name], known[other])
        ]
        for name in known
    }
    settings = {name: Setting(value=field_name(name), comment=why) for name, why in own.items()}
    taken = {str(one.value): frozenset({name}) for name, one in settings.items()}
    for name, group in sorted(shares.items()):
        whole = all(shares[other] == group for other in group)
        if not whole or any(unclear[other] for other in group):
            continue
        label = _label(known[min(group)])
        if taken.setdefault(label, group) != group:
            label = field_name("/".join(sorted(group)), taken)
            taken[label] = group
        settings[name] = Setting(value=label, comment=known[name].why)
    return settings


def _apart(one: Backend, other: Backend) -> bool:
    """Devices of another driver are others, as far as a proposal goes."""
    if one.family != other.family and not (one.annotation and other.annotation):
        return True
    return relation(one, other).sharing == "separate"


def _label(backend: Backend) -> str:
    if backend.annotation is not None:
        return field_name(backend.annotation)
    parts = [part.replace("default/", "", 1) for part in backend.parts]
    # Of an fsid the beginning tells clusters apart.
    system = re.sub(r"^([0-9a-f]{8})-[0-9a-f-]{27}$", r"\1", backend.system or "")
    words = [str(backend.family).lower(), system, *(part for part in parts if part != ALL)]
    return field_name("-".join(filter(None, words)))

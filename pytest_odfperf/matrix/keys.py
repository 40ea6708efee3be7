"""The key: one cell of the matrix, and its text form.

``pool:size:pvc:concurrency:profile:block_size``, for example ``rep3:small:150Gi:1:random-rw:4k``. It is
the test id, the checkpoint key, the row of every table. A VM group is its first four fields.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_odfperf.errors import InputError

#: The block size field of profiles that fix their block sizes themselves.
NATIVE = "native"

#: Safe in a key, a node id, a folder name and a Kubernetes label value alike. ``:`` splits keys, ``[``,
#: ``]``, ``@`` and ``::`` split node ids, ``/`` and a leading dot make paths.
_FIELD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", re.ASCII)

FIELDS = ("pool", "size", "pvc", "concurrency", "profile", "block_size")

#: The first part of the node ids of the tests that ship with the plugin, wherever it is installed.
SHIPPED_NODE = "odfperf"


def check_name(kind: str, name: str, *, place: str | None = None) -> str:
    """Return ``name`` if it can be a field of a key; `InputError` with the reason if not."""
    if _FIELD.fullmatch(name):
        return name
    shown = repr(name if len(name) <= 70 else f"{name[:67]}...")
    raise InputError(
        f"{kind} {shown} can not be part of a key: 1 to 63 of letters, digits, '.', '_' and '-', "
        "the first and last a letter or digit",
        place=place,
    )


@dataclass(frozen=True, slots=True, order=True)
class GroupKey:
    """What the VMs of a group have in common."""

    pool: str
    size: str
    pvc: str
    concurrency: int

    def __str__(self) -> str:
        return f"{self.pool}:{self.size}:{self.pvc}:{self.concurrency}"


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """One measurement: a group of VMs, a profile and a block size."""

    pool: str
    size: str
    pvc: str
    concurrency: int
    profile: str
    block_size: str

    @property
    def group(self) -> GroupKey:
        return GroupKey(self.pool, self.size, self.pvc, self.concurrency)

    @property
    def fields(self) -> tuple[str, str, str, str, str, str]:
        return (self.pool, self.size, self.pvc, str(self.concurrency), self.profile, self.block_size)

    def __str__(self) -> str:
        return ":".join(self.fields)

    @classmethod
    def parse(cls, text: str) -> Key:
        """The key that ``str`` made; `InputError` if ``text`` is none."""
        fields = text.split(":")
        if len(fields) != len(FIELDS):
            raise InputError(f"key {text!r} has {len(fields)} fields, not {len(FIELDS)} ({':'.join(FIELDS)})")
        for kind, field in zip(FIELDS, fields, strict=True):
            check_name(kind, field)
        if not re.fullmatch(r"[1-9][0-9]{0,4}", fields[3], re.ASCII):
            raise InputError(f"key {text!r}: concurrency {fields[3]!r} is not a number of VMs")
        return cls(fields[0], fields[1], fields[2], int(fields[3]), fields[4], fields[5])


def param_id(key: Key, repeat: int) -> str:
    """What stands for a key and its repeat in a node id."""
    return str(key) if repeat == 1 else f"{key}-r{repeat}"

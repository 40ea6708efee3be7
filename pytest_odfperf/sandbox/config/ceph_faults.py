"""What the administrator of a living sandbox can do to its Ceph: names, arguments, their checks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.sandbox.config.mapping_reader import Reader

#: Kind to what it is done to, and what it does.
FAULTS: Mapping[str, tuple[str, str]] = {
    "kill": ("daemon", "end a daemon at once (osd.0, mgr.a, mon.a)"),
    "hang": ("daemon", "stop a daemon that goes on being there: it answers nobody"),
    "continue": ("daemon", "let a daemon that hangs go on"),
    "start": ("daemon", "start a daemon again"),
    "out": ("daemon", "take an OSD out: its data moves to others"),
    "in": ("daemon", "take an OSD in again"),
    "full": ("pool", "a pool takes no more writes (a quota that it has reached)"),
    "not-full": ("pool", "a pool has the quota again that it was made with"),
    "full-ratio": ("ratio", "share of its room at which an OSD is full (Ceph's own is 0.95)"),
    "noise": ("pool", "somebody else writes into a pool (rados bench), for --seconds"),
    "quiet": ("", "end all noise"),
    "scrub": ("pool", "deep scrub a pool"),
}
_DAEMON = re.compile(r"(?:osd\.\d{1,3}|mgr\.a|mon\.a)", re.ASCII)
_OSD = re.compile(r"osd\.\d{1,3}", re.ASCII)
_LEAST_BLOCK_BYTES, _LARGEST_BLOCK_BYTES = 512, 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CephFault:
    """One of `FAULTS`."""

    kind: str
    #: ``osd.0``
    daemon: str = ""
    pool: str = ""
    ratio: float = 0.95
    #: Of noise.
    seconds: int = 60
    writers: int = 16
    block_bytes: int = 4096

    @property
    def osd(self) -> int:
        return int(self.daemon.partition(".")[2])


def read_fault(raw: Any) -> CephFault:
    """Raises `InputError`."""
    read = Reader(raw, "ceph-fault")
    kind = str(read.choice("kind", None, tuple(FAULTS)))
    of = FAULTS[kind][0]
    fault = CephFault(
        kind=kind,
        daemon=_daemon(read, kind) if of == "daemon" else "",
        pool=read.text("pool", "") if of == "pool" else "",
        ratio=_ratio(read) if of == "ratio" else 0.95,
        seconds=read.integer("seconds", 60, at_least=1) if kind == "noise" else 60,
        writers=read.integer("writers", 16, at_least=1) if kind == "noise" else 16,
        block_bytes=_block(read) if kind == "noise" else 4096,
    )
    read.end()
    return fault


def _daemon(read: Reader, kind: str) -> str:
    daemon = read.text("daemon", "")
    form = _OSD if kind in ("out", "in") else _DAEMON
    if not form.fullmatch(daemon):
        wanted = "an OSD (osd.0)" if form is _OSD else "a daemon (osd.0, mgr.a, mon.a)"
        raise InputError(f"{daemon!r:.60} is not {wanted}", place="ceph-fault.daemon")
    return daemon


def _ratio(read: Reader) -> float:
    ratio = read.number("ratio", 0.95, above=0.0)
    if ratio > 1:
        raise InputError(f"{ratio} is more than 1", place="ceph-fault.ratio")
    return ratio


def _block(read: Reader) -> int:
    size = read.quantity("block", 4096)
    if not _LEAST_BLOCK_BYTES <= size <= _LARGEST_BLOCK_BYTES:
        raise InputError(f"{size} bytes is not from 512 to 64Mi", place="ceph-fault.block")
    return size

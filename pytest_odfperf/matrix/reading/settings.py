"""The fio, guest and timeout settings of a matrix, and the block sizes: from marked values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.model import FioSettings, GuestSettings, Target, Timeouts
from pytest_odfperf.matrix.reading import fields
from pytest_odfperf.matrix.reading.yaml_marks import Marked
from pytest_odfperf.matrix.values.capacity_settings import CapacitySettings

_DAY_S = 86_400
_LARGEST_BYTES = 1 << 60

#: The fio settings by their names in matrix files and on the command line.
FIO = ("runtime", "ramp", "iodepth", "numjobs", "file_size", "target", "rate_iops")
#: Settings that can be lists, and the largest that fio is asked for.
MOST = {"iodepth": 65_536, "numjobs": 1024}
MOST_RATE = 10_000_000
CAPACITY = ("rate_iops", "p99", "start_vms", "max_vms", "repeats")
MOST_REPEATS = 100
#: The largest latency limit: longer ones are all one to fio's histogram.
MOST_LATENCY_NS = 10_000_000_000
LATENCY_FORM = "5ms, 250us or 1s"
TARGETS: Mapping[str, Target] = {"file": "file", "block": "block"}
TIMEOUTS = ("boot", "schedule", "stall", "ssh", "layout", "fio_slack", "delete", "setup", "api")
GUEST = (
    "data_source", "data_source_namespace", "user", "packages", "root_size", "root_storage_class",
    "fio_version",
)  # fmt: skip

DURATION_FORM = "120s, 2m, 1h or seconds"
FIO_SIZE_FORM = "4G, 512M or bytes"

_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}", re.ASCII)
_FIO_VERSION = re.compile(r"fio-[0-9]{1,3}\.[0-9]{1,4}[0-9A-Za-z.~+-]{0,60}", re.ASCII)
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._:-]{0,99}", re.ASCII)


def read_fio(item: Marked) -> FioSettings:
    """``fio:``; also the values of ``--odf-fio``."""
    values = fields.fields(item, "fio", FIO)
    read: dict[str, Any] = {}
    for name, low in (("runtime", 1), ("ramp", 0)):
        if name in values:
            read[f"{name}_s"] = _seconds(values[name], f"fio {name}", low)
    for name in MOST:
        if name in values and not isinstance(values[name].value, list):
            read[name] = read_number(values[name], f"fio {name}", name)
    if "file_size" in values:
        what = "fio file_size"
        size = fields.parsed(
            values["file_size"], what, fields.parse_fio_bytes, FIO_SIZE_FORM, 1 << 20, _LARGEST_BYTES
        )
        if size % 4096:
            raise InputError(f"{what} is not a multiple of 4096 bytes", place=values["file_size"].place)
        read["file_size_bytes"] = size
    if "target" in values:
        read["target"] = read_target(values["target"], "fio target")
    if "rate_iops" in values:
        read["rate_iops"] = fields.whole(values["rate_iops"], "fio rate_iops", 1, MOST_RATE)
    return FioSettings(**read)


def read_capacity(item: Marked, most_vms: int) -> CapacitySettings:
    """``capacity:``; a rate and a latency limit must be said, the rest is usual."""
    values = fields.fields(item, "capacity", CAPACITY, required=("rate_iops", "p99"))
    read: dict[str, int] = {
        "rate_iops": fields.whole(values["rate_iops"], "capacity rate_iops", 1, MOST_RATE),
        "lat_p99_ns": fields.parsed(
            values["p99"], "capacity p99", fields.parse_latency_ns, LATENCY_FORM, 1000, MOST_LATENCY_NS
        ),
    }
    for name, attribute, most in (
        ("start_vms", "start_vms", most_vms),
        ("max_vms", "most_vms", most_vms),
        ("repeats", "repeats", MOST_REPEATS),
    ):
        if name in values:
            read[attribute] = fields.whole(values[name], f"capacity {name}", 1, most)
    found = CapacitySettings(**read)
    if found.start_vms > found.most_vms:
        raise InputError(
            f"capacity start_vms {found.start_vms} is above max_vms {found.most_vms}", place=item.place
        )
    return found


def read_target(item: Marked, what: str) -> Target:
    """What fio reads and writes."""
    return TARGETS[fields.choice(item, what, tuple(TARGETS))]


def read_number(item: Marked, what: str, name: str) -> int:
    """``iodepth`` or ``numjobs``, where it is one number."""
    return fields.whole(item, what, 1, MOST[name])


def read_lists(values: Mapping[str, Marked], of: str) -> dict[str, tuple[int, ...]]:
    """Those of ``iodepth`` and ``numjobs`` that are lists, each of whose numbers makes a variant."""
    return {
        name: fields.each(values[name], f"{name} of {of}", name, partial(read_number, name=name))
        for name in MOST
        if name in values and isinstance(values[name].value, list)
    }


def read_timeouts(item: Marked) -> Timeouts:
    """``timeouts:``."""
    values = fields.fields(item, "timeouts", TIMEOUTS)
    return Timeouts(**{f"{name}_s": _seconds(value, f"timeout {name}", 1) for name, value in values.items()})


def read_guest(item: Marked) -> GuestSettings:
    """``guest:``."""
    values = fields.fields(item, "guest", GUEST)
    read: dict[str, Any] = {
        name: fields.subdomain(values[name], f"guest {name}")
        for name in ("data_source", "root_storage_class")
        if name in values
    }
    if "data_source_namespace" in values:
        read["data_source_namespace"] = fields.dns_label(
            values["data_source_namespace"], "guest data_source_namespace"
        )
    if "user" in values:
        read["user"] = check_user(fields.text(values["user"], "guest user"), place=values["user"].place)
    if "packages" in values:
        # An empty list is meant here: install nothing.
        read["packages"] = (
            fields.each(values["packages"], "guest packages", "package", _package)
            if values["packages"].value != []
            else ()
        )
    if "root_size" in values:
        read["root_size_bytes"] = fields.quantity_bytes(
            values["root_size"], "guest root_size", 1 << 20, _LARGEST_BYTES
        )
    if "fio_version" in values:
        item = values["fio_version"]
        # 3.36 without quotes is a number.
        version = item.text if type(item.value) is float else fields.text(item, "guest fio_version")
        read["fio_version"] = check_fio_version(version, place=item.place)
    return GuestSettings(**read)


def read_block_sizes(item: Marked, what: str) -> tuple[str, ...]:
    """Block sizes as written, each a multiple of 512 bytes; equal ones are refused however written."""
    seen: dict[int, str] = {}
    for entry in fields.items(item, what):
        size = fields.parsed(entry, "block size", fields.parse_fio_bytes, "4k, 1M or bytes", 512, 1 << 30)
        written = fields.written(entry, "block size")
        if size % 512:
            raise InputError(f"block size {written!r} is not a multiple of 512 bytes", place=entry.place)
        if size in seen:
            same = "is there twice" if seen[size] == written else f"is the same as {seen[size]!r}"
            raise InputError(f"block size {written!r} {same}", place=entry.place)
        seen[size] = written
    return tuple(seen.values())


def _seconds(item: Marked, what: str, low: int) -> int:
    return fields.parsed(item, what, fields.parse_duration_s, DURATION_FORM, low, _DAY_S)


def _package(item: Marked, what: str) -> str:
    return check_package(fields.text(item, what), place=item.place)


def check_user(name: str, *, place: str | None = None) -> str:
    """Return ``name`` if a Linux user can have it; `InputError` if not."""
    return _matching(name, "guest user", _USER, "a Linux user name", place)


def check_package(name: str, *, place: str | None = None) -> str:
    """Return ``name`` if a package can have it; `InputError` if not."""
    return _matching(name, "package", _PACKAGE, "a package name", place)


def check_fio_version(text: str, *, place: str | None = None) -> str:
    """``fio-3.36`` from that or from ``3.36``; `InputError` for what is no version."""
    version = f"fio-{text.removeprefix('fio-')}"
    return _matching(version, "guest fio_version", _FIO_VERSION, "a version such as 3.36", place)


def _matching(value: str, what: str, form: re.Pattern[str], expected: str, place: str | None) -> str:
    if not form.fullmatch(value):
        raise InputError(f"{what} {value[:60]!r} is not {expected}", place=place)
    return value

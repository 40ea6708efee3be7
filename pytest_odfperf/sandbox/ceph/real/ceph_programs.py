"""The programs and libraries of Ceph on this machine: whether they are there, and where Debian put them."""

from __future__ import annotations

import asyncio
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from pytest_odfperf.errors import InputError
from pytest_odfperf.sandbox.config.ceph_rules import SMALLEST_OSD_BYTES
from pytest_odfperf.sandbox.image.run import run
from pytest_odfperf.sandbox.image.tools import REMEDY, system_packages, tool, tool_path

_PACKAGES = "ceph_packages.txt"
_LIBRARIES = (Path("/usr/lib64"), Path("/usr/lib"), *sorted(Path("/usr/lib").glob("*-linux-gnu*")))
_MDS = "ceph-mds"
_REMEDY = f"{REMEDY} --ceph"
#: What a file system says that can not be made.
NO_MDS = f"a file system needs the Debian package {_MDS}: {_REMEDY}"
_VERSION = re.compile(r"ceph version (\d+\.\d+\.\d+)")
#: Beside what the OSDs may hold: the monitor's store and logs.
_OTHER_BYTES = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class CephPrograms:
    """Paths, and the version as Rook shows it (``16.2.15-0``)."""

    version: str
    mon: str
    monmaptool: str
    mgr: str
    osd: str
    #: None: it is not installed, and no file system can be made.
    mds: str | None
    rbd: str
    rados: str
    #: Folders of plugins; None: Ceph's own default. Debian's 18.2 and 20.2 have relative ones, which are
    #: nowhere, and ``rbd create`` fails with EOPNOTSUPP.
    class_dir: Path | None
    erasure_code_dir: Path | None

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])


async def find_programs(place: str, *, qemu: bool, filesystems: bool = False) -> CephPrograms:
    """``qemu``: its machines shall have images. ``filesystems``: some shall be there from the start.

    Raises `InputError` that names all packages that are missing, and how to install them.
    """
    packages = system_packages(_PACKAGES)
    missing = {
        package: None
        for program, package in packages.items()
        if tool_path(program) is None and (filesystems or program != _MDS)
    }
    if qemu and not _has_qemu_rbd():
        missing["qemu-block-extra"] = None
    if missing:
        raise InputError(
            f"a real Ceph needs the Debian packages {', '.join(missing)}: {_REMEDY}", place=f"{place}.real"
        )
    said = await run([tool("ceph-mon"), "--version"], 30.0)
    found = _VERSION.search(said)
    return CephPrograms(
        version=f"{found.group(1) if found else '0.0.0'}-0",
        mon=tool("ceph-mon"),
        monmaptool=tool("monmaptool"),
        mgr=tool("ceph-mgr"),
        osd=tool("ceph-osd"),
        mds=tool_path(_MDS),
        rbd=tool("rbd"),
        rados=tool("rados"),
        class_dir=_folder("rados-classes"),
        erasure_code_dir=_folder("ceph/erasure-code"),
    )


def _has_qemu_rbd() -> bool:
    """Whether QEMU has its ``rbd`` driver, which Debian keeps in a package of its own."""
    return any((folder / "qemu" / "block-rbd.so").exists() for folder in _LIBRARIES)


def _folder(below: str) -> Path | None:
    return next((folder / below for folder in _LIBRARIES if (folder / below).is_dir()), None)


async def check_room(directory: Path, osds: int, osd_size_bytes: int, place: str) -> None:
    """Raises `InputError` if the OSDs could fill the disk: a full disk ends all daemons, not only a write."""
    free = (await asyncio.to_thread(shutil.disk_usage, directory)).free
    needed = osds * osd_size_bytes + _OTHER_BYTES
    if needed <= free:
        return
    room = free - _OTHER_BYTES
    remedies = ["another folder (--state, or TMPDIR)"]
    if osds > 1 and room >= osd_size_bytes:
        remedies.insert(0, f"at most {room // osd_size_bytes} osds")
    if room // osds >= SMALLEST_OSD_BYTES:
        remedies.insert(0, f"an osd_size of at most {room // osds >> 30}Gi")
    raise InputError(
        f"{osds} OSD{'s' if osds > 1 else ''} of {osd_size_bytes >> 20}Mi can grow to {needed >> 20}Mi and "
        f"{directory} has {free >> 20}Mi free: {', '.join(remedies)}",
        place=f"{place}.osd_size",
    )

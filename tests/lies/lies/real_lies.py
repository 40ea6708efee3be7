"""Lies told to a real fio: what is measured is not the disk, or not what was asked for."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lies.lie import Heard, Lie
from lies.real_fio import FILE_BYTES, Bench, _run, bench, job_of, judged, lay_out, measure, settings

#: A program in fio's place; REAL is fio, JOB the job file.
HEAD = '#!/bin/sh\nfor JOB; do :; done\n[ "$1" = --version ] && exec REAL --version\n'
PLAIN = HEAD + 'exec REAL "$@"\n'


def _edited(command: str) -> str:
    """The job file is edited on its way."""
    return f'{HEAD}sed -i {command} "$JOB"\nexec REAL "$@"\n'


def _unsaid(command: str, lie: str) -> str:
    """As `_edited`, and the answer says that it was not."""
    return f'{HEAD}sed -i {command} "$JOB"\nREAL "$@"\ncode=$?\nsed -i {lie} ../fio.json\nexit $code\n'


def _says(option: str, ran: str, said: str) -> str:
    """The command by which fio's answer tells another value."""
    return f"""-e 's/"{option}" : "{ran}"/"{option}" : "{said}"/'"""


def _tmpfs(here: Bench) -> None:
    _run("mount", "-t", "tmpfs", "-o", "size=128m", "tmpfs", here.data)
    lay_out(here.data / "fio-testfile")


def _cached(here: Bench) -> None:
    (here.data / "fio-testfile").read_bytes()


def _sparse(here: Bench) -> None:
    with (here.data / "fio-testfile").open("wb") as file:
        file.truncate(FILE_BYTES)


def _elsewhere(here: Bench) -> None:
    (here.data / "fio-testfile").unlink()
    lay_out(here.other_data / "fio-testfile")
    (here.data / "fio-testfile").symlink_to(here.other_data / "fio-testfile")


def _mounted_over(here: Bench) -> None:
    time.sleep(2)
    _run("mount", "--bind", here.other_data, here.data)
    lay_out(here.data / "fio-testfile")


def _other_writer(here: Bench) -> None:
    target = here.data / "somebody"
    time.sleep(1.5)
    for _ in range(3):
        _run("dd", "if=/dev/zero", f"of={target}", "bs=1M", "count=60", "oflag=direct", "conv=notrunc")
    target.unlink()


def _freeze(here: Bench) -> None:
    """As a device that hangs: what is in flight waits."""
    time.sleep(5)
    _run("fsfreeze", "--freeze", here.data)
    try:
        time.sleep(3)
    finally:
        _run("fsfreeze", "--unfreeze", here.data)


def _nothing(here: Bench) -> None:
    pass


@dataclass(frozen=True)
class RealLie:
    lie: Lie
    fio: str = PLAIN
    before: Callable[[Bench], None] = _nothing
    during: Callable[[Bench], None] | None = None
    runtime_s: int = 3
    changes: dict[str, int] = field(default_factory=dict)


def _real(
    name: str, says: str, right: str, *, family: str, profile: str = "reads", **more: object
) -> RealLie:
    lie = Lie(
        name=f"real-{name}",
        says=says,
        family=family,
        way="real fio",
        right=frozenset(right.split()),
        profile=profile,
    )
    return RealLie(lie, **more)  # type: ignore[arg-type]


ASKED, DISK, STEADY, GREATER = (
    "not what was asked for",
    "not on the disk under test",
    "not held",
    "more than the device can",
)
ALL: tuple[RealLie, ...] = (
    _real(
        "tmpfs",
        "the test file is in RAM: tmpfs over the mount",
        "bytes_missing disk_changed wrong_disk wrong_device",
        family=DISK,
        before=_tmpfs,
    ),
    _real(
        "unwritten",
        "reads of a sparse file",
        "bytes_missing wrong_disk wrong_device",
        family=DISK,
        before=_sparse,
    ),
    _real(
        "elsewhere",
        "the test file is a link to another disk",
        "bytes_missing other_disk_worked wrong_disk wrong_device",
        family=DISK,
        before=_elsewhere,
    ),
    _real(
        "mounted-over",
        "another disk is mounted over the data disk while fio runs",
        "disk_changed other_disk_worked wrong_disk",
        family=DISK,
        during=_mounted_over,
    ),
    _real(
        "other-writer",
        "somebody else writes 180 MiB to the disk",
        "foreign_io",
        family=DISK,
        during=_other_writer,
        profile="rated",
    ),
    _real(
        "buffered",
        "fio ran with direct=0",
        "page_cache config",
        family=ASKED,
        fio=_edited("s/^direct=1/direct=0/"),
    ),
    _real(
        "buffered-unsaid",
        "reads of the page cache (direct=0), and the answer says direct=1",
        "bytes_missing impossible_value wrong_disk",
        family=DISK,
        before=_cached,
        fio=_unsaid(
            "'s/^direct=1/direct=0\\ninvalidate=0/'", _says("direct", "0", "1") + " -e '/\"invalidate\"/d'"
        ),
    ),
    _real(
        "sync-engine",
        "psync in place of libaio: a queue of depth 1",
        "other_engine config",
        family=ASKED,
        fio=_edited("s/^ioengine=libaio/ioengine=psync/"),
    ),
    _real(
        "sync-engine-unsaid",
        "psync in place of libaio, and its answer says libaio",
        "depth_not_reached littles_law",
        family=ASKED,
        fio=_unsaid("s/^ioengine=libaio/ioengine=psync/", _says("ioengine", "psync", "libaio")),
    ),
    _real(
        "depth-unsaid",
        "depth 1 in place of 8, and its answer says 8",
        "depth_not_reached littles_law",
        family=ASKED,
        fio=_unsaid("s/^iodepth=8/iodepth=1/", _says("iodepth", "1", "8")),
    ),
    _real(
        "one-worker-unsaid",
        "one worker in place of two, and its answer says two",
        "workers_missing interrupted",
        family=ASKED,
        fio=_unsaid("s/^numjobs=2/numjobs=1/", _says("numjobs", "1", "2")),
    ),
    _real(
        "block-size-unsaid",
        "64k blocks in place of 4k, and its answer says 4k",
        "other_block_size inconsistent",
        family=ASKED,
        fio=_unsaid("s/^bs=4k/bs=64k/", _says("bs", "64k", "4k")),
    ),
    _real(
        "include-dropped",
        "an include that is not there is dropped",
        "fio_message config io_error",
        family=ASKED,
        fio=_edited("'$a include none.fio'"),
    ),
    _real(
        "short",
        "it ran 1 of 3 s",
        "other_length other_options truncated",
        family=ASKED,
        fio=_edited("s/^runtime=3/runtime=1/"),
    ),
    _real(
        "killed-worker",
        "a worker is killed after a second, and fio ends with 0",
        "fio_message workers_missing interrupted",
        family=ASKED,
        fio=HEAD + 'REAL "$@" &\nsleep 2.2\nset -- $(pgrep -P $!)\nkill -9 $2\nwait $!\n',
    ),
    _real(
        "terminated",
        "fio is told to end after 2 s, and its exit code is lost",
        "fio_message other_length interrupted",
        family=ASKED,
        fio=HEAD + 'REAL "$@" &\nsleep 2.5\nkill -TERM $!\nwait $!\nexit 0\n',
    ),
    _real(
        "stall-caught-up",
        "the disk takes nothing for 3 s, which rate_iops makes up for",
        "stall",
        family=STEADY,
        profile="rated-writes",
        runtime_s=10,
        during=_freeze,
    ),
    _real(
        "stall",
        "the disk takes nothing for 3 s of 10",
        "stall",
        family=STEADY,
        profile="writes",
        runtime_s=10,
        during=_freeze,
    ),
    _real(
        "guest-stopped",
        "fio itself stands still for 3 s, and makes up for it",
        "stall noisy",
        family=STEADY,
        profile="rated",
        runtime_s=10,
        fio=HEAD
        + 'REAL "$@" &\nsleep 5\nkill -STOP $(pgrep -P $!)\nsleep 3\nkill -CONT $(pgrep -P $!)\nwait $!\n',
    ),
    _real(
        "zeros-unsaid",
        "zeros are written, and the profile does not say so",
        "other_options config",
        family=GREATER,
        profile="writes",
        fio=_edited("'$a zero_buffers=1'"),
    ),
    _real(
        "rate-limited",
        "a rate limit that nobody asked for",
        "other_options config",
        family=ASKED,
        fio=_edited("'$a rate_iops=50'"),
    ),
)


def tell(folder: Path, one: RealLie, fio: str = "fio") -> Heard:
    asked = settings(one.runtime_s, **one.changes)
    job = job_of(one.lie.profile, asked)
    with bench(folder) as here:
        one.before(here)
        run = measure(here, job, one.fio.replace("REAL", shutil.which(fio) or fio), one.during)
        return judged(one.lie.name, run, job, asked, here.device)

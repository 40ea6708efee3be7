"""The fio of this machine under the guest's own script, on a disk of its own: told the truth, and lied to."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from lies.lie import Heard
from lies.simulated_runs import PROFILES
from pytest_odfperf.errors import FioError, GuestError
from pytest_odfperf.fio.answers.answer import read
from pytest_odfperf.fio.job import Job, render
from pytest_odfperf.guest.answers import CommonTimes, GuestRun, read_result
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import FioSettings, Profile
from pytest_odfperf.measure.aggregate import combine
from pytest_odfperf.measure.series.guest_series import series_of
from pytest_odfperf.measure.verdicts.doubt import verdict_of
from pytest_odfperf.measure.verdicts.evidence import Evidence, GuestEvidence
from pytest_odfperf.measure.verdicts.judge import judge
from pytest_odfperf.run.worker.key_evidence import witness_of
from pytest_odfperf.run.worker.key_run import _answer
from pytest_odfperf.waiting import Deadline

SYS_BLOCK = Path("/sys/class/block")
FILE_BYTES = 32 << 20
_DISK_BYTES = 256 << 20
_LONGEST_S = 120


def usable() -> bool:
    """Whether this machine has what a lie to a real fio takes: root, fio, loop devices."""
    tools = all(shutil.which(name) for name in ("fio", "losetup", "mkfs.ext4", "mount"))
    return tools and os.geteuid() == 0 and Path("/dev/loop-control").exists()


def _run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True, timeout=_LONGEST_S)
    return done.stdout.strip()


@dataclass
class Bench:
    """A guest without a VM: its script, its data disk (a loop device), and another disk."""

    folder: Path
    device: str
    other: str

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def other_data(self) -> Path:
        return self.folder / "other"

    @property
    def state(self) -> Path:
        return self.folder / "state"


@contextmanager
def _disk(image: Path, mounted: Path) -> Iterator[str]:
    with image.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, _DISK_BYTES)
    device = _run("losetup", "--find", "--show", "--direct-io=on", image)
    try:
        _run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", device)
        mounted.mkdir()
        _run("mount", "-o", "noatime", device, mounted)
        try:
            yield device
        finally:
            # A lie may have mounted something over it.
            while os.path.ismount(mounted):
                _run("umount", mounted)
    finally:
        _run("losetup", "--detach", device)


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """Both disks mounted, the test file laid out as the script lays it out."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        _disk(folder / "disk.img", folder / "data") as device,
        _disk(folder / "other.img", folder / "other") as other,
    ):
        (folder / "state").mkdir()
        (folder / "bin").mkdir()
        here = Bench(folder, device, other)
        lay_out(here.data / "fio-testfile")
        yield here


def lay_out(file: Path) -> None:
    _run(
        "fio", "--name=layout", f"--filename={file}", f"--size={FILE_BYTES}", "--rw=write", "--bs=1M",
        "--direct=1", "--ioengine=libaio", "--iodepth=8", "--refill_buffers", "--end_fsync=1",
        "--output=/dev/null",
    )  # fmt: skip


def settings(runtime_s: int = 3, **changes: int) -> FioSettings:
    usual = FioSettings(runtime_s=runtime_s, ramp_s=1, iodepth=8, numjobs=2, file_size_bytes=FILE_BYTES)
    return replace(usual, **changes)


def job_of(profile: str, asked: FioSettings, block_size: str = "4k") -> Job:
    return render(
        Profile(name=profile, template=PROFILES[profile], block_sizes=(block_size,)), asked, block_size
    )


def _script(here: Bench, fio: str) -> Path:
    """The guest's script, with the folders of this bench and ``fio`` for its fio."""
    program = here.folder / "bin" / "fio"
    program.write_text(fio)
    program.chmod(0o755)
    # It ends every fio of its machine, and this one may run others.
    pkill = here.folder / "bin" / "pkill"
    pkill.write_text('#!/bin/sh\nexec /usr/bin/pkill --session 0 "$@"\n')
    pkill.chmod(0o755)
    text = (files("pytest_odfperf.vm") / "guest" / "odfperf-guest").read_text()
    # A VM has its own disks only; this machine's do other things.
    blocks = here.folder / "block"
    if not blocks.exists():
        blocks.mkdir()
        for device in (here.device, here.other):
            name = Path(device).name
            (blocks / name).symlink_to(SYS_BLOCK / name)
    text = text.replace(str(SYS_BLOCK), str(blocks))
    for before, after in (
        ("PATH=/usr/local/sbin:", f"PATH={here.folder / 'bin'}:/usr/local/sbin:"),
        ("STATE=/run/odfperf ", f"STATE={here.state} "),
        ("DATA_DIR=/mnt/data ", f"DATA_DIR={here.data} "),
    ):
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    script = here.folder / "odfperf-guest"
    script.write_text(text)
    return script


class _Said:
    """What the script printed, as an exchange with a guest gives it."""

    def __init__(self, said: bytes) -> None:
        self._left = said

    def line(self, deadline: Deadline, last: str) -> str:
        line, _, self._left = self._left.partition(b"\n")
        return line.decode()

    def file(self, size: int, deadline: Deadline, last: str) -> bytes:
        content, self._left = self._left[:size], self._left[size:]
        return content


def measure(here: Bench, job: Job, fio: str, during: Callable[[Bench], None] | None = None) -> GuestRun:
    """Run ``job`` by the script; ``during`` is called while fio runs. Raises `GuestError`."""
    script = _script(here, fio)
    shutil.rmtree(here.state)
    here.state.mkdir()
    for name, content in (("token", "lie"), ("deadline", str(_LONGEST_S)), ("go", "0")):
        (here.state / name).write_text(f"{content}\n")
    (here.state / "job.fio").write_text(job.text)
    process = subprocess.Popen(["sh", script, "fio"], start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        if during is not None:
            during(here)
        process.wait(_LONGEST_S)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, 9)
            process.wait()
    said = subprocess.run(
        ["sh", script, "attach", "lie"], capture_output=True, check=False, timeout=60
    ).stdout
    run = read_result("real", _Said(said), "lie", Deadline("the answer", 60))
    started = run.epoch_ns + run.started_clock_ns - run.epoch_clock_ns
    ended = started + run.ended_clock_ns - run.started_clock_ns
    common = CommonTimes(
        started_epoch_ns=started, ended_epoch_ns=ended, answered_epoch_ns=ended,
        clock_offset_ms=0.0, clock_uncertainty_ms=0.0, late_ms=0.0,
    )  # fmt: skip
    witness = run.witness.replace(str(here.folder / "block").encode(), str(SYS_BLOCK).encode())
    return replace(run, common=common, witness=witness)


def judged(name: str, run: GuestRun, job: Job, asked: FioSettings, device: str) -> Heard:
    facts = {"mount": device, "fio_version": None, "kernel": os.uname().release}
    return judge_guests(name, [run], [facts], job, asked)


def judge_guests(
    name: str,
    runs: Sequence[GuestRun],
    facts: Sequence[dict[str, Any]],
    job: Job,
    asked: FioSettings,
    caps: Mapping[str, float] | None = None,
) -> Heard:
    """What the rules make of a group, as `key_run.measure` asks them."""
    results, series = {}, {}
    try:
        for run in runs:
            results[run.name] = read(_answer(run), job, asked)
            series[run.name] = series_of(results[run.name], 1000 * asked.runtime_s)
        combine(results)
    except (FioError, GuestError) as error:
        return Heard(name=name, verdict="error", codes=(error.reason,), text=str(error))
    guests = []
    for run, said in zip(runs, facts, strict=True):
        assert run.common is not None
        witness, problem = witness_of(run)
        guests.append(
            GuestEvidence(
                name=run.name,
                result=results[run.name],
                facts=said,
                started_at_epoch_ns=run.common.started_epoch_ns,
                ended_at_epoch_ns=run.common.ended_epoch_ns,
                ran_s=run.ran_s,
                series=series[run.name],
                clock_offset_ms=run.common.clock_offset_ms,
                clock_uncertainty_ms=run.common.clock_uncertainty_ms,
                clock_jump_s=run.clock_jump_s,
                late_ms=run.common.late_ms,
                witness=witness,
                witness_problem=problem,
            )
        )
    key = Key.parse(f"lies:tiny:1Gi:{len(runs)}:lie:4k")
    doubts = judge(Evidence(key=key, job=job, settings=asked, guests=tuple(guests), caps=caps or {}))
    return Heard(
        name=name,
        verdict=verdict_of(doubts),
        codes=tuple(dict.fromkeys(doubt.code for doubt in doubts)),
        text="; ".join(doubt.text for doubt in doubts),
    )

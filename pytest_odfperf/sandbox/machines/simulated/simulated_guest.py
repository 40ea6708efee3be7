"""The inside of a simulated guest: its data disk, its fio service, its answers."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from pytest_odfperf.sandbox.altered_answer import alter
from pytest_odfperf.sandbox.config.parse_config import (
    Faults,
    SandboxConfig,
    SharedBackend,
    StorageClassConfig,
)
from pytest_odfperf.sandbox.fio_failures import as_job, failure
from pytest_odfperf.sandbox.machines.base import DiskSpec, MachineSpec
from pytest_odfperf.sandbox.machines.shared_backend import Activity
from pytest_odfperf.sandbox.machines.simulated.real_fio import fio_says
from pytest_odfperf.sandbox.machines.simulated.simulated_fio import MARKING, VERSION, answer
from pytest_odfperf.sandbox.machines.simulated.simulated_job import SimulatedJob, parse_job
from pytest_odfperf.sandbox.machines.simulated.storage_model import Limits
from pytest_odfperf.sandbox.machines.user_data import JOB_FILE, UserData

#: What `timeout` ends with when the time is over.
TIMED_OUT = 124
_ORDINAL = re.compile(r"([0-9]+)$")


class ProtocolError(Exception):
    """A line ``error CODE TEXT`` of the guest protocol."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        self.text = text
        super().__init__(f"{code} {text}")


@dataclass(slots=True)
class FioRun:
    """One start of the fio service. Lives on when the connection is lost."""

    token: str
    deadline_s: float
    job: bytes
    started_ns: int = 0
    ended_ns: int = 0
    #: Hundredths of a second since the boot.
    started_up_cs: int = 0
    ended_up_cs: int = 0
    exit_code: int = 0
    timed_out: bool = False
    result: bytes = b""
    log: bytes = b""
    #: fio's own log files, as `bundle` puts them together.
    logs: bytes = b""
    task: asyncio.Task[None] | None = field(default=None, repr=False)


def bundle(logs: Mapping[str, str]) -> bytes:
    """As ``tail --verbose --lines=+1`` shows several files."""
    return "\n".join(f"==> {name} <==\n{text}" for name, text in logs.items()).encode()


class SimulatedGuest:
    """Knows the protocol's verbs, nothing of SSH."""

    def __init__(self, spec: MachineSpec, config: SandboxConfig, user: UserData, activity: Activity) -> None:
        self._spec = spec
        self._config = config
        self._files = dict(user.files)
        self._conf = user.guest_conf
        self._activity = activity
        self.boot_id = str(uuid.uuid4())
        self._booted_s = time.monotonic()
        self._clock_set_ns = 0
        self._run: FioRun | None = None
        self._setup_ends = 0.0
        #: Called by the faults ``cut``, ``crash``, ``reboot_s`` and ``migrate``.
        self.on_cut: Callable[[], None] | None = None
        self.on_crash: Callable[[], None] | None = None
        self.on_reboot: Callable[[], None] | None = None
        self.on_migrate: Callable[[], None] | None = None
        self._cut_done = False
        self._reboot_done = False
        self._disk = self._data_disk()
        classes = {sc.name: sc for sc in config.storage_classes}
        backend = self._disk.backend.name if self._disk else spec.disks[-1].backend.name if spec.disks else ""
        self._class = classes.get(backend, StorageClassConfig(name=backend))

    @property
    def faults(self) -> Faults:
        """The faults of this guest, whatever the job."""
        ordinal = _ORDINAL.search(self._spec.name)
        wanted = self._class.faults.guests
        return Faults() if wanted and (not ordinal or int(ordinal[1]) not in wanted) else self._class.faults

    def _job_faults(self, job: SimulatedJob) -> Faults:
        faults = self.faults
        if faults.block_sizes and not any(s.block_size in faults.block_sizes for s in job.sections):
            return Faults()
        return faults

    def _data_disk(self) -> DiskSpec | None:
        serial = self._conf.get("DATA_SERIAL")
        return next((disk for disk in self._spec.disks if serial and disk.serial == serial), None)

    @property
    def _data_dir(self) -> str | None:
        """Where the data disk is mounted; None: nowhere, since fio works on the disk itself."""
        return None if self._conf.get("TARGET") == "block" else self._conf.get("DATA_DIR", "/mnt/data")

    def boot(self) -> None:
        """Starts the setup service: layout takes its bytes over the volume's write bandwidth."""
        size = self._conf.get("LAYOUT_BYTES", "0")
        layout_bytes = int(size) if size.isdigit() else 0
        caps = [self._class.model.write_bandwidth, self._class.bandwidth_bytes_per_s]
        slowest = min(cap for cap in caps if cap)
        self._setup_ends = time.monotonic() + layout_bytes / slowest / self._config.speed

    def shutdown(self) -> None:
        self._stop_run()

    def reboot(self) -> None:
        """Another boot: nothing of a job is left, as all of it was in /run."""
        self._stop_run()
        self.boot_id = str(uuid.uuid4())
        self._booted_s = time.monotonic()

    def _clock_ns(self) -> int:
        return time.time_ns() + self._clock_set_ns

    def _up_cs(self) -> int:
        return int((time.monotonic() - self._booted_s) * 100)

    def facts(self) -> dict[str, Any]:
        disks = [
            {
                "name": f"vd{chr(ord('a') + i)}",
                "size": disk.size_bytes,
                "serial": disk.serial,
                "type": "disk",
                "mountpoints": [self._data_dir if disk is self._disk else None],
            }
            for i, disk in enumerate(self._spec.disks[:20])
        ]
        data = next(
            (f"/dev/{d['name']}" for d, s in zip(disks, self._spec.disks, strict=False) if s is self._disk),
            "",
        )
        return {
            "hostname": self._spec.name,
            "kernel": "6.12.0-simulated",
            "fio_version": None if self.faults.no_fio else VERSION,
            "boot_id": self.boot_id,
            "lscpu": {
                "lscpu": [
                    {"field": "Architecture:", "data": "x86_64"},
                    {"field": "CPU(s):", "data": str(self._spec.vcpus)},
                    {"field": "Model name:", "data": "Simulated CPU"},
                ]
            },
            "lsblk": {"blockdevices": disks},
            "mount": "" if self.faults.no_disk else data,
            "marking": MARKING,
        }

    async def check(self, jobs: Sequence[bytes]) -> list[tuple[int, bytes]]:
        """What fio says to each of ``jobs``: its exit code and its words. Raises `ProtocolError`."""
        if self.faults.no_fio:
            raise ProtocolError("fio_missing", "fio: command not found")
        return [await fio_says(job) for job in jobs]

    async def prepare(self, token: str, deadline_s: float, job: bytes) -> FioRun:
        """Everything before ``ready``. Raises `ProtocolError`."""
        self._stop_run()
        if self._disk is None or self.faults.no_disk:
            raise ProtocolError("not_mounted", f"no disk with serial {self._conf.get('DATA_SERIAL', '?')}")
        if self.faults.no_fio:
            raise ProtocolError("fio_missing", "fio: command not found")
        if job:
            self._files[JOB_FILE] = job
        if not self._files.get(JOB_FILE):
            raise ProtocolError("bad_request", "there is no job")
        await asyncio.sleep(max(0.0, self._setup_ends - time.monotonic()))
        return FioRun(token=token, deadline_s=deadline_s, job=self._files[JOB_FILE])

    def start(self, run: FioRun) -> None:
        self._stop_run()
        self._run = run
        run.started_ns, run.started_up_cs = self._clock_ns(), self._up_cs()
        run.task = asyncio.create_task(self._fio(run), name=f"fio {self._spec.name}")

    def find(self, token: str) -> FioRun:
        if self._run is None or self._run.token != token:
            raise ProtocolError("unknown_job", f"no run {token}")
        return self._run

    def _stop_run(self) -> None:
        if self._run and self._run.task:
            self._run.task.cancel()
        self._run = None

    async def _fio(self, run: FioRun) -> None:
        run.exit_code, run.log = await fio_says(run.job)
        if run.exit_code == 0:
            await self._timed(run, parse_job(run.job.decode("utf-8", "replace")))
        run.ended_ns, run.ended_up_cs = self._clock_ns(), self._up_cs()

    async def _timed(self, run: FioRun, job: SimulatedJob) -> None:
        faults = self._job_faults(job)
        takes_s = job.duration_s * faults.slow
        backend = self._class.model.backend
        began = time.monotonic()
        with self._activity.active(backend):
            lasts_s = min(takes_s, run.deadline_s) / self._config.speed
            await asyncio.sleep(lasts_s / 2)
            if faults.crash and self.on_crash:
                self.on_crash()
            if faults.cut and not self._cut_done and self.on_cut:
                self._cut_done = True
                self.on_cut()
            if faults.reboot_s is not None and not self._reboot_done and self.on_reboot:
                self._reboot_done = True
                self.on_reboot()
            if faults.migrate and self.on_migrate:
                self.on_migrate()
            self._clock_set_ns += int(faults.clock_jump_s * 1e9)
            await asyncio.sleep(began + lasts_s - time.monotonic())
            volumes = self._activity.volumes(backend, began, time.monotonic())
        if takes_s > run.deadline_s:
            run.exit_code, run.timed_out = TIMED_OUT, True
            run.log = b"fio: terminating on signal 15\n"
            return
        if faults.fio_failure is not None:
            left = as_job(failure(faults.fio_failure), [section.name for section in job.sections])
            run.exit_code = left.exit_code
            run.result, run.log = left.fio_json.encode(), left.fio_log.encode()
            return
        run.exit_code = faults.fio_exit
        document, logs = answer(
            job,
            self._class.model,
            self._limits(volumes),
            self._random(run.job),
            directory=self._data_dir,
            error=errno.EIO if faults.fio_exit else 0,
        )
        if faults.answer:
            alter(document, faults.answer)
        run.log += (faults.says or "").encode()
        # One line, unlike fio's: to break lines, Python's encoder takes ten times as long.
        text = json.dumps(document).encode() + b"\n"
        kept = {"whole": len(text), "truncated": len(text) // 2, "empty": 0}[faults.output]
        run.result = text[:kept]
        run.logs = bundle(logs)
        if faults.fio_exit:
            run.log = b"fio: io_u error on file fio-testfile: Input/output error\n"

    def _limits(self, volumes: int) -> list[Limits]:
        own = Limits(iops=self._class.iops, bandwidth_bytes_per_s=self._class.bandwidth_bytes_per_s).times(
            self.faults.above_cap
        )
        name = self._class.model.backend
        shared = self._config.backends.get(name, SharedBackend()) if name else SharedBackend()
        return [own, Limits(iops=shared.iops, bandwidth_bytes_per_s=shared.bandwidth).shared_by(volumes)]

    def _random(self, job: bytes) -> Random:
        """The same for the same guest, pool and job: a run repeated gives the same figures."""
        ordinal = _ORDINAL.search(self._spec.name)
        parts = (
            str(self._config.seed),
            self._class.name,
            str(self._disk.size_bytes if self._disk else 0),
            str(self._spec.vcpus),
            str(self._spec.memory_bytes),
            ordinal[1] if ordinal else "",
        )
        digest = hashlib.sha256("\0".join(parts).encode() + b"\0" + job).digest()
        return Random(digest)  # noqa: S311 - noise, not a secret

"""The inside of a simulated guest: its data disk, its fio service, its answers."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from pytest_odfperf.sandbox.ceph.client_io import ClientIo
from pytest_odfperf.sandbox.config.parse_config import (
    Faults,
    ModelConfig,
    SandboxConfig,
    SharedBackend,
    StorageClassConfig,
)
from pytest_odfperf.sandbox.fio_failures import as_job, failure
from pytest_odfperf.sandbox.machines.base import DiskSpec, MachineSpec
from pytest_odfperf.sandbox.machines.shared_backend import Activity
from pytest_odfperf.sandbox.machines.simulated.fio_run import FioRun, ProtocolError
from pytest_odfperf.sandbox.machines.simulated.left_by_fio import Left, left_by
from pytest_odfperf.sandbox.machines.simulated.real_fio import fio_says, fio_says_to_all
from pytest_odfperf.sandbox.machines.simulated.simulated_facts import facts_of
from pytest_odfperf.sandbox.machines.simulated.simulated_job import SimulatedJob, parse_job
from pytest_odfperf.sandbox.machines.simulated.simulated_witness import MOST_DISKS
from pytest_odfperf.sandbox.machines.simulated.storage_course import StorageSide, data_pool_of
from pytest_odfperf.sandbox.machines.simulated.volume.storage_model import Limits
from pytest_odfperf.sandbox.machines.user_data import JOB_FILE, UserData

#: What `timeout` ends with when the time is over.
TIMED_OUT = 124
#: Of ``/proc/uptime``.
_TICK_NS = 10_000_000
#: A fio that takes so many seconds of real time or more has made its answer when it ends.
_LONG_S = 0.5
#: Until then all guests that begin at one instant have begun.
_SOON_S = 0.2
_ORDINAL = re.compile(r"([0-9]+)$")


class SimulatedGuest:
    """Knows the protocol's verbs, nothing of SSH."""

    def __init__(
        self,
        spec: MachineSpec,
        config: SandboxConfig,
        user: UserData,
        activity: Activity,
        client_io: ClientIo | None = None,
        *,
        in_pod: bool = False,
    ) -> None:
        """What it does to its data disk, ``client_io`` is told where that is in a modelled Ceph.

        ``in_pod``: without the price of a VM, and with the clock that a process without rights has.
        """
        self._spec = spec
        self._config = config
        self._files = dict(user.files)
        self._conf = user.guest_conf
        self._activity = activity
        self.boot_id = str(uuid.uuid4())
        self._booted_ns = time.monotonic_ns()
        self._epoch_set_ns = 0
        self._run: FioRun | None = None
        self._setup_ends = 0.0
        #: Called by the faults ``cut``, ``crash``, ``reboot_s`` and ``migrate``.
        self.on_cut: Callable[[], None] | None = None
        self.on_crash: Callable[[], None] | None = None
        self.on_reboot: Callable[[], None] | None = None
        self.on_migrate: Callable[[], None] | None = None
        #: How often each job ran here.
        self._ran: Counter[bytes] = Counter()
        self._cut_done = False
        self._reboot_done = False
        self._disk = self._data_disk()
        classes = {sc.name: sc for sc in config.storage_classes}
        disk = self._disk or (spec.disks[-1] if spec.disks else None)
        name, model = (disk.backend.name, disk.backend.model) if disk else ("", None)
        self._class = classes.get(name) or StorageClassConfig(name=name, model=model or ModelConfig())
        pool = data_pool_of(self._disk.backend, self._class) if self._disk else None
        self._storage = StorageSide(client_io, pool)
        self._model = self._class.model.without_vm() if in_pod else self._class.model
        self._tick_ns = _TICK_NS if in_pod else 1

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

    def grow_disk(self, volume: str, size_bytes: int) -> None:
        disks = [replace(d, size_bytes=size_bytes) if d.volume == volume else d for d in self._spec.disks]
        self._spec = replace(self._spec, disks=tuple(disks))
        self._disk = self._data_disk()

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
        caps = [self._model.write_bandwidth, self._class.bandwidth_bytes_per_s]
        slowest = min(cap for cap in caps if cap)
        lasts_s = layout_bytes / slowest / self._config.speed
        self._setup_ends = time.monotonic() + lasts_s
        self._storage.lays_out(layout_bytes, lasts_s)

    def shutdown(self) -> None:
        self._stop_run()

    def reboot(self) -> None:
        """Another boot: nothing of a job is left, as all of it was in /run."""
        self._stop_run()
        self.boot_id = str(uuid.uuid4())
        self._booted_ns = time.monotonic_ns()

    def clock_ns(self) -> int:
        """The steady clock: since the boot."""
        now_ns = time.monotonic_ns() - self._booted_ns
        return now_ns - now_ns % self._tick_ns

    def _epoch_ns(self) -> int:
        return time.time_ns() + self._epoch_set_ns + int(self.faults.clock_off_s * 1e9)

    def facts(self) -> dict[str, Any]:
        return facts_of(self._spec, self._disk, self._data_dir, self.boot_id, self.faults)

    async def check(self, jobs: Sequence[bytes]) -> list[tuple[int, bytes]]:
        """What fio says to each of ``jobs``: its exit code and its words. Raises `ProtocolError`."""
        if self.faults.no_fio:
            raise ProtocolError("fio_missing", "fio: command not found")
        return await fio_says_to_all(jobs)

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
        run = FioRun(token=token, deadline_s=deadline_s, job=self._files[JOB_FILE])
        # Before the start, so that nothing is left to be done then.
        run.exit_code, run.log = await fio_says(run.job)
        return run

    def start(self, run: FioRun, at_clock_ns: int) -> None:
        """Has fio begin when the steady clock shows ``at_clock_ns``, or at once."""
        self._stop_run()
        self._run = run
        run.epochs_ns = (self._epoch_ns(), self.clock_ns(), 0, 0)
        run.task = asyncio.create_task(self._fio(run, at_clock_ns), name=f"fio {self._spec.name}")

    def find(self, token: str) -> FioRun:
        if self._run is None or self._run.token != token:
            raise ProtocolError("unknown_job", f"no run {token}")
        return self._run

    def _stop_run(self) -> None:
        if self._run and self._run.task:
            self._run.task.cancel()
        self._run = None

    async def _fio(self, run: FioRun, at_clock_ns: int) -> None:
        job = parse_job(run.job.decode("utf-8", "replace")) if run.exit_code == 0 else None
        await asyncio.sleep(max(0, at_clock_ns - self.clock_ns()) / 1e9)
        late_s = self._job_faults(job).late_s if job else 0.0
        run.started_clock_ns = self.clock_ns() + int(late_s * 1e9)
        await asyncio.sleep(late_s / self._config.speed)
        lasted_s = await self._timed(run, job) if job else 0.0
        run.ended_clock_ns = run.started_clock_ns + int(lasted_s * 1e9)
        epoch_ns, clock_ns, *_ = run.epochs_ns
        # As its clock would show, had it not all gone faster.
        set_ns = int(self._job_faults(job).clock_jump_s * 1e9) if job else 0
        ended_epoch_ns = epoch_ns + run.ended_clock_ns - clock_ns + set_ns
        run.epochs_ns = (epoch_ns, clock_ns, ended_epoch_ns, run.ended_clock_ns)

    async def _timed(self, run: FioRun, job: SimulatedJob) -> float:
        """How many seconds fio took, were it not faster here.

        Ten machines make their answers side by side, and a fio collects its figures while it runs. One
        process makes ten answers one after the other, so those of a fio that takes long are made meanwhile.
        """
        faults = self._job_faults(job)
        takes_s = job.duration_s * faults.slow
        backend = self._model.backend
        began = time.monotonic()
        with self._activity.active(backend), self._storage.working() as learn:
            lasts_s = min(takes_s, run.deadline_s) / self._config.speed
            ends_s = time.time() + lasts_s
            await asyncio.sleep(min(_SOON_S, lasts_s / 2))
            known, left = self._activity.volumes(backend, began, time.monotonic()), None
            if lasts_s >= _LONG_S and takes_s <= run.deadline_s and faults.fio_failure is None:
                left = self._left(run.job, job, faults, known, ends_s)
                learn(left.io, self._config.speed / faults.slow)
            await asyncio.sleep(began + lasts_s / 2 - time.monotonic())
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
            self._epoch_set_ns += int(faults.clock_jump_s * 1e9)
            await asyncio.sleep(began + lasts_s - time.monotonic())
            volumes = self._activity.volumes(backend, began, time.monotonic())
        if takes_s > run.deadline_s:
            run.exit_code, run.timed_out = TIMED_OUT, True
            run.log = b"fio: terminating on signal 15\n"
            return run.deadline_s
        if faults.fio_failure is not None:
            failed = as_job(failure(faults.fio_failure), [section.name for section in job.sections])
            run.exit_code = failed.exit_code
            run.result, run.log = failed.fio_json.encode(), failed.fio_log.encode()
            return takes_s
        run.exit_code = faults.fio_exit
        if left is None or volumes != known:
            # How many shared the backend is known at the end only.
            left = self._left(run.job, job, faults, volumes, ends_s)
            learn(left.io, self._config.speed / faults.slow)
        self._ran[run.job] += 1
        run.result, run.logs, run.witness = left.answer, left.logs, left.witness
        run.log += (faults.says or "").encode()
        if faults.fio_exit:
            run.log = b"fio: io_u error on file fio-testfile: Input/output error\n"
        return takes_s

    def _left(self, text: bytes, job: SimulatedJob, faults: Faults, volumes: int, ended_s: float) -> Left:
        return left_by(
            job,
            faults,
            self._model.at(faults.speed_part),
            self._limits(volumes),
            self._random(text),
            data_dir=self._data_dir,
            disks=self._spec.disks[:MOST_DISKS],
            data=self._disk,
            ended_epoch_s=ended_s,
        )

    def _limits(self, volumes: int) -> list[Limits]:
        own = Limits(iops=self._class.iops, bandwidth_bytes_per_s=self._class.bandwidth_bytes_per_s).times(
            self.faults.above_cap
        )
        name = self._model.backend
        shared = self._config.backends.get(name, SharedBackend()) if name else SharedBackend()
        return [own, Limits(iops=shared.iops, bandwidth_bytes_per_s=shared.bandwidth).shared_by(volumes)]

    def _random(self, job: bytes) -> Random:
        """The same for the same guest, pool and job: a run made again gives the same figures.

        Each repeat of a job in one guest has noise of its own.
        """
        ordinal = _ORDINAL.search(self._spec.name)
        parts = (
            str(self._config.seed),
            self._class.name,
            str(self._disk.size_bytes if self._disk else 0),
            str(self._spec.vcpus),
            str(self._spec.memory_bytes),
            ordinal[1] if ordinal else "",
        )
        again = self._ran[job]
        nth = b"\0%d" % again if again else b""
        digest = hashlib.sha256("\0".join(parts).encode() + b"\0" + job + nth).digest()
        return Random(digest)  # noqa: S311 - noise, not a secret

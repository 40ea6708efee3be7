"""Faults of a living cluster of processes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from pytest_odfperf.errors import InputError, OdfError
from pytest_odfperf.sandbox.ceph.real.ceph_conf import ADMIN
from pytest_odfperf.sandbox.ceph.real.daemon import Daemon, daemon_environment
from pytest_odfperf.sandbox.ceph.real.start_ceph import RunningCluster
from pytest_odfperf.sandbox.config.ceph_faults import CephFault
from pytest_odfperf.sandbox.image.run import run

_CLEANUP_DEADLINE_S = 60.0
#: nearfull and backfillfull are so far below full; Ceph wants them in order.
_RATIOS = {"nearfull": 0.10, "backfillfull": 0.05, "full": 0.0}
_RUN_NAME = "odfperf-noise"


class RealFaults:
    def __init__(self, cluster: RunningCluster) -> None:
        self._cluster = cluster
        self._noise: dict[str, Daemon] = {}

    async def cause(self, fault: CephFault, quotas: Mapping[str, tuple[int, int]]) -> str:
        """What was done, in words. ``quotas``: bytes and objects that pools were made with.

        Raises `InputError` for a daemon or pool that there is not, `CephError`.
        """
        rados = self._cluster.rados
        if fault.daemon and fault.kind not in ("out", "in"):
            daemon = self._daemon(fault.daemon)
            if fault.kind == "kill":
                daemon.kill()
                await daemon.ended()
            elif fault.kind == "hang":
                daemon.hang()
            elif fault.kind == "continue":
                daemon.go_on()
            else:
                await daemon.start()
            return f"{daemon.name}: {daemon.state}"
        if fault.kind in ("out", "in"):
            self._daemon(fault.daemon)
            await rados.mon(f"osd {fault.kind}", ids=[str(fault.osd)])
            return f"{fault.daemon}: {fault.kind}"
        if fault.kind == "full-ratio":
            for name, below in _RATIOS.items():
                await rados.mon(f"osd set-{name}-ratio", ratio=max(0.0, fault.ratio - below))
            return f"full at {fault.ratio:g}"
        if fault.kind == "quiet":
            await self.quiet()
            return "no noise"
        if fault.kind == "noise":
            await self._make_noise(fault)
            return f"{fault.pool}: noise for {fault.seconds} s"
        if fault.kind == "scrub":
            await rados.mon("osd pool deep-scrub", who=[fault.pool])
            return f"{fault.pool}: deep scrub"
        limits = (0, 1) if fault.kind == "full" else quotas.get(fault.pool, (0, 0))
        for field, limit in zip(("max_bytes", "max_objects"), limits, strict=True):
            await rados.mon("osd pool set-quota", pool=fault.pool, field=field, val=str(limit))
        return f"{fault.pool}: {fault.kind}"

    def _daemon(self, name: str) -> Daemon:
        cluster = self._cluster
        daemons = {one.name: one for one in (cluster.mon, cluster.mgr, *cluster.osds.values())}
        if name not in daemons:
            raise InputError(
                f"{name!r} is not one of {', '.join(sorted(daemons))}", place="ceph-fault.daemon"
            )
        return daemons[name]

    async def _make_noise(self, fault: CephFault) -> None:
        # The program would take its time to find that there is no such pool.
        await self._cluster.rados.mon("osd pool get", pool=fault.pool, var="size")
        await self._quiet(fault.pool)
        files, rados = self._cluster.files, self._cluster.programs.rados
        command = [
            rados,
            "-c",
            str(files.conf),
            "--name",
            ADMIN,
            "-p",
            fault.pool,
            "bench",
            str(fault.seconds),
        ]
        command += ["write", "-t", str(fault.writers), "-b", str(fault.block_bytes), "--run-name", _RUN_NAME]
        noise = Daemon(f"noise in {fault.pool}", command, files.directory / "log" / "noise.out")
        await noise.start()
        await asyncio.sleep(0.3)
        noise.check()
        self._noise[fault.pool] = noise

    async def quiet(self) -> None:
        for pool in tuple(self._noise):
            await self._quiet(pool)

    async def _quiet(self, pool: str) -> None:
        noise = self._noise.pop(pool, None)
        if noise is None or noise.pid is None:
            return
        await noise.stop(0.0)
        command = [self._cluster.programs.rados, "-c", str(self._cluster.files.conf), "--name", ADMIN]
        command += ["-p", pool, "cleanup", "--run-name", _RUN_NAME]
        with contextlib.suppress(OdfError):
            await run(command, _CLEANUP_DEADLINE_S, **daemon_environment())

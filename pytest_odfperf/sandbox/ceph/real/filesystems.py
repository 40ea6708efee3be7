"""CephFS: file systems and their metadata servers."""

from __future__ import annotations

import asyncio
from typing import Any

from pytest_odfperf.sandbox.ceph.ceph import CephError, FilesystemWanted
from pytest_odfperf.sandbox.ceph.real.ceph_programs import NO_MDS
from pytest_odfperf.sandbox.ceph.real.daemon import Daemon
from pytest_odfperf.sandbox.ceph.real.start_ceph import RunningCluster

_CAPS = ["mon", "profile mds", "osd", "allow *", "mds", "allow"]
_STOP_S = 5.0


class Filesystems:
    def __init__(self, cluster: RunningCluster) -> None:
        self._cluster = cluster

    async def create(self, wanted: FilesystemWanted) -> None:
        """Its pools are there. Raises `CephError`."""
        rados, program = self._cluster.rados, self._cluster.programs.mds
        if program is None:
            raise CephError(f"fs new {wanted.name}", NO_MDS)
        if wanted.name not in await self._all():
            first = wanted.data_pools[0].name
            await rados.mon(
                "fs new",
                fs_name=wanted.name,
                metadata=wanted.metadata_pool.name,
                data=first,
                # Its first pool of data may be erasure coded.
                force=True,
            )
        there = (await self._all())[wanted.name]["data_pools"]
        for pool in wanted.data_pools:
            if pool.name not in there:
                await rados.mon("fs add_data_pool", fs_name=wanted.name, pool=pool.name)
        await rados.mon("fs set", fs_name=wanted.name, var="max_mds", val=str(wanted.active_count))
        count = wanted.active_count * (2 if wanted.active_standby else 1)
        servers = self._cluster.mds.setdefault(wanted.name, [])
        while len(servers) < count:
            servers.append(await self._start(program, wanted.name, chr(ord("a") + len(servers))))

    async def _start(self, program: str, filesystem: str, letter: str) -> Daemon:
        files, rados = self._cluster.files, self._cluster.rados
        name = f"{filesystem}-{letter}"
        key = await rados.mon("auth get-or-create", entity=f"mds.{name}", caps=_CAPS)
        data = files.data(f"mds.{name}")
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        (data / "keyring").touch(mode=0o600)
        (data / "keyring").write_bytes(key)
        await rados.mon("config set", who=f"mds.{name}", name="mds_join_fs", value=filesystem)
        command = [program, "-f", "-i", name, "-c", str(files.conf)]
        daemon = Daemon(f"mds.{name}", command, files.directory / "log" / f"mds.{name}.out")
        await daemon.start()
        return daemon

    async def names(self) -> tuple[str, ...]:
        return tuple(await self._all())

    async def delete(self, name: str) -> tuple[str, ...]:
        """The pools that it leaves."""
        found: dict[str, Any] | None = (await self._all()).get(name)
        servers = self._cluster.mds.pop(name, [])
        await asyncio.gather(*(server.stop(_STOP_S) for server in servers))
        if found is None:
            return ()
        await self._cluster.rados.mon("fs fail", fs_name=name)
        await self._cluster.rados.mon("fs rm", fs_name=name, yes_i_really_mean_it=True)
        return (found["metadata_pool"], *found["data_pools"])

    async def _all(self) -> dict[str, Any]:
        found = await self._cluster.rados.mon_json("fs ls")
        if not isinstance(found, list):
            raise CephError("fs ls", f"{found!r:.80} is no list")
        return {fs["name"]: fs for fs in found}

"""A `Ceph` of real processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from pytest_odfperf.sandbox.ceph.ceph import (
    CephError,
    Connection,
    FilesystemWanted,
    ImageWanted,
    Pool,
    PoolWanted,
)
from pytest_odfperf.sandbox.ceph.osd_tree import Osd
from pytest_odfperf.sandbox.ceph.real.ceph_conf import ADMIN
from pytest_odfperf.sandbox.ceph.real.filesystems import Filesystems
from pytest_odfperf.sandbox.ceph.real.fuse_mounts import FuseMounts
from pytest_odfperf.sandbox.ceph.real.image_commands import Images
from pytest_odfperf.sandbox.ceph.real.pool_commands import (
    Command,
    change_commands,
    create_commands,
    profile_name,
)
from pytest_odfperf.sandbox.ceph.real.real_faults import RealFaults
from pytest_odfperf.sandbox.ceph.real.start_ceph import RunningCluster, running_cluster
from pytest_odfperf.sandbox.config.ceph_faults import CephFault
from pytest_odfperf.sandbox.config.config_values import NodeConfig, RealCephConfig

_METRICS_DEADLINE_S = 20.0
#: Flags of a pool in the OSD map.
_FULL = ("full", "full_quota")


class RealCeph:
    def __init__(self, cluster: RunningCluster) -> None:
        self._cluster = cluster
        self._images = Images(cluster.programs.rbd, cluster.files)
        self._filesystems = Filesystems(cluster)
        self._mounts = FuseMounts(cluster.files)
        self._faults = RealFaults(cluster)
        #: Pools as they were wanted the last time.
        self._wanted: dict[str, PoolWanted] = {}
        # Two tasks that make one pool would both find it missing.
        self._making = asyncio.Lock()

    @property
    def cluster(self) -> RunningCluster:
        return self._cluster

    @property
    def fsid(self) -> str:
        return self._cluster.fsid

    @property
    def version(self) -> str:
        return self._cluster.programs.version

    @property
    def connection(self) -> Connection:
        files = self._cluster.files
        return Connection(conf=files.conf, user=ADMIN.removeprefix("client."), keyring=files.keyring)

    @property
    def metrics_url(self) -> str:
        return f"http://127.0.0.1:{self._cluster.metrics_port}/metrics"

    @property
    def osds(self) -> tuple[Osd, ...]:
        return self._cluster.tree

    async def status(self) -> Mapping[str, Any]:
        return dict(await self._cluster.rados.mon_json("status"))

    async def df(self) -> Mapping[str, Any]:
        return dict(await self._cluster.rados.mon_json("df", detail="detail"))

    async def pools(self) -> tuple[Pool, ...]:
        found = await self._cluster.rados.mon_json("osd pool ls", detail="detail")
        return tuple(_pool(raw) for raw in found)

    async def create_pool(self, wanted: PoolWanted) -> None:
        async with self._making:
            if any(pool.name == wanted.name for pool in await self.pools()):
                commands = change_commands(wanted, self._wanted.get(wanted.name))
            else:
                commands = create_commands(wanted, len(self._cluster.osds))
            for command in commands:
                await self._do(command)
            if (
                wanted.application == "rbd"
                and wanted.coding is None
                and wanted != self._wanted.get(wanted.name)
            ):
                await self._images.prepare(wanted.name)
            self._wanted[wanted.name] = wanted

    async def _do(self, command: Command) -> None:
        prefix, arguments = command
        await self._cluster.rados.mon(prefix, **arguments)

    async def delete_pool(self, name: str) -> None:
        async with self._making:
            self._wanted.pop(name, None)
            certain = {"yes_i_really_really_mean_it": True}
            await self._do(("osd pool delete", {"pool": name, "pool2": name, **certain}))
            # Only those that are of this pool are so named; the monitor keeps what others use.
            for prefix, of in (
                ("osd crush rule rm", name),
                ("osd erasure-code-profile rm", profile_name(name)),
            ):
                await self._do((prefix, {"name": of}))

    async def create_filesystem(self, wanted: FilesystemWanted) -> None:
        for pool in (wanted.metadata_pool, *wanted.data_pools):
            await self.create_pool(pool)
        await self._filesystems.create(wanted)

    async def filesystems(self) -> tuple[str, ...]:
        return await self._filesystems.names()

    async def mount(self, filesystem: str) -> Path:
        return await self._mounts.folder(filesystem)

    async def delete_filesystem(self, name: str) -> None:
        await self._mounts.forget(name)
        for pool in await self._filesystems.delete(name):
            await self.delete_pool(pool)

    async def images(self, pool: str) -> tuple[str, ...]:
        try:
            return await self._images.names(pool) + self._images.trashed(pool)
        except CephError as error:
            # Its PGs are not active: nobody could have made one, unless they were.
            if error.code != "ETIMEDOUT" or await self._objects(pool):
                raise
            return ()

    async def _objects(self, pool: str) -> int:
        """How many there are, as far as OSDs told; not 0 if it is not known."""
        pools = {found["name"]: found["stats"] for found in (await self.df())["pools"]}
        return int(pools[pool].get("objects", 1)) if pool in pools else 1

    async def create_image(self, wanted: ImageWanted) -> None:
        await self._images.create(wanted)

    async def resize_image(self, pool: str, name: str, size_bytes: int) -> None:
        await self._images.resize(pool, name, size_bytes)

    async def clone_image(self, source_pool: str, source: str, wanted: ImageWanted) -> None:
        await self._images.clone(source_pool, source, wanted)

    async def delete_image(self, pool: str, name: str) -> None:
        await self._images.delete(pool, name)

    async def cause(self, fault: CephFault) -> str:
        quotas = {n: (w.quota_bytes or 0, w.quota_objects or 0) for n, w in self._wanted.items()}
        return await self._faults.cause(fault, quotas)

    async def quiet(self) -> None:
        """End what other than the daemons runs."""
        await self._mounts.close()
        await self._faults.quiet()

    async def metrics(self) -> str:
        timeout = aiohttp.ClientTimeout(total=_METRICS_DEADLINE_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(self.metrics_url) as answer,
            ):
                answer.raise_for_status()
                return await answer.text()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise CephError("the manager's metrics", str(error) or type(error).__name__) from error


def _pool(raw: Mapping[str, Any]) -> Pool:
    flags = str(raw.get("flags_names") or "").split(",")
    return Pool(
        pool_id=int(raw.get("pool_id", raw.get("pool", 0))),
        name=str(raw["pool_name"]),
        size=int(raw["size"]),
        min_size=int(raw["min_size"]),
        pg_num=int(raw["pg_num"]),
        erasure_coded=bool(raw.get("erasure_code_profile")),
        applications=tuple(raw.get("application_metadata") or ()),
        quota_bytes=int(raw.get("quota_max_bytes") or 0),
        full=any(flag in flags for flag in _FULL),
    )


@asynccontextmanager
async def real_ceph(
    config: RealCephConfig,
    directory: Path,
    nodes: Sequence[NodeConfig],
    *,
    qemu: bool = False,
    filesystems: bool = False,
) -> AsyncIterator[RealCeph]:
    """While the block runs. Raises as `running_cluster` does."""
    async with running_cluster(config, directory, nodes, qemu=qemu, filesystems=filesystems) as cluster:
        await cluster.rados.mon(
            "osd set-require-min-compat-client", version="mimic", yes_i_really_mean_it=True
        )
        ceph = RealCeph(cluster)
        try:
            yield ceph
        finally:
            await ceph.quiet()

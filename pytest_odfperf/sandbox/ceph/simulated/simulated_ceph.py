"""A `Ceph` of no processes. Its states follow from the clock and from what was asked of it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from time import monotonic
from typing import Any

from pytest_odfperf.sandbox.ceph.ceph import (
    CephError,
    Connection,
    FilesystemWanted,
    ImageWanted,
    Pool,
    PoolWanted,
)
from pytest_odfperf.sandbox.ceph.client_io import ClientIo
from pytest_odfperf.sandbox.ceph.osd_tree import Osd, domains, osds_of, usable
from pytest_odfperf.sandbox.ceph.simulated.cluster_view import ClusterView, PoolView
from pytest_odfperf.sandbox.ceph.simulated.disturbed import Disturbed
from pytest_odfperf.sandbox.ceph.simulated.modelled_pool import Image, ModelledPool
from pytest_odfperf.sandbox.ceph.simulated.pg_states import USUAL_PGS, is_active
from pytest_odfperf.sandbox.ceph.simulated.pool_settings import check_settings
from pytest_odfperf.sandbox.ceph.simulated.simulated_faults import SimulatedFaults
from pytest_odfperf.sandbox.config.config_values import CephStatus, SandboxConfig, SimulatedCephConfig

_TIMEOUT = "exec timeout waiting for process rbd to return"


class SimulatedCeph(SimulatedFaults):
    """One per sandbox."""

    connection: Connection | None = None
    metrics_url: str | None = None

    def __init__(
        self,
        config: SandboxConfig,
        model: SimulatedCephConfig,
        client_io: ClientIo,
        clock_s: Callable[[], float] = monotonic,
    ) -> None:
        self._model = model
        self._clock_s = clock_s
        self.osds: tuple[Osd, ...] = osds_of(config.ceph, model, config.nodes)
        self.fsid = str(uuid.uuid5(uuid.NAMESPACE_OID, f"sandbox {config.seed}"))
        self.version = f"{model.release}.0-0"
        self._pools: dict[str, ModelledPool] = {}
        self._last_id = 0
        #: Metadata pool and data pools by file system.
        self._filesystems: dict[str, tuple[str, ...]] = {}
        #: What the configuration says of the cluster, beside what follows from its pools.
        self.told: CephStatus = config.ceph.status or CephStatus()
        #: Pools that were there before the sandbox.
        self._steady: list[str] = []
        self._io = client_io
        self.disturbed = Disturbed(client_io, model.late_s)
        if config.ceph.disturbance is not None:
            self.disturbed.becomes(config.ceph.disturbance)
        #: What was collected last for the metrics, when, and how often.
        self._collected: tuple[str, float, int] = ("", -model.collect_s, 0)

    # -- what it shows

    def view(self) -> ClusterView:
        return ClusterView(
            fsid=self.fsid,
            version=self.version,
            osds=self.osds,
            pools=tuple(self._view(pool) for pool in self._pools.values()),
            filesystems=tuple(self._filesystems),
            told=self.told,
            counted_osds=self._model.osds or 0,
            disturbed=self.disturbed,
        )

    def _view(self, pool: ModelledPool) -> PoolView:
        self._look(pool)
        usable_osds = usable(self.osds, pool.wanted.device_class)
        if not usable_osds and pool.wanted.name in self._steady:
            usable_osds = list(self.osds)
        count = domains(usable_osds, pool.wanted.failure_domain)
        placement = pool.placement(count, float(self._model.release) >= 18)
        age_s = self._clock_s() - pool.made_s
        steady = self._steady_states(pool)
        view = PoolView.of(pool, placement, age_s, self._model, usable_osds, steady=steady)
        return replace(view, states=self.disturbed.states(view.states))

    def _look(self, pool: ModelledPool) -> None:
        pool.written_bytes = int(self._io.count(pool.wanted.name).written_bytes)

    def _steady_states(self, pool: ModelledPool) -> Mapping[str, int] | None:
        """What is told of the PGs of all steady pools is shown by the first of them."""
        if pool.wanted.name not in self._steady:
            return None
        if self.told.pgs is None:
            return {"active+clean": pool.wanted.pg_num or USUAL_PGS}
        return self.told.pgs if pool.wanted.name == self._steady[0] else {}

    async def status(self) -> Mapping[str, Any]:
        return self.view().status()

    async def df(self) -> Mapping[str, Any]:
        return self.view().df()

    async def metrics(self) -> str:
        text, at_s, number = self._collected
        now_s = self._clock_s()
        if now_s >= at_s + self._model.collect_s:
            number += 1
            text = self.view().metrics(number)
            self._collected = text, now_s, number
        return text

    async def pools(self) -> tuple[Pool, ...]:
        for pool in self._pools.values():
            self._look(pool)
        return tuple(
            Pool(
                pool_id=pool.pool_id,
                name=name,
                size=pool.size,
                min_size=pool.min_size,
                pg_num=sum(self._view(pool).states.values()),
                erasure_coded=pool.wanted.coding is not None,
                applications=pool.applications,
                quota_bytes=pool.wanted.quota_bytes or 0,
                full=pool.full,
            )
            for name, pool in self._pools.items()
        )

    def wanted(self, pool: str) -> PoolWanted | None:
        """How a pool is kept; None if there is none."""
        found = self._pools.get(pool)
        return found.wanted if found else None

    # -- pools

    def keep_steady(self, wanted: PoolWanted) -> None:
        """A pool that was there before the sandbox: active and clean, wherever it is placed."""
        if wanted.name not in self._pools:
            self._steady.append(wanted.name)
            self._make(wanted)

    def keep_steady_filesystem(self, wanted: FilesystemWanted) -> None:
        for pool in (wanted.metadata_pool, *wanted.data_pools):
            self.keep_steady(pool)
        self._keep_filesystem(wanted)

    async def create_pool(self, wanted: PoolWanted) -> None:
        pool = self._pools.get(wanted.name)
        if pool is None:
            self._check(wanted)
            pool = self._make(wanted)
        else:
            self._check_change(pool, wanted)
            pool.change(wanted)
        check_settings(wanted)
        if wanted.application and wanted.application not in pool.applications:
            if wanted.application == "rbd":
                await self._write_into(pool, f"rbd pool init {wanted.name}")
            pool.applications = (*pool.applications, wanted.application)

    def _check(self, wanted: PoolWanted) -> None:
        doing = f"osd pool create {wanted.name}"
        if wanted.device_class and not usable(self.osds, wanted.device_class):
            raise _refused(doing, f"device class {wanted.device_class} does not exist", "EINVAL")
        if wanted.replicas == 1 and wanted.require_safe_size:
            words = (
                "WARNING: setting pool size 1 could lead to data loss without recovery. If you are "
                "*ABSOLUTELY CERTAIN* that is what you want, pass the flag --yes-i-really-mean-it."
            )
            raise _refused(doing, words, "EPERM")
        if wanted.coding is not None:
            data, parity = wanted.coding
            for name, count, least in (("k", data, 2), ("m", parity, 1)):
                if count < least:
                    raise _refused(doing, f"{name}={count} must be >= {least}", "EINVAL")
        if wanted.replicas is not None and not 1 <= wanted.replicas <= 10:
            raise _refused(doing, "pool size must be between 1 and 10", "EINVAL")

    def _check_change(self, pool: ModelledPool, wanted: PoolWanted) -> None:
        name, coded = wanted.name, pool.wanted.coding is not None
        if wanted.coding is not None and not coded:
            raise _refused(
                f"osd pool create {name}", f"pool '{name}' cannot change to type erasure", "EINVAL"
            )
        if wanted.coding is None and coded:
            words = "can not change the size of an erasure-coded pool"
            raise _refused(f"osd pool set {name} size", words, "ENOTSUP")
        self._check(wanted)

    async def _write_into(self, pool: ModelledPool, doing: str) -> None:
        """A write waits until PGs are active; if they never will be, for a deadline."""
        left_s = pool.made_s + self._model.settle_s - self._clock_s()
        if pool.wanted.name not in self._steady and left_s > 0:
            await asyncio.sleep(left_s)
        if not self._serves(pool):
            raise CephError(doing, _TIMEOUT, "ETIMEDOUT")

    def _make(self, wanted: PoolWanted) -> ModelledPool:
        self._last_id += 1
        pool = ModelledPool(self._last_id, wanted, self._clock_s())
        self._pools[wanted.name] = pool
        if wanted.name in self._steady and wanted.application:
            pool.applications = (wanted.application,)
        return pool

    def _serves(self, pool: ModelledPool) -> bool:
        if pool.wanted.name in self._steady:
            return True
        count = domains(usable(self.osds, pool.wanted.device_class), pool.wanted.failure_domain)
        return is_active(pool.placement(count, starts_at_one=False))

    async def delete_pool(self, name: str) -> None:
        if any(name in pools for pools in self._filesystems.values()):
            raise _refused(f"osd pool delete {name}", f"pool '{name}' is in use by CephFS", "EBUSY")
        self._pools.pop(name, None)
        if name in self._steady:
            self._steady.remove(name)

    # -- file systems

    async def filesystems(self) -> tuple[str, ...]:
        return tuple(self._filesystems)

    async def create_filesystem(self, wanted: FilesystemWanted) -> None:
        for pool in (wanted.metadata_pool, *wanted.data_pools):
            await self.create_pool(pool)
        if wanted.name not in self._filesystems:
            await self._write_into(self._pools[wanted.metadata_pool.name], f"mds of {wanted.name}")
        self._keep_filesystem(wanted)

    def _keep_filesystem(self, wanted: FilesystemWanted) -> None:
        data = [pool.name for pool in wanted.data_pools]
        self._filesystems[wanted.name] = (wanted.metadata_pool.name, *data)

    async def delete_filesystem(self, name: str) -> None:
        for pool in self._filesystems.pop(name, ()):
            await self.delete_pool(pool)

    # -- images

    def _pool(self, name: str) -> ModelledPool:
        pool = self._pools.get(name)
        if pool is None:
            raise CephError(f"rbd: error opening pool '{name}'", "(2) No such file or directory", "ENOENT")
        return pool

    async def images(self, pool: str) -> tuple[str, ...]:
        return tuple(self._pool(pool).images)

    async def create_image(self, wanted: ImageWanted) -> None:
        pool = self._pool(wanted.pool)
        if wanted.data_pool is not None:
            self._pool(wanted.data_pool)
        if pool.wanted.coding is not None:
            raise CephError("rbd: create error", "(95) Operation not supported", "EOPNOTSUPP")
        await self._write_into(pool, f"rbd create {wanted.pool}/{wanted.name}")
        if wanted.name not in pool.images:
            pool.images[wanted.name] = Image(wanted, wanted.size_bytes)
            self._data_pool(wanted).provisioned_bytes += wanted.size_bytes

    def _data_pool(self, wanted: ImageWanted) -> ModelledPool:
        """Where an image's data is; a pool that is gone takes no harm."""
        pool = self._pools.get(wanted.data_pool or wanted.pool)
        return pool or ModelledPool(0, PoolWanted(name=""), 0.0)

    async def resize_image(self, pool: str, name: str, size_bytes: int) -> None:
        image = self._image(pool, name)
        more = max(0, size_bytes - image.size_bytes)
        image.size_bytes += more
        self._data_pool(image.wanted).provisioned_bytes += more

    async def clone_image(self, source_pool: str, source: str, wanted: ImageWanted) -> None:
        size_bytes = self._image(source_pool, source).size_bytes
        await self.create_image(wanted)
        await self.resize_image(wanted.pool, wanted.name, size_bytes)

    async def delete_image(self, pool: str, name: str) -> None:
        found = self._pools.get(pool)
        image = found.images.pop(name, None) if found else None
        if image is not None:
            data = self._data_pool(image.wanted)
            self._look(data)
            data.forget(image.size_bytes)

    def _image(self, pool: str, name: str) -> Image:
        image = self._pool(pool).images.get(name)
        if image is None:
            raise CephError(f"rbd: error opening image {name}", "(2) No such file or directory", "ENOENT")
        return image


def _refused(doing: str, words: str, code: str) -> CephError:
    return CephError(doing, f"Error {code}: {words}", code)

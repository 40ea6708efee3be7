"""All reconcilers together, and the folders that their machines and volumes live in."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from pytest_odfperf.sandbox.ceph.ceph import Ceph
from pytest_odfperf.sandbox.config.parse_config import SandboxConfig, StorageClassConfig
from pytest_odfperf.sandbox.machines.base import Backend, Machine, Machines
from pytest_odfperf.sandbox.machines.image_backend import image_backend, is_rbd
from pytest_odfperf.sandbox.reconcilers import reconciled_kinds
from pytest_odfperf.sandbox.reconcilers.api_client import Api
from pytest_odfperf.sandbox.reconcilers.nodes.exec_server import ExecServer
from pytest_odfperf.sandbox.reconcilers.nodes.kubelet import Kubelets
from pytest_odfperf.sandbox.reconcilers.nodes.launcher_logs import Logs
from pytest_odfperf.sandbox.reconcilers.nodes.pod_containers import PodContainers
from pytest_odfperf.sandbox.reconcilers.nodes.scheduler import Scheduler
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import Obj
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches
from pytest_odfperf.sandbox.reconcilers.start_objects import create_objects
from pytest_odfperf.sandbox.reconcilers.storage.ceph_csi.ceph_provisioner import CephProvisioner
from pytest_odfperf.sandbox.reconcilers.storage.claims import Claims
from pytest_odfperf.sandbox.reconcilers.storage.data_volume import DataVolumes
from pytest_odfperf.sandbox.reconcilers.storage.rook.operator import pools_made, rook_operator
from pytest_odfperf.sandbox.reconcilers.storage.rook.rook_objects import create_rook_objects
from pytest_odfperf.sandbox.reconcilers.storage.snapshot_classes import create_snapshot_classes
from pytest_odfperf.sandbox.reconcilers.storage.snapshots import Snapshots
from pytest_odfperf.sandbox.reconcilers.storage.storage_profiles import StorageProfiles
from pytest_odfperf.sandbox.reconcilers.storage.volume_backends import VolumeBackends
from pytest_odfperf.sandbox.reconcilers.storage.volumes import Volumes
from pytest_odfperf.sandbox.reconcilers.trouble_book import TroubleBook
from pytest_odfperf.sandbox.reconcilers.vms.instance import Instances
from pytest_odfperf.sandbox.reconcilers.vms.kubevirt_moves import Moves
from pytest_odfperf.sandbox.reconcilers.vms.machine_spec import machine_spec
from pytest_odfperf.sandbox.reconcilers.vms.virtual_machine import VirtualMachines

_CACHED = (
    reconciled_kinds.NODE,
    reconciled_kinds.POD,
    reconciled_kinds.PVC,
    reconciled_kinds.PV,
    reconciled_kinds.EVENT,
    reconciled_kinds.STORAGE_CLASS,
    reconciled_kinds.VM,
    reconciled_kinds.VMI,
    reconciled_kinds.DATA_VOLUME,
    reconciled_kinds.DATA_SOURCE,
    reconciled_kinds.STORAGE_PROFILE,
    reconciled_kinds.VOLUME_SNAPSHOT,
    reconciled_kinds.VOLUME_SNAPSHOT_CLASS,
    reconciled_kinds.VOLUME_SNAPSHOT_CONTENT,
)
_OF_ROOK = (
    reconciled_kinds.CEPH_CLUSTER,
    reconciled_kinds.CEPH_BLOCK_POOL,
    reconciled_kinds.CEPH_FILESYSTEM,
)


class Part(Protocol):
    """What runs until it is cancelled."""

    def run(self) -> Coroutine[None, None, None]: ...


def backend_of(sc: StorageClassConfig, directory: Path, ceph: Ceph | None) -> Backend:
    """Where a StorageClass keeps its volumes; made here. Images are in a real Ceph, if there is one."""
    folder = Path(sc.directory).absolute() if sc.directory else directory / "volumes" / sc.name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if ceph is not None and ceph.connection is not None and is_rbd(sc.provisioner):
        return image_backend(
            sc.name,
            folder,
            ceph,
            sc.parameters,
            iops=sc.iops,
            bandwidth_bytes_per_s=sc.bandwidth_bytes_per_s,
        )
    return Backend(
        name=sc.name,
        directory=folder,
        format=sc.format,
        cache=sc.cache,
        iops=sc.iops,
        bandwidth_bytes_per_s=sc.bandwidth_bytes_per_s,
    )


@asynccontextmanager
async def reconcilers(
    api: Api,
    config: SandboxConfig,
    machines: Machines,
    directory: Path,
    ceph: Ceph | None,
    server: ExecServer,
) -> AsyncIterator[None]:
    """Run all reconcilers while the block runs; all machines are stopped after it.

    On entry the objects of the configuration are there and every cache is filled.
    """
    await create_objects(api, config, machines.marking)
    if ceph is not None:
        await create_rook_objects(api, config.ceph, ceph)
    await create_snapshot_classes(api, config, ceph=ceph is not None)
    backends = VolumeBackends(
        {sc.name: backend_of(sc, directory, ceph) for sc in config.storage_classes},
        CephProvisioner(api, ceph, directory / "volumes", real=machines.marking is None) if ceph else None,
    )
    errors = {sc.name: sc.provisioning_error for sc in config.storage_classes if sc.provisioning_error}

    async def make_machine(vmi: Obj) -> Machine:
        folder = directory / "machines" / vmi["metadata"]["uid"]
        if folder.exists():
            await asyncio.to_thread(shutil.rmtree, folder)
        folder.mkdir(parents=True, mode=0o700)
        return machines.machine(await machine_spec(api, vmi, backends, folder))

    caches = Caches(api, _CACHED if ceph is None else (*_CACHED, *_OF_ROOK))
    troubles = TroubleBook(caches, {sc.name: sc.troubles for sc in config.storage_classes})
    logs = Logs(directory / "logs")
    moves = Moves(config.kubevirt_minor)
    instances = Instances(
        api,
        caches,
        make_machine,
        cpu_allocation_ratio=config.cpu_allocation_ratio,
        moves=moves,
        troubles=troubles,
        logs=logs,
    )
    containers = PodContainers(api, machines, backends, server, logs, directory)
    parts: list[Part] = [
        Claims(
            api, caches, machines, backends, ceph, clone_s=config.clone_s, errors=errors, troubles=troubles
        ),
        Volumes(api, caches, machines, backends, ceph),
        Snapshots(api, caches, machines, backends, ceph),
        StorageProfiles(api, caches),
        DataVolumes(api, caches, troubles, clone_s=config.clone_s),
        VirtualMachines(api, caches, moves),
        Scheduler(api, caches),
        Kubelets(api, caches, troubles, logs, containers),
        instances,
        *(rook_operator(api, caches, config.ceph, ceph) if ceph else ()),
    ]
    runs = [caches.run(), *(part.run() for part in parts)]
    tasks = [asyncio.create_task(run) for run in runs]
    try:
        await caches.filled()
        if ceph is not None:
            await pools_made(caches, config.ceph)
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await instances.close()
        await containers.close()

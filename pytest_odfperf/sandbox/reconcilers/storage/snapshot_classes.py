"""The VolumeSnapshotClasses that are there from the start: ODF's, and one for each other driver."""

from __future__ import annotations

from pytest_odfperf.sandbox.config.parse_config import STORAGE_NAMESPACE, SandboxConfig
from pytest_odfperf.sandbox.reconcilers.api_client import Api
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import VOLUME_SNAPSHOT_CLASS
from pytest_odfperf.sandbox.reconcilers.storage.volumes import driver_of

_SNAPSHOTTER = "csi.storage.k8s.io/snapshotter-secret"


async def create_snapshot_classes(api: Api, config: SandboxConfig, *, ceph: bool) -> None:
    """Create them; those that are there already stay as they are."""
    kinds = ("rbd", "cephfs") if ceph else ()
    of_odf = {f"{STORAGE_NAMESPACE}.{kind}.csi.ceph.com": kind for kind in kinds}
    for driver, kind in of_odf.items():
        parameters = {
            "clusterID": STORAGE_NAMESPACE,
            f"{_SNAPSHOTTER}-name": f"rook-csi-{kind}-provisioner",
            f"{_SNAPSHOTTER}-namespace": STORAGE_NAMESPACE,
        }
        await _create(api, f"ocs-storagecluster-{kind}plugin-snapclass", driver, parameters)
    drivers = {driver_of({"provisioner": sc.provisioner}) for sc in config.storage_classes}
    for driver in sorted(drivers - set(of_odf)):
        await _create(api, f"{driver}-snapclass", driver, {})


async def _create(api: Api, name: str, driver: str, parameters: dict[str, str]) -> None:
    obj = {"metadata": {"name": name}, "driver": driver, "deletionPolicy": "Delete"}
    await api.create(VOLUME_SNAPSHOT_CLASS, {**obj, "parameters": parameters} if parameters else obj)

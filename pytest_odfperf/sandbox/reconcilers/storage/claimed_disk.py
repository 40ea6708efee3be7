"""The disk that is behind a claim."""

from __future__ import annotations

from pytest_odfperf.errors import OdfError
from pytest_odfperf.quantity import to_bytes
from pytest_odfperf.sandbox.machines.base import DiskSpec
from pytest_odfperf.sandbox.reconcilers.api_client import Api
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import PV, PVC, Obj
from pytest_odfperf.sandbox.reconcilers.storage.volume_backends import VolumeBackends


async def disk_of(api: Api, namespace: str, claim_name: str, disk: Obj, backends: VolumeBackends) -> DiskSpec:
    """What ``disk`` (``name``, ``serial``, ``bootOrder``) is on a claim; `OdfError` if that has no volume."""
    claim = await api.get(PVC, namespace, claim_name)
    volume_name = claim["spec"].get("volumeName") if claim else None
    volume = await api.get(PV, "", volume_name) if volume_name else None
    if volume is None:
        raise OdfError(f"disk {disk['name']}: claim {namespace}/{claim_name} has no volume")
    backend = await backends.of_volume(volume)
    if backend is None:
        raise OdfError(f"disk {disk['name']}: volume {volume_name} is of no StorageClass of this sandbox")
    return DiskSpec(
        name=disk["name"],
        serial=disk.get("serial"),
        size_bytes=to_bytes(str(volume["spec"]["capacity"]["storage"])),
        boot=disk.get("bootOrder") == 1,
        backend=backend,
        volume=volume["metadata"]["name"],
    )

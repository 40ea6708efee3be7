"""From a VirtualMachineInstance to the machine that it asks for."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from pathlib import Path

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.machines.base import MachineSpec
from pytest_odfperf.sandbox.reconcilers.api_client import Api
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import SECRET, Obj
from pytest_odfperf.sandbox.reconcilers.storage.claimed_disk import disk_of
from pytest_odfperf.sandbox.reconcilers.storage.volume_backends import VolumeBackends
from pytest_odfperf.sandbox.reconcilers.vms.launcher import guest_memory_bytes, vcpus

_CLOUD_INIT = ("cloudInitNoCloud", "cloudInitConfigDrive")


async def machine_spec(api: Api, vmi: Obj, backends: VolumeBackends, directory: Path) -> MachineSpec:
    """Reads the claims, volumes and Secrets that the VMI names; `OdfError` if one is not there."""
    meta, spec = vmi["metadata"], vmi["spec"]
    volumes = {volume["name"]: volume for volume in spec.get("volumes") or []}
    disks = []
    for disk in (spec["domain"].get("devices") or {}).get("disks") or []:
        volume = volumes.get(disk["name"], {})
        claim = (volume.get("dataVolume") or {}).get("name") or (
            volume.get("persistentVolumeClaim") or {}
        ).get("claimName")
        if claim:
            disks.append(await disk_of(api, meta["namespace"], claim, disk, backends))
    orders = [d.get("bootOrder") for d in spec["domain"]["devices"]["disks"]]
    boots = any(disk.boot for disk in disks)
    if disks and not boots and not any(orders):
        disks[0] = replace(disks[0], boot=True)
    cloud_init: Obj = next((v[k] for v in volumes.values() for k in _CLOUD_INIT if k in v), {})
    namespace = meta["namespace"]
    return MachineSpec(
        name=meta["name"],
        namespace=namespace,
        uid=meta["uid"],
        vcpus=vcpus(vmi),
        memory_bytes=guest_memory_bytes(vmi),
        user_data=await _data(api, namespace, cloud_init, "secretRef", "userData") or b"",
        network_data=await _data(api, namespace, cloud_init, "networkDataSecretRef", "networkData"),
        disks=tuple(disks),
        directory=directory,
    )


async def _data(api: Api, namespace: str, source: Obj, ref: str, key: str) -> bytes | None:
    """cloud-init data: of a Secret (keys ``userdata`` or ``userData``), base64, or as it is."""
    try:
        if name := (source.get(ref) or {}).get("name"):
            secret = await api.get(SECRET, namespace, name)
            if secret is None:
                raise OdfError(f"secret {namespace}/{name} not found")
            data = secret.get("data") or {}
            encoded = data.get(key.lower(), data.get(key))
            if encoded is None:
                raise OdfError(f"secret {namespace}/{name} has no key {key.lower()} or {key}")
            return base64.b64decode(encoded)
        if encoded := source.get(f"{key}Base64"):
            return base64.b64decode(encoded)
    except binascii.Error as error:
        raise OdfError(f"{key} is not base64: {error}") from error
    plain = source.get(key)
    return str(plain).encode() if plain is not None else None

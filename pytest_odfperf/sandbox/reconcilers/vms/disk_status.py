"""The disks of a running instance, as its status has them, and those of them that become larger.

KubeVirt ``pkg/virt-controller/watch/vmi``, ``pkg/virt-handler`` (its feature ExpandDisks).
"""

from __future__ import annotations

import logging

from pytest_odfperf.errors import OdfError
from pytest_odfperf.quantity import to_bytes
from pytest_odfperf.sandbox.machines.base import Machine
from pytest_odfperf.sandbox.reconcilers.api_client import Api
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import PVC, VMI, Obj, name_of
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches
from pytest_odfperf.sandbox.reconcilers.volume_claims import claim_name

log = logging.getLogger("odfperf.sandbox")


def volume_status(caches: Caches, vmi: Obj) -> list[Obj]:
    """The volumes of an instance, with what is known of their claims."""
    found = []
    for number, volume in enumerate(vmi["spec"].get("volumes") or []):
        status: Obj = {"name": volume["name"], "target": f"vd{chr(ord('a') + number % 26)}"}
        claim = caches[PVC].get(vmi["metadata"]["namespace"], claim_name(volume) or "")
        if claim is not None:
            spec = claim["spec"]
            status["persistentVolumeClaimInfo"] = {
                "claimName": claim["metadata"]["name"],
                "accessModes": spec.get("accessModes"),
                "volumeMode": spec.get("volumeMode"),
                "capacity": (claim.get("status") or {}).get("capacity"),
                "requests": spec["resources"].get("requests"),
            }
        found.append(status)
    return found


async def grow_disks(api: Api, caches: Caches, vmi: Obj, machine: Machine) -> None:
    """Have the guest see what became larger since the instance's status was written."""
    before = (vmi.get("status") or {}).get("volumeStatus") or []
    after = volume_status(caches, vmi)
    if [_size(one) for one in before] == [_size(one) for one in after]:
        return
    for old, new in zip(before, after, strict=False):
        if _size(new) > _size(old) > 0:
            claim = caches[PVC].get(
                vmi["metadata"]["namespace"], new["persistentVolumeClaimInfo"]["claimName"]
            )
            volume = claim["spec"].get("volumeName") if claim else ""
            try:
                await machine.grow_disk(volume or "", _size(new))
            except OdfError as error:
                log.warning("%s: disk %s does not grow: %s", "/".join(name_of(vmi)), new["name"], error)
    await api.patch_status(VMI, name_of(vmi), {"volumeStatus": after})


def _size(status: Obj) -> int:
    capacity = (status.get("persistentVolumeClaimInfo") or {}).get("capacity") or {}
    return to_bytes(str(capacity.get("storage", "0")))

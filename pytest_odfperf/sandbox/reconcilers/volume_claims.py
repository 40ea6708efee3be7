"""Which claims a machine uses."""

from __future__ import annotations

from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import Obj


def claim_name(volume: Obj) -> str | None:
    """The PVC of a volume of a VMI; that of a DataVolume has its name."""
    if data_volume := volume.get("dataVolume"):
        return str(data_volume["name"])
    if claim := volume.get("persistentVolumeClaim"):
        return str(claim["claimName"])
    return None


def claim_names(vmi: Obj) -> list[str]:
    """The PVCs of the VMI's volumes."""
    return [name for volume in vmi["spec"].get("volumes") or [] if (name := claim_name(volume))]

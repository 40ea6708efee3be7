"""Which claims a machine uses."""

from __future__ import annotations

from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import Obj


def claim_names(vmi: Obj) -> list[str]:
    """The PVCs of the VMI's volumes; that of a DataVolume has its name."""
    names = []
    for volume in vmi["spec"].get("volumes") or []:
        if data_volume := volume.get("dataVolume"):
            names.append(data_volume["name"])
        elif claim := volume.get("persistentVolumeClaim"):
            names.append(claim["claimName"])
    return names

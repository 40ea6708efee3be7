"""What a StorageClass says that its volumes can not exceed, by `CAPS` of the matrix model.

Drivers have parameters of their own for it; those that depend on a volume's size are left out. Annotations
(``odfperf/iops`` and the like) say it for any other. ceph-csi's own ``BaseIops`` and the like are not taken:
with krbd, the usual way, nothing enforces them. Sources: the drivers' documentation (AWS EBS, Google PD and
Hyperdisk, Azure Disk, IBM Cloud VPC File and Block).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pytest_odfperf.matrix.values.caps import CAPS

ANNOTATION = "odfperf/"
_MEBI = 1 << 20
_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,6})?", re.ASCII)

#: Provisioner: parameter in lower case, the cap that it is, and the unit.
PARAMETERS: Mapping[str, tuple[tuple[str, str, float], ...]] = {
    "ebs.csi.aws.com": (("iops", "iops", 1), ("throughput", "bandwidth", _MEBI)),
    "pd.csi.storage.gke.io": (
        ("provisioned-iops-on-create", "iops", 1),
        ("provisioned-throughput-on-create", "bandwidth", _MEBI),
    ),
    # A share of profile dp2, a volume of profile custom or sdp.
    "vpc.file.csi.ibm.io": (("iops", "iops", 1),),
    "vpc.block.csi.ibm.io": (("iops", "iops", 1),),
    "disk.csi.azure.com": (("diskiopsreadwrite", "iops", 1), ("diskmbpsreadwrite", "bandwidth", 1e6)),
}


def caps_of(
    provisioner: str, parameters: Mapping[str, str], annotations: Mapping[str, str]
) -> dict[str, float]:
    """The caps that are known; what is no number from 1 on says nothing."""
    lowered = {name.lower(): value for name, value in parameters.items()}
    found = {
        cap: value * unit
        for parameter, cap, unit in PARAMETERS.get(provisioner, ())
        if (value := _number(lowered.get(parameter, ""))) is not None
    }
    for cap in CAPS:
        annotation = str(annotations.get(ANNOTATION + cap.replace("_", "-"), ""))
        if (value := _number(annotation)) is not None:
            found[cap] = value
    return found


def _number(text: str) -> float | None:
    """Suffixes are the drivers' own, and what they mean differs (``Mi`` in Google's throughput)."""
    text = text.removesuffix("Mi")
    return float(text) if _NUMBER.fullmatch(text) and float(text) >= 1 else None

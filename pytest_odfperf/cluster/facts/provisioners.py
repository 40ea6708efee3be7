"""What is known of storage by its provisioner's name: whose it is, and how volumes are best given to VMs.

**The rule.** A provisioner whose name is ``rbd.csi.ceph.com``, ``cephfs.csi.ceph.com`` or
``nfs.csi.ceph.com``, or ends in a dot and one of these, is ceph-csi's, whatever stands before the dot: the
namespace of its operator (``openshift-storage.``, ``rook-ceph.``), or a name of one's own. RBD is Block,
CephFS and NFS are Filesystem.

For other drivers the table says what CDI would take first for a VM's disk (its ``StorageProfile``; CDI 1.66,
``pkg/storagecapabilities``). What is not in it is Filesystem, which every driver can.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from pytest_odfperf.matrix.model import VolumeMode

CephKind = Literal["rbd", "cephfs", "nfs"]

#: The last part of the name of each of ceph-csi's drivers, and the in-tree one that became it.
_CEPH: Mapping[str, CephKind] = {
    "rbd.csi.ceph.com": "rbd",
    "cephfs.csi.ceph.com": "cephfs",
    "nfs.csi.ceph.com": "nfs",
    "kubernetes.io/rbd": "rbd",
}


class Where(NamedTuple):
    """Another mode where a parameter of the StorageClass begins so; an empty ``begins``: where it is set."""

    parameter: str
    begins: str
    mode: VolumeMode


class Driver(NamedTuple):
    """A row: the volume mode of a provisioner's volumes, unless one of ``but`` fits: the first."""

    mode: VolumeMode
    but: tuple[Where, ...] = ()


_FSTYPE = "csi.storage.k8s.io/fstype"

#: By the provisioner's whole name.
DRIVERS: Mapping[str, Driver] = {
    # -- local disks
    "topolvm.io": Driver("Block"),
    "topolvm.cybozu.com": Driver("Block"),
    "kubesan.gitlab.io": Driver("Block"),
    "kubevirt.io.hostpath-provisioner": Driver("Filesystem"),
    "kubevirt.io/hostpath-provisioner": Driver("Filesystem"),
    "k8s.io/minikube-hostpath": Driver("Filesystem"),
    "directpv-min-io": Driver("Filesystem"),
    # -- replicated among nodes
    "linstor.csi.linbit.com": Driver("Block"),
    "driver.longhorn.io": Driver(
        "Block",
        (
            Where("migratable", "true", "Block"),
            Where("nfsOptions", "", "Filesystem"),
            Where("fsType", "", "Filesystem"),
        ),
    ),
    "pxd.portworx.com": Driver("Block", (Where("backend", "pure_fa_file", "Filesystem"),)),
    "kubernetes.io/portworx-volume": Driver("Block"),
    "storageos": Driver("Filesystem"),
    "kubernetes.io/storageos": Driver("Filesystem"),
    # -- arrays and filers
    "csi.trident.netapp.io": Driver("Filesystem", (Where("backendType", "ontap-san", "Block"),)),
    "csi-powerstore.dellemc.com": Driver("Block", (Where(_FSTYPE, "nfs", "Filesystem"),)),
    "csi-powermax.dellemc.com": Driver("Block", (Where(_FSTYPE, "nfs", "Filesystem"),)),
    "csi-vxflexos.dellemc.com": Driver("Block", (Where(_FSTYPE, "nfs", "Filesystem"),)),
    "csi-unity.dellemc.com": Driver("Block", (Where("protocol", "nfs", "Filesystem"),)),
    "csi-isilon.dellemc.com": Driver("Filesystem"),
    "csi.hpe.com": Driver("Block"),
    "hspc.csi.hitachi.com": Driver("Block"),
    "block.csi.ibm.com": Driver("Block"),
    "spectrumscale.csi.ibm.com": Driver("Filesystem"),
    "infinibox-csi-driver": Driver("Block", (Where("storage_protocol", "nfs", "Filesystem"),)),
    "csi.huawei.com": Driver("Block", (Where("protocol", "nfs", "Filesystem"),)),
    "csi.san.synology.com": Driver(
        "Block",
        (
            Where("protocol", "nfs", "Filesystem"),
            Where("protocol", "smb", "Filesystem"),
        ),
    ),
    "nfs.csi.k8s.io": Driver("Filesystem"),
    "k8s-sigs.io/nfs-subdir-external-provisioner": Driver("Filesystem"),
    # -- hypervisors and clouds
    "csi.vsphere.vmware.com": Driver("Block", (Where(_FSTYPE, "nfs", "Filesystem"),)),
    "csi.ovirt.org": Driver("Block"),
    "cinder.csi.openstack.org": Driver("Block"),
    "manila.csi.openstack.org": Driver("Filesystem"),
    "ebs.csi.aws.com": Driver("Block"),
    "kubernetes.io/aws-ebs": Driver("Block"),
    "efs.csi.aws.com": Driver("Filesystem"),
    "disk.csi.azure.com": Driver("Block"),
    "kubernetes.io/azure-disk": Driver("Block"),
    "file.csi.azure.com": Driver("Filesystem"),
    "kubernetes.io/azure-file": Driver("Filesystem"),
    "pd.csi.storage.gke.io": Driver("Block"),
    "kubernetes.io/gce-pd": Driver("Block"),
    "vpc.block.csi.ibm.io": Driver("Block"),
    "vpc.file.csi.ibm.io": Driver("Filesystem"),
    "blockvolume.csi.oraclecloud.com": Driver("Block"),
}


def ceph_kind(provisioner: str) -> CephKind | None:
    """Which of Ceph's services a provisioner gives volumes of; None: it is not Ceph's."""
    for name, kind in _CEPH.items():
        if provisioner == name or provisioner.endswith(f".{name}"):
            return kind
    return None


def ceph_prefix(provisioner: str) -> str:
    """What stands before the dot of a ceph-csi provisioner's name; empty if nothing does."""
    for name in _CEPH:
        if provisioner.endswith(f".{name}"):
            return provisioner.removesuffix(f".{name}")
    return ""


def usual_mode(provisioner: str, parameters: Mapping[str, str]) -> VolumeMode:
    """How volumes are given to VMs, unless the matrix says it."""
    if (kind := ceph_kind(provisioner)) is not None:
        return "Block" if kind == "rbd" else "Filesystem"
    driver = DRIVERS.get(provisioner, Driver("Filesystem"))
    for where in driver.but:
        value = parameters.get(where.parameter, "").lower()
        if value and value.startswith(where.begins):
            return where.mode
    return driver.mode

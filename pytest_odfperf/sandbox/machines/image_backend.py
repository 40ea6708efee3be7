"""From a StorageClass of ceph-csi's RBD driver to where its images are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pytest_odfperf.sandbox.ceph.ceph import Ceph
from pytest_odfperf.sandbox.machines.base import Backend

#: The driver's name has its namespace before it: ``openshift-storage.rbd.csi.ceph.com``.
_DRIVER = "rbd.csi.ceph.com"
#: Parameters of a StorageClass that the sandbox takes for librbd's settings; ceph-csi knows none of them.
_SETTING_PREFIX = "rbd_"


def is_rbd(provisioner: str) -> bool:
    return provisioner == _DRIVER or provisioner.endswith(f".{_DRIVER}")


def image_backend(
    name: str,
    directory: Path,
    ceph: Ceph,
    parameters: Mapping[str, str],
    *,
    iops: int | None = None,
    bandwidth_bytes_per_s: int | None = None,
) -> Backend:
    """``name``: of the StorageClass; ``directory``: for clones of the guest image, which are files.

    The limits are those of librbd (``rbd_qos_iops_limit``, ``rbd_qos_bps_limit``), of each image.
    """
    limits = {"rbd_qos_iops_limit": iops, "rbd_qos_bps_limit": bandwidth_bytes_per_s}
    settings = {setting: str(limit) for setting, limit in limits.items() if limit is not None}
    settings.update((key, value) for key, value in parameters.items() if key.startswith(_SETTING_PREFIX))
    features = parameters.get("imageFeatures", "")
    return Backend(
        name=name,
        directory=directory,
        format="qcow2",
        ceph=ceph,
        pool=parameters.get("pool"),
        data_pool=parameters.get("dataPool"),
        image_features=tuple(feature.strip() for feature in features.split(",") if feature.strip()),
        image_settings=settings,
    )

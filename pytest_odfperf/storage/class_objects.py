"""StorageClasses of recipes, with the parameters that ODF's own have for VMs."""

from __future__ import annotations

from typing import Any

from pytest_odfperf.matrix.values.recipe import Recipe
from pytest_odfperf.storage.ceph_objects import DATA_POOL
from pytest_odfperf.storage.made_labels import MADE_BY, made_labels
from pytest_odfperf.storage.site import StorageSite

#: Without exclusive-lock, object-map and fast-diff, writes are several times slower.
IMAGE_FEATURES = ("layering", "deep-flatten", "exclusive-lock", "object-map", "fast-diff")
#: Guests change buffers that are on their way; see ODF's class for virtualization.
MAP_OPTIONS = "krbd:rxbounce"


def rbd_class(
    recipe: Recipe,
    name: str,
    ceph_pool: str,
    metadata_pool: str | None,
    pool: str,
    account: str,
    site: StorageSite,
) -> dict[str, Any]:
    """A StorageClass whose images are in ``ceph_pool``; of an erasure coded one, its metadata elsewhere."""
    pools = {"pool": ceph_pool} if metadata_pool is None else {"pool": metadata_pool, "dataPool": ceph_pool}
    parameters = {
        "clusterID": site.rbd.cluster_id,
        **pools,
        "imageFormat": "2",
        "imageFeatures": ",".join(recipe.image_features or IMAGE_FEATURES),
        "mapOptions": recipe.map_options or MAP_OPTIONS,
        "csi.storage.k8s.io/fstype": "ext4",
        **site.rbd.secrets,
    }
    if recipe.encryption_kms_id is not None:
        parameters |= {"encrypted": "true", "encryptionKMSID": recipe.encryption_kms_id}
    return _class(name, site.rbd.name, parameters, pool, account)


def cephfs_class(name: str, filesystem: str, pool: str, account: str, site: StorageSite) -> dict[str, Any]:
    """A StorageClass whose volumes are in the first data pool of ``filesystem``."""
    parameters = {
        "clusterID": site.cephfs.cluster_id,
        "fsName": filesystem,
        "pool": f"{filesystem}-{DATA_POOL}",
        **site.cephfs.secrets,
    }
    return _class(name, site.cephfs.name, parameters, pool, account)


def _class(
    name: str, provisioner: str, parameters: dict[str, str], pool: str, account: str
) -> dict[str, Any]:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "labels": made_labels(pool), "annotations": {MADE_BY: account}},
        "provisioner": provisioner,
        "parameters": parameters,
        "reclaimPolicy": "Delete",
        "allowVolumeExpansion": True,
        "volumeBindingMode": "Immediate",
    }

"""What Rook and ODF keep in the storage namespace before any client comes."""

from __future__ import annotations

from base64 import b64encode
from secrets import token_bytes

from pytest_odfperf.sandbox.ceph.ceph import Ceph
from pytest_odfperf.sandbox.config.parse_config import STORAGE_NAMESPACE, CephConfig, CephStatus
from pytest_odfperf.sandbox.reconcilers.api_client import Api
from pytest_odfperf.sandbox.reconcilers.conditions import condition, merged
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import (
    CEPH_BLOCK_POOL,
    CEPH_CLUSTER,
    CEPH_FILESYSTEM,
    SECRET,
    STORAGE_CLUSTER,
    Kind,
    Obj,
)
from pytest_odfperf.sandbox.reconcilers.storage.ceph_csi.csi_rules import SECRET_FIELDS
from pytest_odfperf.sandbox.reconcilers.storage.rook.ceph_clusters import CLUSTER_NAME
from pytest_odfperf.sandbox.reconcilers.storage.rook.rook_status import ceph_part, rook_condition
from pytest_odfperf.sandbox.reconcilers.storage.rook.told_objects import create_told

#: Labels of nodes that ODF calls failure domains by.
_DOMAIN_KEYS = {
    "host": "kubernetes.io/hostname",
    "rack": "topology.rook.io/rack",
    "zone": "topology.kubernetes.io/zone",
}


async def create_rook_objects(api: Api, config: CephConfig, ceph: Ceph) -> None:
    kinds: tuple[tuple[Kind, list[str]], ...] = (
        (CEPH_BLOCK_POOL, list(config.block_pools)),
        (CEPH_FILESYSTEM, list(config.filesystems)),
    )
    await _create(api, CEPH_CLUSTER, await _cluster(config, ceph))
    for kind, names in kinds:
        for name in names:
            await create_told(api, kind, name, config, ceph)
    await _create(api, STORAGE_CLUSTER, _storage_cluster(config, ceph))
    for secret in _secrets():
        await api.create(SECRET, secret)


async def _create(api: Api, kind: Kind, obj: Obj) -> None:
    if await api.create(kind, obj):
        meta = obj["metadata"]
        await api.patch_status(kind, (meta["namespace"], meta["name"]), obj["status"])


async def _cluster(config: CephConfig, ceph: Ceph) -> Obj:
    words = "Cluster created successfully"
    return {
        "metadata": {"name": CLUSTER_NAME, "namespace": STORAGE_NAMESPACE},
        "spec": {"dataDirHostPath": "/var/lib/rook", "mon": {"count": 3}},
        "status": {
            "state": (config.status or CephStatus()).state,
            "phase": "Ready",
            "message": words,
            "conditions": [rook_condition("Ready", True, "ClusterCreated", words, [])],
            "ceph": ceph_part(await ceph.status(), ceph.version, {}),
            "storage": {
                "deviceClasses": [{"name": name} for name in device_classes(ceph)],
                "osd": {"storeType": {"bluestore": len(ceph.osds)}},
            },
            "version": {"version": ceph.version, "image": f"sandbox/ceph:v{ceph.version}"},
        },
    }


def _secrets() -> list[Obj]:
    """Those that StorageClasses name, as Rook makes them. Their keys open nothing."""
    made = []
    for kind, (user, key) in SECRET_FIELDS.items():
        for part in ("provisioner", "node"):
            name = f"csi-{kind}-{part}"
            values = {user: name, key: b64encode(token_bytes(28)).decode()}
            data = {field: b64encode(text.encode()).decode() for field, text in values.items()}
            meta = {"name": f"rook-{name}", "namespace": STORAGE_NAMESPACE}
            made.append({"metadata": meta, "type": "kubernetes.io/rook", "data": data})
    return made


def device_classes(ceph: Ceph) -> list[str]:
    """Of its OSDs."""
    return sorted({osd.device_class for osd in ceph.osds}) or ["hdd"]


def _storage_cluster(config: CephConfig, ceph: Ceph) -> Obj:
    domain = config.failure_domain
    key = _DOMAIN_KEYS.get(domain, f"topology.rook.io/{domain}")
    values = sorted({osd.buckets[domain] for osd in ceph.osds if domain in osd.buckets})
    available = condition("Available", "True", "ReconcileCompleted", "Reconcile completed successfully")
    return {
        "metadata": {"name": "ocs-storagecluster", "namespace": STORAGE_NAMESPACE},
        "spec": {},
        "status": {
            "phase": "Ready",
            "version": "sandbox",
            "failureDomain": domain,
            "failureDomainKey": key,
            "failureDomainValues": values,
            "defaultCephDeviceClass": device_classes(ceph)[0],
            "conditions": merged([], [available]),
        },
    }

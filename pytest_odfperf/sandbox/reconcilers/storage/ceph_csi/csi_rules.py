"""What ceph-csi refuses of a StorageClass, in its words and its order.

From ceph-csi ``internal/rbd/controllerserver.go``, ``rbd_util.go``,
``internal/cephfs/store/volumeoptions.go``, ``internal/util`` and kubernetes-csi/external-provisioner
``pkg/controller``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

CsiKind = Literal["rbd", "cephfs"]
Parameters = Mapping[str, str]

_PREFIX = "csi.storage.k8s.io/"
_SECRET = f"{_PREFIX}provisioner-secret-name", f"{_PREFIX}provisioner-secret-namespace"
#: What each feature of an image needs.
_FEATURES = {
    "layering": (),
    "exclusive-lock": (),
    "object-map": ("exclusive-lock",),
    "fast-diff": ("object-map",),
    "deep-flatten": (),
    "journaling": ("exclusive-lock",),
}
#: The fields of a secret: of RBD a user's, of CephFS an administrator's.
SECRET_FIELDS: Mapping[CsiKind, tuple[str, str]] = {
    "rbd": ("userID", "userKey"),
    "cephfs": ("adminID", "adminKey"),
}


def csi_kind(provisioner: str, namespace: str) -> CsiKind | None:
    """Which of the two drivers of the Ceph in ``namespace`` a provisioner is."""
    drivers: tuple[CsiKind, ...] = ("rbd", "cephfs")
    return next((kind for kind in drivers if provisioner == f"{namespace}.{kind}.csi.ceph.com"), None)


def rpc(code: str, words: str) -> str:
    return f"rpc error: code = {code} desc = {words}"


def secret_of(parameters: Parameters) -> tuple[str, str] | None:
    """Namespace and name of the provisioner's secret; None if none is named. `ValueError` for a half."""
    name, namespace = (parameters.get(key, "") for key in _SECRET)
    if bool(name) != bool(namespace):
        raise ValueError(
            "failed to get name and namespace template from params: either name and namespace for "
            "Provisioner secrets specified, Both must be specified"
        )
    return (namespace, name) if name else None


def parameters_problem(kind: CsiKind, parameters: Parameters) -> str | None:
    """What is wrong before any secret is looked at."""
    if kind == "cephfs":
        missing = next((name for name in ("clusterID", "fsName") if not parameters.get(name)), None)
        if missing is None:
            return None
        empty = f"parameter '{missing}' cannot be empty"
        return rpc("InvalidArgument", empty if missing in parameters else f"missing required field {missing}")
    if not parameters.get("clusterID"):
        return rpc("InvalidArgument", "empty cluster ID to provision volume from")
    if not parameters.get("pool"):
        return rpc("InvalidArgument", "missing or empty pool name to provision volume from")
    if parameters.get("dataPool") == "":
        return rpc("InvalidArgument", "empty datapool name to provision volume from")
    return None


def secret_problem(kind: CsiKind, data: Mapping[str, str] | None) -> str | None:
    """What is wrong with the data of a secret; None: there is no secret."""
    if not data:
        return rpc("InvalidArgument", "provided secret is empty")
    user, key = SECRET_FIELDS[kind]
    if user not in data:
        return rpc("InvalidArgument", f"missing ID field '{user}' in secrets")
    return None if data.get(key) else rpc("InvalidArgument", f"missing key field '{key}' in secrets")


def options_problem(kind: CsiKind, parameters: Parameters, cluster_id: str) -> str | None:
    """What is wrong once the secret is right."""
    named = parameters["clusterID"]
    if kind == "rbd" and parameters.get("imageFeatures") == "":
        return rpc("InvalidArgument", "empty imageFeatures parameter")
    if named != cluster_id:
        words = f'missing configuration for cluster ID "{named}"'
        words = f"failed to fetch monitor list using clusterID ({named}): {words}"
        return rpc("InvalidArgument", words)
    return _features_problem(parameters) if kind == "rbd" else None


def _features_problem(parameters: Parameters) -> str | None:
    features = [name for name in parameters.get("imageFeatures", "").split(",") if name]
    nbd = parameters.get("mounter") == "rbd-nbd"
    for feature in features:
        if feature not in _FEATURES:
            return rpc("InvalidArgument", f"invalid feature {feature}")
        if missing := next((needed for needed in _FEATURES[feature] if needed not in features), None):
            return rpc("InvalidArgument", f"feature {feature} requires {missing} to be set")
        if feature == "journaling" and not nbd:
            return rpc("InvalidArgument", f"feature {feature} requires rbd-nbd for mounter")
    return None


def context(parameters: Parameters) -> dict[str, str]:
    """What of a class's parameters a volume carries along."""
    return {name: text for name, text in parameters.items() if not name.startswith(_PREFIX)}


def filesystem_type(parameters: Parameters) -> str | None:
    return parameters.get(f"{_PREFIX}fstype")


def node_secret(parameters: Parameters) -> dict[str, str] | None:
    """The reference to the secret that nodes mount with."""
    names = (f"{_PREFIX}node-stage-secret-name", f"{_PREFIX}node-stage-secret-namespace")
    name, namespace = (parameters.get(key) for key in names)
    return {"name": name, "namespace": namespace} if name and namespace else None


def volume_handle(cluster_id: str, pool_id: int, uid: str) -> str:
    """As ceph-csi composes it: version, length and text of the cluster's id, pool's id, the image's own."""
    return f"0001-{len(cluster_id):04x}-{cluster_id}-{pool_id:016x}-{uid}"

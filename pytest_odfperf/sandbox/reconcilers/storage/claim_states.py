"""What claims are, and who uses them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import STORAGE_CLASS, Name, Obj, name_of
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches

SELECTED_NODE = "volume.kubernetes.io/selected-node"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
DEFAULT_VIRT_CLASS = "storageclass.kubevirt.io/is-default-virt-class"


def default_class(caches: Caches, *annotations: str) -> str | None:
    """The StorageClass that carries the first of these annotations that any class carries."""
    for annotation in annotations:
        for (_, name), sc in sorted(caches[STORAGE_CLASS].objects.items()):
            if (sc["metadata"].get("annotations") or {}).get(annotation) == "true":
                return name
    return None


def waits_for_consumer(caches: Caches, claim: Obj) -> bool:
    """Whether this claim is not bound before a pod that uses it has a node."""
    sc = caches[STORAGE_CLASS].get("", claim["spec"].get("storageClassName") or "")
    selected = (claim["metadata"].get("annotations") or {}).get(SELECTED_NODE)
    return bool(sc) and sc.get("volumeBindingMode") == "WaitForFirstConsumer" and not selected  # type: ignore[union-attr]


def is_bound(claim: Obj | None) -> bool:
    return bool(claim) and (claim.get("status") or {}).get("phase") == "Bound"  # type: ignore[union-attr]


def claims_of(pod: Obj) -> list[str]:
    volumes = pod["spec"].get("volumes") or []
    return [v["persistentVolumeClaim"]["claimName"] for v in volumes if v.get("persistentVolumeClaim")]


def users_of(objects: Mapping[Name, Obj], claim: Obj, claims: Callable[[Obj], list[str]]) -> list[Name]:
    """Those of ``objects`` that use ``claim``; ``claims`` tells the claims of each."""
    namespace, name = name_of(claim)
    return [key for key, obj in objects.items() if key[0] == namespace and name in claims(obj)]


def has_ended(pod: Obj) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def users(pods: Mapping[Name, Obj], claim: Obj) -> list[Obj]:
    """The pods that use ``claim`` and have not ended."""
    found = [pods[name] for name in users_of(pods, claim, claims_of)]
    return [pod for pod in found if not has_ended(pod)]


def running_user(pods: Mapping[Name, Obj], claim: Obj) -> Obj | None:
    """A pod that runs with ``claim``."""
    found = users(pods, claim)
    return next((pod for pod in found if (pod.get("status") or {}).get("phase") == "Running"), None)

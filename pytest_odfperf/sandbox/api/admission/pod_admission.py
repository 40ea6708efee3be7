"""What a new pod refers to must be there: its service account, priority class and runtime class."""

from __future__ import annotations

from pytest_odfperf.sandbox.api.objects.object_store import Obj, Store
from pytest_odfperf.sandbox.api.objects.resources import BY_PATH
from pytest_odfperf.sandbox.api.objects.status import StatusError

_ACCOUNTS = BY_PATH["", "v1", "serviceaccounts"]
_PRIORITIES = BY_PATH["scheduling.k8s.io", "v1", "priorityclasses"]


def fill_pod(store: Store, pod: Obj) -> None:
    """Account and priority as kube-apiserver's admission gives them. Raises a 403 `StatusError`."""
    spec, namespace = pod["spec"], pod["metadata"]["namespace"]
    account = spec.setdefault("serviceAccountName", "default")
    spec["serviceAccount"] = account
    if store.get(_ACCOUNTS, (namespace, account)) is None:
        found = f'serviceaccount "{account}" not found'
        raise _forbidden(pod, f"error looking up service account {namespace}/{account}: {found}")
    if (name := spec.get("priorityClassName")) is not None:
        priority = store.get(_PRIORITIES, ("", name))
        if priority is None:
            raise _forbidden(pod, f"no PriorityClass with name {name} was found")
        spec["priority"] = priority.get("value", 0)
    if name := spec.get("runtimeClassName"):
        raise _forbidden(pod, f'pod rejected: RuntimeClass "{name}" not found')


def _forbidden(pod: Obj, why: str) -> StatusError:
    name = pod["metadata"].get("name") or ""
    return StatusError(403, "Forbidden", f'pods "{name}" is forbidden: {why}', name=name, kind="pods")

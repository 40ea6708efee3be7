"""KubeVirt's own API server, virt-api, when it is away: its subresources and its webhooks do not answer.

It is away while the condition ``Available`` of its APIService is False: an administrator patches that
object's status, and kube-aggregator would do so itself.
"""

from __future__ import annotations

from pytest_odfperf.sandbox.api.objects.object_store import Store
from pytest_odfperf.sandbox.api.objects.paths import Target
from pytest_odfperf.sandbox.api.objects.resources import BY_PATH
from pytest_odfperf.sandbox.api.objects.status import StatusError

_SERVICES = BY_PATH["apiregistration.k8s.io", "v1", "apiservices"]
SERVICE = "v1.subresources.kubevirt.io"
_ITS_KINDS = ("virtualmachines", "virtualmachineinstances")


def is_away(store: Store) -> bool:
    service = store.get(_SERVICES, ("", SERVICE)) or {}
    conditions = (service.get("status") or {}).get("conditions") or ()
    return any(told.get("type") == "Available" and told.get("status") == "False" for told in conditions)


def check_webhooks(store: Store, target: Target) -> None:
    """Raises a 500 `StatusError` for a write that virt-api would have to look at."""
    if target.resource.plural in _ITS_KINDS and not target.sub and is_away(store):
        raise silent_webhook(target.resource.plural)


def silent_webhook(resource: str) -> StatusError:
    """What the API server says of a webhook that nobody serves."""
    address = f"https://virt-api.openshift-cnv.svc:443/{resource}-mutate?timeout=10s"
    return StatusError(
        500,
        "InternalError",
        f'Internal error occurred: failed calling webhook "{resource}-mutator.kubevirt.io": failed to call '
        f'webhook: Post "{address}": no endpoints available for service "virt-api"',
    )

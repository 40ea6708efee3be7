"""KubeVirt's question before a VM is taken: may its root disk be cloned from another namespace?

It is asked for the service account of the VM, ``default``, not for who creates the VM.
"""

from __future__ import annotations

from pytest_odfperf.sandbox.api.access.rbac import Action, is_allowed, user_named
from pytest_odfperf.sandbox.api.objects.object_store import Obj, Store
from pytest_odfperf.sandbox.api.objects.resources import BY_PATH
from pytest_odfperf.sandbox.api.objects.status import invalid

_SOURCES = BY_PATH["cdi.kubevirt.io", "v1beta1", "datasources"]


def check_clones(store: Store, vm: Obj) -> None:
    """Raises a 422 `StatusError` for a template whose source the account may not clone."""
    namespace = vm["metadata"]["namespace"]
    account = user_named(f"system:serviceaccount:{namespace}:default")
    templates = (vm.get("spec") or {}).get("dataVolumeTemplates") or ()
    for index, template in enumerate(templates):
        reference = (template.get("spec") or {}).get("sourceRef") or {}
        there = reference.get("namespace") or namespace
        source = store.get(_SOURCES, (there, str(reference.get("name"))))
        if source is None:
            continue  # CDI says so later, in the DataVolume
        found = (source.get("spec") or {}).get("source") or {}
        for place in found.values():
            origin = (place or {}).get("namespace") or there
            action = Action(
                verb="create", group="cdi.kubevirt.io", resource="datavolumes/source", namespace=origin
            )
            if origin != namespace and not is_allowed(store, account, action):
                raise invalid(
                    "VirtualMachine",
                    vm["metadata"]["name"],
                    f"spec.dataVolumeTemplates[{index}]",
                    f"Authorization failed, message is: User {account.name} has insufficient permissions in "
                    f"clone source namespace {origin}",
                )

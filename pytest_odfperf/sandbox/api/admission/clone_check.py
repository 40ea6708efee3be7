"""virt-api's question before a VM is taken, up to KubeVirt 1.4: may its root disk be cloned from elsewhere?

It is asked for the service account of the VM, not for who creates the VM. Newer versions take the VM, and
virt-controller asks.
"""

from __future__ import annotations

from pytest_odfperf.sandbox.api.access.rbac import Action, User, is_allowed, user_named
from pytest_odfperf.sandbox.api.objects.object_store import Obj, Store
from pytest_odfperf.sandbox.api.objects.resources import BY_PATH
from pytest_odfperf.sandbox.api.objects.status import invalid

_SOURCES = BY_PATH["cdi.kubevirt.io", "v1beta1", "datasources"]
_KUBEVIRTS = BY_PATH["kubevirt.io", "v1", "kubevirts"]
#: The last minor version of KubeVirt 1 that asks here.
_LAST_MINOR = 4


def check_clones(store: Store, vm: Obj) -> None:
    """Raises a 422 `StatusError` for a template whose source the account may not clone."""
    if _minor(store) > _LAST_MINOR:
        return
    namespace = vm["metadata"]["namespace"]
    account = user_named(f"system:serviceaccount:{namespace}:{_account(vm)}")
    templates = (vm.get("spec") or {}).get("dataVolumeTemplates") or ()
    for index, template in enumerate(templates):
        reference = (template.get("spec") or {}).get("sourceRef") or {}
        there = reference.get("namespace") or namespace
        source = store.get(_SOURCES, (there, str(reference.get("name"))))
        if source is None:
            continue  # CDI says so later, in the DataVolume
        found = (source.get("spec") or {}).get("source") or {}
        for sort, place in found.items():
            origin = (place or {}).get("namespace") or there
            if origin != namespace and not _may_clone(store, account, sort, origin):
                raise invalid(
                    "VirtualMachine",
                    vm["metadata"]["name"],
                    f"spec.dataVolumeTemplates[{index}]",
                    f"Authorization failed, message is: User {account.name} has insufficient permissions in "
                    f"clone source namespace {origin}",
                )


def _minor(store: Store) -> int:
    """Of the KubeVirt that is installed; high if there is none."""
    for found in store.all(_KUBEVIRTS):
        version = str((found.get("status") or {}).get("observedKubeVirtVersion"))
        minor = version.partition(".")[2].partition(".")[0]
        if minor.isdecimal():
            return int(minor)
    return _LAST_MINOR + 1


def _account(vm: Obj) -> str:
    template = ((vm.get("spec") or {}).get("template") or {}).get("spec") or {}
    volumes = [
        volume["serviceAccount"] for volume in template.get("volumes") or () if volume.get("serviceAccount")
    ]
    return str(volumes[-1].get("serviceAccountName")) if volumes else "default"


def _may_clone(store: Store, account: User, sort: str, origin: str) -> bool:
    """CDI, ``authorize_utils.go``: the right itself, or what amounts to it: of a snapshot both."""

    def may(group: str, resource: str) -> bool:
        return is_allowed(
            store, account, Action(verb="create", group=group, resource=resource, namespace=origin)
        )

    instead = ("pods", "pvcs") if sort == "snapshot" else ("pods",)
    return may("cdi.kubevirt.io", "datavolumes/source") or all(may("", resource) for resource in instead)

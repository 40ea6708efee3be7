"""The parts of kube-controller-manager that the server runs itself: garbage, namespaces, quotas."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from pytest_odfperf.sandbox.api.admission.quota import settle_quotas
from pytest_odfperf.sandbox.api.objects.lifecycle import collect_garbage
from pytest_odfperf.sandbox.api.objects.object_store import Change, Store
from pytest_odfperf.sandbox.api.objects.resources import BY_PATH

_NAMESPACES = BY_PATH["", "v1", "namespaces"]
_ACCOUNTS = BY_PATH["", "v1", "serviceaccounts"]
_CONFIG_MAPS = BY_PATH["", "v1", "configmaps"]
_ROOT_CA = "kube-root-ca.crt"
#: What each namespace always has.
_IN_EACH = ((_ACCOUNTS, "default"), (_CONFIG_MAPS, _ROOT_CA))


async def control(store: Store, root_ca: str) -> None:
    """Follow the changes of ``store`` from its beginning, until cancelled.

    ``root_ca`` is the server's certificate, in PEM.
    """
    seen = 0
    while True:
        changed = store.next_change()
        changes = store.since(seen)
        seen = store.version
        if not changes:
            await changed.wait()
            continue
        collect_garbage(store, changes)
        _furnish(store, changes, root_ca)
        settle_quotas(store, changes)
        await asyncio.sleep(0)


def _furnish(store: Store, changes: Iterable[Change], root_ca: str) -> None:
    """The service account ``default`` and the server's certificate in each namespace."""
    for change in changes:
        obj = change.after or change.before or {}
        meta = obj["metadata"]
        if change.resource is _NAMESPACES and change.before is None:
            name = meta["name"]
        elif change.after is None and (change.resource, meta["name"]) in _IN_EACH:
            name = meta["namespace"]
        else:
            continue
        namespace = store.get(_NAMESPACES, ("", name))
        if namespace is None or namespace["metadata"].get("deletionTimestamp"):
            continue
        for resource, of in _IN_EACH:
            if store.get(resource, (name, of)) is None:
                made = {
                    "apiVersion": "v1",
                    "kind": resource.kind,
                    "metadata": {"name": of, "namespace": name},
                }
                if of == _ROOT_CA:
                    made["data"] = {"ca.crt": root_ca}
                store.create(resource, made)

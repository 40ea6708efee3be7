"""The parts of kube-controller-manager that the server runs itself: garbage, namespaces, quotas."""

from __future__ import annotations

import asyncio

from pytest_odfperf.sandbox.api.admission.quota import settle_quotas
from pytest_odfperf.sandbox.api.objects.lifecycle import collect_garbage
from pytest_odfperf.sandbox.api.objects.object_store import Store


async def control(store: Store) -> None:
    """Follow the changes of ``store``, until cancelled."""
    seen = store.version
    while True:
        changed = store.next_change()
        changes = store.since(seen)
        seen = store.version
        if not changes:
            await changed.wait()
            continue
        collect_garbage(store, changes)
        settle_quotas(store, changes)
        await asyncio.sleep(0)

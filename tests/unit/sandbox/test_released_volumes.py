"""A volume whose claim is gone, as who asks meanwhile sees it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import PVC
from pytest_odfperf.sandbox.reconcilers.storage.volumes import Volumes


@pytest.mark.parametrize(
    ("policy", "phase", "done"),
    [
        ("Delete", "Bound", ["Released", "data", "delete", "finalizers"]),
        ("Delete", "Released", ["data", "delete", "finalizers"]),
        ("Retain", "Bound", ["Released"]),
        ("Retain", "Released", []),
    ],
)
def test_a_volume_is_released_before_its_data_goes(policy: str, phase: str, done: list[str]) -> None:
    seen: list[str] = []

    class Api:
        async def get(self, *_: Any) -> None:
            return None

        async def patch_status(self, *arguments: Any) -> None:
            seen.append(arguments[-1]["phase"])

        async def delete(self, *_: Any) -> None:
            seen.append("delete")

        async def patch(self, *_: Any) -> None:
            seen.append("finalizers")

    async def delete_volume(*_: Any) -> None:
        seen.append("data")

    async def of_volume(_: Any) -> Any:
        return SimpleNamespace(image=lambda _: None)

    volumes = object.__new__(Volumes)
    volumes.api = Api()  # type: ignore[assignment]
    volumes.caches = {PVC: SimpleNamespace(get=lambda *_: None)}  # type: ignore[assignment]
    volumes._machines = SimpleNamespace(delete_volume=delete_volume)  # type: ignore[assignment]
    volumes._backends = SimpleNamespace(of_volume=of_volume)  # type: ignore[assignment]
    volumes._ceph = None
    volume = {
        "metadata": {"name": "pvc-1"},
        "spec": {
            "persistentVolumeReclaimPolicy": policy,
            "claimRef": {"namespace": "n", "name": "c", "uid": "u"},
        },
        "status": {"phase": phase},
    }
    volumes.current = lambda _: volume  # type: ignore[method-assign, assignment]
    asyncio.run(volumes.reconcile(("", "pvc-1")))
    assert seen == done

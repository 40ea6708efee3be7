"""Where the administrator's faults of Ceph come in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.sandbox.ceph.ceph import Ceph, Disturbed
from pytest_odfperf.sandbox.config.ceph_faults import read_fault


class FaultDoor:
    def __init__(self, ceph: Ceph | None) -> None:
        self._ceph = ceph

    async def __call__(self, body: Any) -> Mapping[str, Any]:
        """Raises `InputError`, `CephError`."""
        fault = read_fault(body)
        if not isinstance(self._ceph, Disturbed):
            raise InputError("this sandbox has no Ceph that can be disturbed (ceph: see docs/sandbox.md)")
        return {"done": await self._ceph.cause(fault)}

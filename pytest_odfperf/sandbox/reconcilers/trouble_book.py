"""Which troubles an object has: those of the StorageClass of its VM's data disk."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from pytest_odfperf.sandbox.config.trouble_rules import NONE, Troubles
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import DATA_VOLUME, PVC, VM, Obj
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches
from pytest_odfperf.sandbox.reconcilers.volume_claims import claim_names


class TroubleBook:
    def __init__(self, caches: Caches, by_class: Mapping[str, Troubles]) -> None:
        self._caches = caches
        self._by_class = {name: troubles for name, troubles in by_class.items() if troubles != NONE}

    def of_machine(self, namespace: str, machine: Obj) -> Troubles:
        """Of a VMI, or of the template of a VM."""
        return self.of_claims(namespace, claim_names(machine)) if self._by_class else NONE

    def of_claims(self, namespace: str, names: list[str]) -> Troubles:
        """Of whatever uses these claims: the first data disk that has any.

        Root disks of all pools may be of one class, whose troubles are not theirs. Without a data disk they
        count.
        """
        if not self._by_class:
            return NONE
        data = [name for name in names if not self._is_root(namespace, name)]
        for name in data or names:
            claim = self._caches[PVC].get(namespace, name)
            found = self._by_class.get(((claim or {}).get("spec") or {}).get("storageClassName") or "")
            if found is not None:
                return found
        return NONE

    def _is_root(self, namespace: str, name: str) -> bool:
        """Whether a claim is filled from somewhere."""
        volume = self._caches[DATA_VOLUME].get(namespace, name)
        return volume is not None and "blank" not in (volume["spec"].get("source") or {})

    def of_volume(self, data_volume: Obj) -> Troubles:
        """Of the VM that a DataVolume was made for."""
        meta = data_volume["metadata"]
        for ref in meta.get("ownerReferences") or ():
            vm = self._caches[VM].get(meta["namespace"], ref["name"]) if ref.get("kind") == VM.kind else None
            if vm is not None:
                return self.of_machine(meta["namespace"], vm["spec"]["template"])
        return NONE

    def of_claim(self, claim: Obj) -> Troubles:
        """Of a claim itself, or of the DataVolume that it was made for."""
        meta = claim["metadata"]
        for ref in meta.get("ownerReferences") or ():
            if ref.get("kind") == DATA_VOLUME.kind:
                volume = self._caches[DATA_VOLUME].get(meta["namespace"], ref["name"])
                return self.of_volume(volume) if volume is not None else NONE
        return self._by_class.get(claim["spec"].get("storageClassName") or "", NONE)


def held_s(obj: Obj, seconds: float) -> float:
    """How long an object that is being deleted is still held, if it is held for ``seconds``."""
    deleted = datetime.fromisoformat(obj["metadata"]["deletionTimestamp"])
    return max(0.0, seconds - (datetime.now(UTC) - deleted).total_seconds()) if seconds else 0.0

"""The phases that the sandbox's configuration tells of its own pools and file systems."""

from __future__ import annotations

from pytest_odfperf.sandbox.config.parse_config import STORAGE_NAMESPACE, CephConfig
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import (
    CEPH_BLOCK_POOL,
    CEPH_FILESYSTEM,
    Kind,
    Name,
)


class ToldPhases:
    """Phases by object; none for what clients made. A real Ceph has its own."""

    def __init__(self, config: CephConfig) -> None:
        objects = ((CEPH_BLOCK_POOL, config.block_pools), (CEPH_FILESYSTEM, config.filesystems))
        self._phases = {
            (kind, (STORAGE_NAMESPACE, name)): wanted.phase
            for kind, named in objects
            for name, wanted in named.items()
            if config.real is None
        }
        #: Objects that the configuration is just making anew: nobody else looks at them.
        self.rebuilt: set[tuple[Kind, Name]] = set()

    def phase(self, kind: Kind, name: Name, usual: str | None) -> str | None:
        return self._phases.get((kind, name), usual)

    def change(self, kind: Kind, name: Name, phase: str) -> None:
        self._phases[kind, name] = phase

"""A pool of a simulated Ceph, with its images."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pytest_odfperf.sandbox.ceph.ceph import ImageWanted, PoolWanted
from pytest_odfperf.sandbox.ceph.simulated.pg_states import PoolPlacement

#: What ``rbd pool init`` writes.
_RBD_OBJECTS = 1
_OBJECT_BYTES = 4 << 20


@dataclass(slots=True)
class Image:
    wanted: ImageWanted
    size_bytes: int


@dataclass(slots=True)
class ModelledPool:
    pool_id: int
    wanted: PoolWanted
    #: On the clock of the model.
    made_s: float
    images: dict[str, Image] = field(default_factory=dict)
    #: Sizes of all images whose data is here.
    provisioned_bytes: int = 0
    #: What clients have written, at the last look, and how much of that is deleted or was written over.
    written_bytes: int = 0
    gone_bytes: int = 0
    #: Applications that were enabled on it.
    applications: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Copies or chunks."""
        return sum(self.wanted.coding) if self.wanted.coding else self.wanted.replicas or 0

    @property
    def min_size(self) -> int:
        """As Ceph sets it: one below the size, or one above the data chunks (measured, as m=1 has k)."""
        if self.wanted.coding is None:
            return max(1, self.size - self.size // 2)
        data, parity = self.wanted.coding
        return min(data + 1, data + parity - 1)

    @property
    def raw_factor(self) -> float:
        """Raw bytes for each byte of data."""
        return self.size / max(1, self.wanted.coding[0]) if self.wanted.coding else float(self.size)

    @property
    def stored_bytes(self) -> int:
        """What is written lies where nothing was, as long as there is room in the images."""
        return min(self.provisioned_bytes, self.written_bytes - self.gone_bytes)

    def forget(self, size_bytes: int) -> None:
        """An image of that size is deleted, which has its part of what is stored."""
        stored = self.stored_bytes
        left = round(stored * (1 - size_bytes / self.provisioned_bytes)) if self.provisioned_bytes else 0
        self.provisioned_bytes -= size_bytes
        self.gone_bytes = self.written_bytes - left

    @property
    def objects(self) -> int:
        return -(-self.stored_bytes // _OBJECT_BYTES) + 3 * len(self.images) + self._init_objects

    @property
    def _init_objects(self) -> int:
        return _RBD_OBJECTS if "rbd" in self.applications else 0

    @property
    def full(self) -> bool:
        """By its quota."""
        wanted = self.wanted
        bytes_full = wanted.quota_bytes is not None and 0 < wanted.quota_bytes <= self.stored_bytes
        return bytes_full or (wanted.quota_objects is not None and 0 < wanted.quota_objects <= self.objects)

    def change(self, wanted: PoolWanted) -> None:
        """All but its kind, and where it is placed."""
        old = self.wanted
        self.wanted = replace(
            wanted,
            failure_domain=old.failure_domain,
            device_class=old.device_class,
            coding=old.coding,
            replicas=None if old.coding else wanted.replicas,
            pg_num=wanted.pg_num or old.pg_num,
        )

    def placement(self, domains: int, starts_at_one: bool) -> PoolPlacement:
        return PoolPlacement(
            size=self.size,
            min_size=self.min_size,
            data_chunks=self.wanted.coding[0] if self.wanted.coding else 0,
            domains=domains,
            holds_objects=self.objects > 0,
            pg_num=self.wanted.pg_num,
            starts_at_one=starts_at_one,
        )

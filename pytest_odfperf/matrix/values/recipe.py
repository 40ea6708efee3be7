"""How a pool is made: the Ceph object behind it, and the StorageClass that leads there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

RecipeKind = Literal["CephBlockPool", "CephFilesystem"]
Compression = Literal["none", "passive", "aggressive", "force"]

#: What decides no figure of a key.
_NO_FIGURE = ("require_safe_replica_size", "second_filesystem", "quota")


@dataclass(frozen=True, slots=True, kw_only=True)
class MdsSettings:
    """The metadata servers of a file system. ``cpus`` and ``memory_bytes`` are what each asks for."""

    active: int = 1
    standby: bool = True
    cpus: float = 1.0
    memory_bytes: int = 4 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One pool's recipe. None: as the cluster, or Ceph, has it.

    One that has neither ``replicas`` nor chunks only names an object that is there.
    """

    kind: RecipeKind
    #: Of the Ceph object; None: the pool's.
    name: str | None = None
    #: Where the CephCluster is, if there are several.
    namespace: str | None = None
    replicas: int | None = None
    #: The k and the m of an erasure coded pool.
    data_chunks: int | None = None
    coding_chunks: int | None = None
    #: False is the word for a pool of one copy, which loses all of it with one disk.
    require_safe_replica_size: bool = True
    #: What no two copies, or chunks, share: ``osd``, ``host``, ``rack``, ``zone``, ...
    failure_domain: str | None = None
    device_class: str | None = None
    #: What the autoscaler is told of the pool's later share of the capacity.
    target_size_ratio: float | None = None
    compression: Compression | None = None
    #: A fixed number of placement groups; None: the autoscaler's.
    pg_num: int | None = None
    #: Set on the Ceph pool as they are.
    parameters: Mapping[str, str] = field(default_factory=dict)
    quota_bytes: int | None = None
    quota_objects: int | None = None
    #: The replicated pool in which RBD keeps what it knows of images whose data is erasure coded.
    metadata_pool: str | None = None
    #: Of a file system's metadata pool.
    metadata_replicas: int | None = None
    mds: MdsSettings | None = None
    #: The word for a file system beside one that is there, which ODF does not support.
    second_filesystem: bool = False
    image_features: tuple[str, ...] | None = None
    map_options: str | None = None
    #: The key management service (its id in ``csi-kms-connection-details``) of encrypted volumes.
    encryption_kms_id: str | None = None
    #: File and line, for messages.
    place: str = ""

    @property
    def makes(self) -> bool:
        """Whether it says enough to make the object."""
        return self.replicas is not None or self.data_chunks is not None

    @property
    def chunks(self) -> tuple[int, int] | None:
        """The k and the m; None: it is replicated."""
        if self.data_chunks is None or self.coding_chunks is None:
            return None
        return self.data_chunks, self.coding_chunks

    @property
    def copies(self) -> float:
        """Bytes stored for each byte written."""
        return sum(self.chunks) / self.chunks[0] if self.chunks else float(self.replicas or 1)

    @property
    def domains_needed(self) -> int:
        """How many failure domains it takes: each copy, or chunk, is in one of its own."""
        return sum(self.chunks) if self.chunks else max(self.replicas or 1, self.metadata_copies)

    @property
    def metadata_copies(self) -> int:
        """Copies of the metadata of a file system; 0: it is none."""
        return 0 if self.kind == "CephBlockPool" else self.metadata_replicas or 3

    @property
    def redundancy(self) -> str:
        """``3 replicas``, ``2+1 chunks``."""
        if self.chunks:
            return "{}+{} chunks".format(*self.chunks)
        return f"{self.replicas} {'replica' if self.replicas == 1 else 'replicas'}"

    def written(self) -> dict[str, Any]:
        """As a matrix file says it, without what is as usual."""
        quota = {"max_size": self.quota_bytes, "max_objects": self.quota_objects}
        said: dict[str, Any] = {
            name: getattr(self, name) for name in self.__slots__ if name not in ("place", "mds")
        }
        for name in ("quota_bytes", "quota_objects"):
            del said[name]
        said["quota"] = {name: value for name, value in quota.items() if value is not None} or None
        said["parameters"] = dict(self.parameters) or None
        said["image_features"] = list(self.image_features) if self.image_features else None
        said["require_safe_replica_size"] = None if self.require_safe_replica_size else False
        said["second_filesystem"] = self.second_filesystem or None
        if self.mds is not None:
            said["mds"] = {
                "active": self.mds.active,
                "standby": self.mds.standby,
                "cpus": self.mds.cpus,
                "memory": self.mds.memory_bytes,
            }
        return {name: value for name, value in said.items() if value is not None}

    def deciding(self) -> dict[str, Any]:
        """What of it decides the figures of keys."""
        return {name: value for name, value in self.written().items() if name not in _NO_FIGURE}

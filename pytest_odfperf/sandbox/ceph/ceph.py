"""What the sandbox needs of a Ceph cluster, be it one of real processes or a model of one.

The operator makes pools with it, the volumes images; the API server only forwards to its metrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.ceph.osd_tree import Osd
from pytest_odfperf.sandbox.config.ceph_faults import CephFault

#: Modes of ``compression_mode`` of a pool (docs.ceph.com, "Pools").
Compression = Literal["none", "passive", "aggressive", "force"]
#: Features of an image that both Rook's and ODF's StorageClasses may name.
IMAGE_FEATURES = ("layering", "exclusive-lock", "object-map", "fast-diff", "deep-flatten", "journaling")


class CephError(OdfError):
    """Ceph refused.

    ``said`` is its own words, as its programs print them (``Error EINVAL: device class x does not exist``);
    ``code`` its error's name, where it told one.
    """

    def __init__(self, doing: str, said: str, code: str | None = None) -> None:
        self.said = said
        self.code = code
        super().__init__(f"{doing}: {said}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolWanted:
    """A pool as it shall be. Either `replicas` or `coding` says how its objects are kept."""

    name: str
    #: Copies of each object; None: erasure coded.
    replicas: int | None = 3
    #: Data and coding chunks of an erasure coded pool.
    coding: tuple[int, int] | None = None
    #: None: what suits the number of OSDs. It is never left to Ceph, which would split PGs later.
    pg_num: int | None = None
    #: Buckets of the CRUSH map that no two copies share: ``osd``, ``host``, ``rack``, ``zone``.
    failure_domain: str = "host"
    #: ``hdd``, ``ssd``, ``nvme``; None: any.
    device_class: str | None = None
    #: What uses it, as ``ceph osd pool application enable`` has it; None: nothing yet.
    application: str | None = "rbd"
    compression: Compression | None = None
    #: Of all other pools' size, as ``target_size_ratio``.
    target_size_ratio: float | None = None
    #: None: no limit.
    quota_bytes: int | None = None
    quota_objects: int | None = None
    #: As ``ceph osd pool set`` takes them.
    parameters: Mapping[str, str] = field(default_factory=dict)
    #: Copies below two are refused by Ceph unless asked for twice.
    require_safe_size: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A pool as it is."""

    pool_id: int
    name: str
    #: Copies, or chunks of both kinds.
    size: int
    min_size: int
    pg_num: int
    erasure_coded: bool
    #: ``rbd``, ``cephfs``, ``mgr``, ...
    applications: tuple[str, ...] = ()
    #: Of data, over which it is full (its quota); 0: none.
    quota_bytes: int = 0
    #: No more may be written: its quota, or a full OSD of it.
    full: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesystemWanted:
    """A file system: one pool of metadata, at least one of data."""

    name: str
    metadata_pool: PoolWanted
    data_pools: tuple[PoolWanted, ...]
    active_count: int = 1
    active_standby: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageWanted:
    """An RBD image. What `data_pool` has is its data alone, as erasure coded pools keep no more."""

    pool: str
    name: str
    size_bytes: int
    data_pool: str | None = None
    #: Empty: what Ceph gives by itself.
    features: tuple[str, ...] = ()
    #: librbd's settings of this image alone: ``{"rbd_qos_iops_limit": "200"}``.
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What a client of librbd or librados needs."""

    conf: Path
    user: str
    keyring: Path


@runtime_checkable
class Disturbed(Protocol):
    """A cluster that its administrator can disturb while it lives."""

    async def cause(self, fault: CephFault) -> str:
        """What was done, in words. Raises `InputError`, `CephError`."""
        ...


@runtime_checkable
class Mountable(Protocol):
    """A cluster whose file systems hold files."""

    async def mount(self, filesystem: str) -> Path:
        """The root of a file system on this machine, mounted as long as the cluster runs.

        Raises `CephError` where it can not be mounted.
        """
        ...


class Ceph(Protocol):
    """A cluster. All methods that ask it raise `CephError` with Ceph's own words if it refuses or is silent.

    What makes or deletes something may be called again: what is there already, or gone, is no error.
    """

    @property
    def fsid(self) -> str: ...

    @property
    def version(self) -> str:
        """As Rook shows it: ``16.2.15-0``."""
        ...

    @property
    def connection(self) -> Connection | None:
        """None: a model, which no client can speak to."""
        ...

    @property
    def metrics_url(self) -> str | None:
        """Where the manager serves its metrics; None: only `metrics` has them."""
        ...

    @property
    def osds(self) -> tuple[Osd, ...]:
        """As they were made."""
        ...

    async def status(self) -> Mapping[str, Any]:
        """As ``ceph status --format json``: health{status, checks}, osdmap, pgmap, mgrmap, fsmap."""
        ...

    async def df(self) -> Mapping[str, Any]:
        """As ``ceph df --format json``: stats, pools."""
        ...

    async def pools(self) -> tuple[Pool, ...]: ...

    async def create_pool(self, wanted: PoolWanted) -> None:
        """Make it; one that is there is made as wanted, but for its kind and its failure domain."""
        ...

    async def delete_pool(self, name: str) -> None:
        """With all its data; who calls looks first whether images are in it."""
        ...

    async def create_filesystem(self, wanted: FilesystemWanted) -> None:
        """With its pools and its metadata servers."""
        ...

    async def filesystems(self) -> tuple[str, ...]: ...

    async def delete_filesystem(self, name: str) -> None: ...

    async def images(self, pool: str) -> tuple[str, ...]:
        """Also those that were deleted, and are still there since clones of them are."""
        ...

    async def create_image(self, wanted: ImageWanted) -> None: ...

    async def resize_image(self, pool: str, name: str, size_bytes: int) -> None:
        """Larger; a smaller size changes nothing."""
        ...

    async def clone_image(self, source_pool: str, source: str, wanted: ImageWanted) -> None:
        """A clone of the source as it is now, of at least its size; the source may go before it."""
        ...

    async def delete_image(self, pool: str, name: str) -> None:
        """Also one of which there are clones: what they need of it stays until the last of them is gone."""
        ...

    async def metrics(self) -> str:
        """Prometheus' text format, as the manager's module has it."""
        ...

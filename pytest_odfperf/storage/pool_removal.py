"""Which of the pools that the plugin made may be removed, and what keeps the others.

A pool goes only if nothing is known to be in it. What might be somebody's data keeps it, whoever's it is.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_odfperf.schedule.plan_text import size_text
from pytest_odfperf.storage.ceph_objects import DATA_POOL, METADATA_POOL
from pytest_odfperf.storage.csi_handle import is_of, location_of
from pytest_odfperf.storage.made_labels import is_made_by, is_ours, maker_of, pool_of

JsonObject = Mapping[str, Any]

#: An RBD pool without images holds a few KiB of what RBD knows of itself.
EMPTY_BYTES = 1 << 20
_SHOWN = 3
#: Claims of the plugin's VMs: `pytest_odfperf.vm.names`.
_OUR_CLAIM = re.compile(r"odf-[a-z0-9-]+-[0-9]+-(?:data|root)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """What there is of storage in the cluster, all of it."""

    classes: Sequence[JsonObject]
    #: By kind: CephBlockPool, CephFilesystem.
    ceph: Mapping[str, Sequence[JsonObject]]
    volumes: Sequence[JsonObject]
    snapshots: Sequence[JsonObject]
    #: By StorageClass: the living run that measures on it, or the setup that makes it.
    in_use: Mapping[str, str] = field(default_factory=dict)
    #: By kind, namespace and name of Ceph objects: the living setup that makes them.
    being_made: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    #: By namespace and name in Ceph: what a pool stores. Pools that are not here are not known.
    stored_bytes: Mapping[tuple[str, str], float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Removal:
    """One object of ours. ``kept``: why it stays; ``going``: what keeps it is on its way out by itself.

    ``alive``: a living run or setup, or somebody else, keeps it, which is as it should be.
    """

    kind: str
    name: str
    namespace: str | None
    maker: str
    kept: str | None = None
    going: bool = False
    alive: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def line(self) -> str:
        """What a dry run says of it."""
        if self.kept is None:
            return f"{self} (made by {self.maker}): would be removed, nothing is in it"
        return f"{self} (made by {self.maker}) stays: {self.kept}"


def plan_removal(
    storage: Storage, wanted: Iterable[str] | None = None, account: str | None = None
) -> tuple[Removal, ...]:
    """What becomes of each object of ours, StorageClasses first; ``wanted``: of these pools of a matrix.

    With an ``account`` only what that made goes.
    """
    chosen = None if wanted is None else set(wanted)
    classes = [one for one in storage.classes if is_ours(one) and (chosen is None or pool_of(one) in chosen)]
    removals: list[Removal] = [_unless_others(_class_removal(one, storage), one, account) for one in classes]
    staying = [
        one for one in storage.classes if _name(one) not in {r.name for r in removals if r.kept is None}
    ]
    for kind in ("CephFilesystem", "CephBlockPool"):
        alive = {one.name for one in removals if one.alive and one.kind == "StorageClass"}
        removals += [
            _unless_others(_ceph_removal(kind, found, storage, staying, alive), found, account)
            for found in storage.ceph.get(kind, ())
            if is_ours(found) and (chosen is None or pool_of(found) in chosen)
        ]
    # The headers of images are in the other pool.
    held = {f"{one.name}{METADATA_POOL}": one for one in removals if one.kept is not None}
    return tuple(
        _with(one, f"it holds the metadata of {held[one.name]}, which stays", going=held[one.name].going)
        if one.kept is None and one.kind == "CephBlockPool" and one.name in held
        else one
        for one in removals
    )


def _class_removal(found: JsonObject, storage: Storage) -> Removal:
    name = _name(found)
    base = Removal("StorageClass", name, None, maker_of(found))
    if (who := storage.in_use.get(name)) is not None:
        return _with(base, who, alive=True)
    volumes = [
        volume for volume in storage.volumes if (volume.get("spec") or {}).get("storageClassName") == name
    ]
    return _kept_by(base, volumes, ())


def _unless_others(removal: Removal, found: JsonObject, account: str | None) -> Removal:
    """What would go stays if somebody else made it."""
    if account is None or removal.kept is not None or is_made_by(found, account):
        return removal
    how = f"--odf-pool {pool_of(found)}" if pool_of(found) else "--odf-cleanup orphans"
    return _with(removal, f"somebody else made it; {how} beside --odf-pools removes it too", alive=True)


def _ceph_removal(
    kind: str, found: JsonObject, storage: Storage, staying: Sequence[JsonObject], alive: Container[str]
) -> Removal:
    """``alive`` are those StorageClasses among ``staying`` that do so as they should."""
    name, metadata = _name(found), found["metadata"]
    namespace = str(metadata.get("namespace", ""))
    base = Removal(kind, name, namespace, maker_of(found))
    if (who := storage.being_made.get((kind, namespace, name))) is not None:
        return _with(base, who, alive=True)
    in_ceph = str((found.get("spec") or {}).get("name") or name)
    number = (found.get("status") or {}).get("poolID")
    volumes = [one for one in storage.volumes if _is_in(kind, in_ceph, number, namespace, one)]
    snapshots = [one for one in storage.snapshots if _snapshot_is_in(kind, number, namespace, one)]
    if volumes or snapshots:
        return _kept_by(base, volumes, snapshots)
    leading = [one for one in staying if _leads_to(kind, in_ceph, namespace, one)]
    if leading:
        as_it_should = all(_name(one) in storage.in_use or _name(one) in alive for one in leading)
        why = f"StorageClass {_shown(map(_name, leading))} leads there and stays"
        return _with(base, why, alive=as_it_should)
    stored = storage.stored_bytes.get(
        (namespace, f"{in_ceph}-{DATA_POOL}" if kind == "CephFilesystem" else in_ceph)
    )
    if stored is None and (kind == "CephFilesystem" or _is_coded(found)):
        # Rook holds back a pool of images, by their headers. Those are elsewhere if the data is erasure
        # coded, and a file system may hold what CSI did not make.
        why = "what is stored in it is not known, and Rook deletes it whatever that is"
        return _with(base, f"{why}: see the note on the manager's metrics", going=True)
    if stored is not None and stored > EMPTY_BYTES:
        why = f"{size_text(round(stored))} are stored in it, and no PersistentVolume says whose: see rbd ls"
        # Images and files are purged a while after their volume is gone.
        return _with(base, why, going=True)
    return base


def _is_coded(found: JsonObject) -> bool:
    return bool(((found.get("spec") or {}).get("erasureCoded") or {}).get("dataChunks"))


def _with(base: Removal, kept: str, *, going: bool = False, alive: bool = False) -> Removal:
    return Removal(base.kind, base.name, base.namespace, base.maker, kept, going, alive)


def _kept_by(base: Removal, volumes: Sequence[JsonObject], snapshots: Sequence[JsonObject]) -> Removal:
    if not volumes and not snapshots:
        return base
    said = [f"PersistentVolume {_volume(one)}" for one in volumes]
    said += [f"VolumeSnapshotContent {_snapshot(one)}" for one in snapshots]
    more = f" and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
    going = not snapshots and all(map(_is_going, volumes))
    return _with(base, "; ".join(said[:_SHOWN]) + more, going=going)


def _is_in(kind: str, in_ceph: str, number: Any, namespace: str, volume: JsonObject) -> bool:
    """Whether a volume's data, or RBD's metadata of it, is in this pool or file system."""
    source = _source(volume)
    cluster = _attribute(volume, "clusterID")
    if not is_of(str(source.get("driver", "")), namespace, cluster):
        return False
    if kind == "CephFilesystem":
        return bool(_attribute(volume, "fsName") == in_ceph)
    if in_ceph in (_attribute(volume, "pool"), _attribute(volume, "dataPool")):
        return True
    is_rbd = str(source.get("driver", "")).endswith("rbd.csi.ceph.com")
    return is_rbd and type(number) is int and location_of(str(source.get("volumeHandle", ""))) == number


def _snapshot_is_in(kind: str, number: Any, namespace: str, snapshot: JsonObject) -> bool:
    spec, status = snapshot.get("spec") or {}, snapshot.get("status") or {}
    driver = str(spec.get("driver", ""))
    if not is_of(driver, namespace):
        return False
    if kind == "CephFilesystem":
        # Its handle has the number of the file system, which no object says: any of CephFS may be in it.
        return driver.endswith("cephfs.csi.ceph.com")
    source = spec.get("source") or {}
    handles = (status.get("snapshotHandle"), source.get("snapshotHandle"), source.get("volumeHandle"))
    known = {location_of(str(handle)) for handle in handles if handle}
    return driver.endswith("rbd.csi.ceph.com") and type(number) is int and number in known


def _leads_to(kind: str, in_ceph: str, namespace: str, found: JsonObject) -> bool:
    parameters = found.get("parameters") or {}
    if not is_of(str(found.get("provisioner", "")), namespace, parameters.get("clusterID")):
        return False
    names = ("fsName",) if kind == "CephFilesystem" else ("pool", "dataPool")
    is_rbd = str(found.get("provisioner")).endswith("rbd.csi.ceph.com")
    return (is_rbd == (kind == "CephBlockPool")) and in_ceph in [parameters.get(name) for name in names]


def _is_going(volume: JsonObject) -> bool:
    """Whether a volume is being deleted, with its data, since its claim is gone."""
    if volume["metadata"].get("deletionTimestamp"):
        return True
    policy = (volume.get("spec") or {}).get("persistentVolumeReclaimPolicy")
    return (volume.get("status") or {}).get("phase") == "Released" and policy == "Delete"


def _volume(volume: JsonObject) -> str:
    claim = (volume.get("spec") or {}).get("claimRef") or {}
    phase = (volume.get("status") or {}).get("phase") or "without a phase"
    name = str(claim.get("name", ""))
    of = f"claim {claim.get('namespace')}/{name}" if name else "no claim"
    ours = ", of a run: --odf-cleanup removes it" if _OUR_CLAIM.fullmatch(name) else ""
    return f"{_name(volume)} ({phase}, {of}{ours})"


def _snapshot(snapshot: JsonObject) -> str:
    of = (snapshot.get("spec") or {}).get("volumeSnapshotRef") or {}
    return f"{_name(snapshot)} (of {of.get('namespace')}/{of.get('name')})"


def _attribute(volume: JsonObject, name: str) -> Any:
    return (_source(volume).get("volumeAttributes") or {}).get(name)


def _source(volume: JsonObject) -> JsonObject:
    found = (volume.get("spec") or {}).get("csi")
    return found if isinstance(found, dict) else {}


def _shown(names: Iterator[str] | Iterable[str]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:_SHOWN]) + (f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else "")


def _name(found: JsonObject) -> str:
    return str(found["metadata"]["name"])

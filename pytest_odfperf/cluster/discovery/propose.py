"""From what a cluster shows of its storage to a matrix that is proposed. Nothing is measured or made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import get_args

from pytest_odfperf.cluster.client.calls import JsonObject
from pytest_odfperf.cluster.discovery.ceph_settings import ceph_remarks, ceph_settings
from pytest_odfperf.cluster.discovery.found_storage import FoundStorage
from pytest_odfperf.cluster.discovery.left_out_classes import (
    IbmService,
    Place,
    ibm_left_out,
    ibm_service,
    no_volumes,
)
from pytest_odfperf.cluster.discovery.proposed_backends import proposed_backends
from pytest_odfperf.cluster.discovery.proposed_names import field_name
from pytest_odfperf.cluster.discovery.proposed_pool import Proposal, ProposedPool, Setting
from pytest_odfperf.cluster.facts.devices import backend_of_class
from pytest_odfperf.cluster.facts.pools import StorageClassFacts
from pytest_odfperf.cluster.facts.provisioners import DRIVERS, usual_mode
from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.model import Matrix, Pool, VolumeMode
from pytest_odfperf.matrix.reading.fields import check_subdomain
from pytest_odfperf.preflight.objects import DEFAULT_CLASSES, default_class

_OWN_RATE: Mapping[IbmService, str] = {
    "file": "each share has a rate of its own, by the service",
    "block": "each volume has a rate of its own, by the service",
    "pool": "its volumes have the rate of its shares together",
}


def propose(found: FoundStorage, base: Matrix, extends: str) -> Proposal:
    """The matrix ``base``, which files know as ``extends``, with the pools that the cluster has."""
    facts = {name: StorageClassFacts.of(one) for name, one in sorted(found.classes.items())}
    out, kept = _left_out(found)
    staying = {name: one for name, one in facts.items() if name not in out}
    backends = proposed_backends(
        {name: backend_of_class(one, found.ceph, name) for name, one in staying.items()},
        {
            name: _OWN_RATE[service]
            for name, one in staying.items()
            if (service := ibm_service(name, one.provisioner))
        },
    )
    pools = []
    taken = {pool.name: pool.storage_class for pool in base.pools}
    for name, one in facts.items():
        described = _described(one, found, backends.get(name))
        pool_name = _pool_name(name, described, base, taken, facts)
        taken[pool_name.value] = name
        pools.append(
            ProposedPool(
                settings={"name": pool_name, **described},
                remarks=(
                    *_remarks(one, found),
                    *([f"kept, since its service has no other: {kept[name]}"] if name in kept else []),
                ),
                left_out=out.get(name, ""),
            )
        )
    made = Proposal(extends=extends, remarks=(), pools=tuple(pools), guest=_guest(found, base, out))
    return Proposal(
        extends=extends,
        remarks=tuple(_head(found, base, made)),
        pools=made.pools,
        guest=made.guest,
    )


def _left_out(found: FoundStorage) -> tuple[dict[str, str], dict[str, str]]:
    out, kept = ibm_left_out(found.classes, Place.of(found.workers))
    for name, one in found.classes.items():
        if one["metadata"].get("deletionTimestamp"):
            out[name] = "it is being deleted"
        elif why := no_volumes(str(one.get("provisioner", ""))):
            out[name] = why
        else:
            try:
                check_subdomain("its name", name)
            except InputError as error:
                out[name] = error.problem
    return out, {name: why for name, why in kept.items() if name not in out}


def _described(
    storage_class: StorageClassFacts, found: FoundStorage, backend: Setting | None
) -> dict[str, Setting]:
    name = storage_class.name
    settings = {"storage_class": Setting(value=name, comment=f"provisioner {storage_class.provisioner}")}
    mode, access = _mode(found.profiles.get(name), storage_class)
    settings["volume_mode"] = mode
    if backend is not None:
        settings["backend"] = backend
    if storage_class.ceph_kind is not None:
        settings |= ceph_settings(storage_class, found.ceph)
    if storage_class.caps:
        settings["caps"] = Setting(value=dict(storage_class.caps), comment="what the StorageClass says")
    if access is not None:
        settings["vm"] = access
    return settings


def _mode(profile: JsonObject | None, storage_class: StorageClassFacts) -> tuple[Setting, Setting | None]:
    """The volume mode, and the ``vm`` of a pool whose volumes are for many writers only."""
    sets = ((profile or {}).get("status") or {}).get("claimPropertySets") or []
    told = [one for one in sets if isinstance(one, dict) and one.get("volumeMode") in get_args(VolumeMode)]
    once = [one for one in told if "ReadWriteOnce" in (one.get("accessModes") or ())]
    if once:
        return Setting(value=once[0]["volumeMode"], comment="StorageProfile of CDI"), None
    many = [one for one in told if "ReadWriteMany" in (one.get("accessModes") or ())]
    if many:
        return (
            Setting(value=many[0]["volumeMode"], comment="StorageProfile of CDI"),
            Setting(
                value={"access_mode": "ReadWriteMany"}, comment="StorageProfile of CDI: no ReadWriteOnce"
            ),
        )
    usual = usual_mode(storage_class.provisioner, storage_class.parameters)
    if ibm_service(storage_class.name, storage_class.provisioner) == "pool":
        return Setting(value=usual, comment="shares of IBM Cloud's file service"), None
    if storage_class.ceph_kind is None and storage_class.provisioner not in DRIVERS:
        return Setting(value=usual, comment="this provisioner is not known: what every driver can"), None
    return Setting(value=usual, comment="by the provisioner: docs/storage-drivers.md"), None


def _pool_name(
    name: str,
    described: Mapping[str, Setting],
    base: Matrix,
    taken: Mapping[str, str],
    facts: Mapping[str, StorageClassFacts],
) -> Setting:
    """As the base calls the StorageClass, so that results compare; else as the StorageClass is called."""
    of_base = [pool for pool in base.pools if pool.storage_class == name]
    if (
        len(of_base) == 1
        and _agrees(of_base[0], described)
        and (of_base[0].name == name or of_base[0].name not in facts)
    ):
        return Setting(value=of_base[0].name, comment="as the matrix that is extended calls it")
    # What the base says of a pool of that name would hold for this one too.
    others = taken.keys() | (facts.keys() - {name})
    made = field_name(name, others)
    why = "the name of the StorageClass"
    return Setting(value=made, comment=why if made == name else f"{why} is too long for a key, or taken")


def _agrees(pool: Pool, described: Mapping[str, Setting]) -> bool:
    """Whether nothing that the base says of a pool would go on to hold, or be in its name, and is not so."""
    overhead = described.get("overhead")
    its_own = pool.name == pool.storage_class
    if overhead is not None and not its_own and abs(overhead.value - pool.overhead) > 0.01:
        return False
    return all(getattr(pool, name) is None or name in described for name in ("backend", "recipe"))


def _remarks(storage_class: StorageClassFacts, found: FoundStorage) -> Iterator[str]:
    one = found.classes[storage_class.name]
    if storage_class.ceph_kind is not None:
        yield from ceph_remarks(storage_class, found.ceph)
    elif service := ibm_service(storage_class.name, storage_class.provisioner):
        yield f"IBM Cloud, {'file pool' if service == 'pool' else service} service"
    elif storage_class.provisioner not in DRIVERS:
        yield "the provisioner is not known to docs/storage-drivers.md: see volume_mode, backend and overhead"
    if one.get("reclaimPolicy") == "Retain":
        yield "reclaimPolicy Retain: volumes stay when their VMs are deleted, and must be removed by hand"


def _guest(found: FoundStorage, base: Matrix, out: Mapping[str, str]) -> dict[str, Setting]:
    """The StorageClass of root disks, where the base's is not there."""
    wanted = base.guest.root_storage_class
    if wanted is not None and wanted in found.classes:
        return {}
    usual = default_class(list(found.classes.values()))
    if usual is not None and usual not in out:
        said = next(
            annotation
            for annotation in DEFAULT_CLASSES
            if (found.classes[usual]["metadata"].get("annotations") or {}).get(annotation) == "true"
        )
        return {"root_storage_class": Setting(value=usual, comment=f"its annotation {said}")}
    first = next(iter(sorted(found.classes.keys() - out.keys())), None)
    if first is None:
        return {}
    return {"root_storage_class": Setting(value=first, comment="the cluster has no default: choose one")}


def _head(found: FoundStorage, base: Matrix, made: Proposal) -> Iterator[str]:
    zones = Place.of(found.workers).zones
    yield f"The storage of {found.server}, proposed by pytest --odf-discover. Read it before it is measured."
    yield (
        f"{len(made.proposed)} of {len(made.pools)} StorageClasses are proposed"
        + (f", {len(made.left_out)} left out, at the end" if made.left_out else "")
        + f". Workers: {len(found.workers)}"
        + (f", in {zones} zone{'s' if zones > 1 else ''}." if zones else ", zones not known.")
    )
    yield from found.unread
    if found.has_data_source is False:
        yield (
            f"DataSource {base.guest.data_source} of namespace {base.guest.data_source_namespace} is not "
            "there: set guest.data_source (oc get datasource -A)"
        )
    yield (
        "Pools with the same backend share devices, pools with different ones do not; of pools without one "
        "a run finds out by itself, as far as the cluster shows it."
    )
    yield (
        "Sizes, concurrency and profiles are those of the matrix that is extended; "
        "quick, overview and rank are smaller than full."
    )

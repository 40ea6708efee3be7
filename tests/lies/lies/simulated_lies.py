"""All lies that simulated guests tell, with those of the storage behind them and of its neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lies.answer_lies import ASKED, FIGURES
from lies.guest_lies import DEVICE, DISK, GROUP, SERIES
from lies.lie import Lie
from pytest_odfperf.sandbox.config.disturbance_rules import DISTURBANCES


def _ceph(name: str, says: str, right: str, *, faults: Mapping[str, Any] | None = None, **ceph: Any) -> Lie:
    """Trouble of the storage; it is the whole sandbox's, so each has a run of its own."""
    counted = bool(faults) or any(name in ceph for name in DISTURBANCES)
    return Lie(
        name=name,
        says=says,
        family="storage that was not well",
        right=frozenset(right.split()),
        storage_class={
            "provisioner": "openshift-storage.rbd.csi.ceph.com",
            "parameters": {"pool": "rep3"},
            "annotations": {"odfperf/backend": "ceph"},
            "faults": faults or {},
        },
        pool={"recipe": {"kind": "CephBlockPool", "name": "rep3"}},
        setting=name,
        # What changes meanwhile needs a while.
        sandbox={
            "ceph": {"block_pools": {"rep3": {}}, **ceph},
            # Counters are late.
            "speed": 2 if faults else 3 if counted else 6 if "changes" in ceph else 400,
        },
    )


STORAGE: tuple[Lie, ...] = (
    _ceph(
        "degraded",
        "copies were missing: PG_DEGRADED",
        "storage_recovering",
        health="HEALTH_WARN",
        checks={"PG_DEGRADED": "Degraded data redundancy: 82 pgs degraded"},
    ),
    _ceph(
        "health-error",
        "data could not be reached: PG_AVAILABILITY",
        "storage_away",
        health="HEALTH_ERR",
        checks={"PG_AVAILABILITY": "Reduced data availability: 65 pgs inactive"},
    ),
    _ceph(
        "full",
        "the storage was full",
        "storage_full",
        health="HEALTH_ERR",
        checks={"OSD_FULL": "3 full osd(s)"},
    ),
    _ceph("nearly-full", "90 % of the raw capacity were used", "storage_nearly_full", used=0.9),
    _ceph(
        "slow-ops",
        "operations of the storage were slow",
        "storage_slow",
        health="HEALTH_WARN",
        checks={"SLOW_OPS": "12 slow ops, oldest one blocked for 33 sec"},
    ),
    _ceph(
        "unknown-check",
        "a health check that nobody knows",
        "storage_unhealthy",
        health="HEALTH_WARN",
        checks={"NEVER_HEARD_OF": "?"},
    ),
    _ceph(
        "osd-down-meanwhile",
        "an OSD went down while fio ran",
        "storage_recovering",
        changes=[{"after_s": 6, "health": "HEALTH_WARN", "checks": {"OSD_DOWN": "1 osds down"}}],
    ),
    _ceph(
        "rebuilt",
        "the pool was deleted and made anew while fio ran",
        "pool_rebuilt",
        changes=[{"after_s": 6, "rebuilt": ["rep3"]}],
    ),
)


COUNTED: tuple[Lie, ...] = (
    _ceph(
        "noisy-neighbour",
        "others used the same devices, through a pool that is nobody's here",
        "others_io",
        clients={"others": {"iops": 20_000, "block_size": "16k", "reads": 0.5}},
    ),
    _ceph(
        "neighbour-in-the-pool",
        "others used the pool itself",
        "storage_saw_more",
        clients={"rep3": {"iops": 9_000, "block_size": "64k", "reads": 1}},
    ),
    _ceph(
        "host-cache",
        "a cache of the host answered in place of the storage",
        "storage_saw_less",
        faults={"unstored_part": 1},
    ),
    _ceph("recovery", "recovery moved data meanwhile", "recovery_ran", recovery="200Mi"),
    _ceph("hung-osd", "an OSD hung; it was up all the while", "osd_hung", osds_hung=[1]),
    _ceph("dead-osd", "an OSD was down, as its counters tell", "osd_lost", osds_down=[2]),
    _ceph("two-dead-osds", "two OSDs were down: PGs were not active", "pgs_inactive", osds_down=[0, 1]),
)


def _beside(name: str, says: str, right: str, setting: str, **storage_class: Any) -> Lie:
    return Lie(
        name=name,
        says=says,
        family="neighbours",
        right=frozenset(right.split()),
        storage_class=storage_class,
        setting=setting,
        sandbox={"backends": {"devices": {"iops": 20_000}}, "speed": 40},
        workers=2,
    )


NEIGHBOURS: tuple[Lie, ...] = (
    _beside(
        "beside-a",
        "another pool ran on the same devices",
        "shared_backend",
        "same-devices",
        model={"backend": "devices"},
    ),
    _beside(
        "beside-b",
        "another pool ran on the same devices",
        "shared_backend",
        "same-devices",
        model={"backend": "devices"},
    ),
    _beside(
        "unknown-a",
        "another pool ran, and nobody knows on which devices",
        "backend_unknown",
        "unknown-devices",
        annotations={"odfperf/backend": ""},
    ),
    _beside(
        "unknown-b",
        "another pool ran, and nobody knows on which devices",
        "backend_unknown",
        "unknown-devices",
        annotations={"odfperf/backend": ""},
    ),
)

SIMULATED: tuple[Lie, ...] = (
    *ASKED, *DISK, *FIGURES, *SERIES, *GROUP, *DEVICE, *STORAGE, *COUNTED, *NEIGHBOURS,
)  # fmt: skip

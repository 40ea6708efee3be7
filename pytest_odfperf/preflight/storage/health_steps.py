"""What Ceph's health checks are worth before a run, and what to do about each.

A check counts by what it means for figures (`ceph_health_codes`). Rook's CephCluster also has those that were
muted, without a word on it; its health leaves them out, so that a check above the health is a muted one.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from pytest_odfperf.ceph_health_codes import Effect, effect_of
from pytest_odfperf.preflight.check import Level

#: Mapping an image hangs then.
SLOW_HEARTBEATS = "OSD_SLOW_PING_TIME*"
_SEVERITIES = ("HEALTH_OK", "HEALTH_WARN", "HEALTH_ERR")

#: By the codes of Ceph's documentation ("Health checks"); the first that fits holds.
STEPS: Mapping[str, str] = {
    SLOW_HEARTBEATS: "disks can hang while they are attached: look at the network between the OSDs "
    "(ceph daemon mgr.* dump_osd_network)",
    "OSD_FULL": "writes are refused: delete data or add OSDs (ceph osd df)",
    "POOL_FULL": "writes to it are refused: delete data, or raise its quota (ceph df detail)",
    "OSD_NEARFULL": "delete data or add OSDs before it is full (ceph osd df)",
    "OSD_BACKFILLFULL": "recovery stops: delete data or add OSDs (ceph osd df)",
    "POOL_NEAR*": "delete data of the pool, or raise its quota (ceph df detail)",
    "POOL_BACKFILLFULL": "recovery stops: delete data or add OSDs (ceph df detail)",
    "PG_AVAILABILITY": "some data can not be read or written: see which OSDs are away (ceph pg dump_stuck)",
    "PG_DEGRADED": "wait until the copies are there again (ceph -s), or bring the OSDs back",
    "PG_BACKFILL_FULL": "make room on the OSDs, so that recovery goes on (ceph osd df)",
    "PG_RECOVERY_FULL": "make room on the OSDs (ceph osd df)",
    "PG_DAMAGED": "scrubbing found data that does not agree (rados list-inconsistent-obj)",
    "PG_NOT_*SCRUBBED": "nothing; but scrubs that are late begin by themselves, also while it is measured",
    "OBJECT_MISPLACED": "wait until data has moved (ceph -s)",
    "OBJECT_UNFOUND": "bring the OSDs back that have the last copies (ceph health detail)",
    "OSD_DOWN": "see why the OSD is down (oc get pods -l app=rook-ceph-osd -A)",
    "OSD_*_DOWN": "see why these OSDs are down (oc get pods -l app=rook-ceph-osd -A; oc get nodes)",
    "OSDMAP_FLAGS": "somebody set flags for maintenance: end it, then unset them (ceph osd unset FLAG)",
    "OSD_FLAGS": "somebody set flags for maintenance: end it, then ceph osd unset-group FLAG OSD",
    "SLOW_OPS": "see which OSD is slow, and its disk (ceph health detail; ceph osd perf)",
    "BLUESTORE_SLOW_OP_ALERT": "a disk is slow, or was: look at it (ceph health detail)",
    "MON_DOWN": "see why the monitor is away (oc get pods -l app=rook-ceph-mon -A)",
    "MON_CLOCK_SKEW": "correct the clocks of the nodes",
    "MON_DISK_*": "make room on the disk of the monitor's node",
    "MGR_DOWN": "see why the manager is away (oc get pods -l app=rook-ceph-mgr -A)",
    "MDS_ALL_DOWN": "no metadata server: CephFS does not answer (oc get pods -l app=rook-ceph-mds -A)",
    "MDS_*": "look at the metadata servers (ceph fs status)",
    "FS_*": "look at the file system (ceph fs status)",
    "RECENT_CRASH": "see what crashed (ceph crash ls); ceph crash archive-all when it is known",
    "POOL_NO_REDUNDANCY": "nothing, if a pool with one copy is meant",
    "POOL_APP_NOT_ENABLED": "nothing before a run",
    "TOO_*PGS": "see ceph osd pool autoscale-status",
    "POOL_TOO_*PGS": "see ceph osd pool autoscale-status",
    "DEVICE_HEALTH*": "a disk is about to fail: replace it (ceph device ls)",
}
_USUAL: Mapping[Effect | None, str] = {
    "full": "make room (ceph df)",
    "away": "see ceph health detail",
    "moving": "wait until it is over (ceph -s)",
    "filling": "make room (ceph df)",
    "slow": "see ceph health detail",
    "harmless": "nothing before a run",
    None: "see ceph health detail",
}


def level_of(code: str, message: str = "") -> Level:
    """How bad a check is for a run that has not begun."""
    if is_slow_heartbeats(code, message):
        return "FAIL"
    return "FAIL" if effect_of(code, message) in ("full", "away") else "warn"


def is_slow_heartbeats(code: str, message: str = "") -> bool:
    return fnmatchcase(code, SLOW_HEARTBEATS) or message.lower().startswith("slow osd heartbeats")


def next_step(code: str, message: str = "") -> str:
    """What to do about a check."""
    if is_slow_heartbeats(code, message):
        return STEPS[SLOW_HEARTBEATS]
    for row, step in STEPS.items():
        if fnmatchcase(code, row):
            return step
    return _USUAL[effect_of(code, message)]


def is_muted(severity: str, health: str) -> bool:
    """Whether a check of this severity must have been muted, where the whole says ``health``."""
    if severity not in _SEVERITIES or health not in _SEVERITIES:
        return False
    return _SEVERITIES.index(severity) > _SEVERITIES.index(health)

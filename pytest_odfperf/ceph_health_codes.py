"""What each of Ceph's health checks means for figures that are measured meanwhile.

The codes are those of Ceph's documentation ("Health checks", releases 16 to 20). A code that ends in ``*``
stands for all that begin so; the first row that fits holds. What is in no row counts as unhealthy.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Literal

#: ``full``: writes stop. ``away``: some data can not be reached. ``moving``: copies are missing, or data
#: moves. ``filling``: nearly full. ``slow``: something is known to be slow, or to go wrong. ``harmless``: no
#: figure is touched.
Effect = Literal["full", "away", "moving", "filling", "slow", "harmless"]

_ROWS: Mapping[Effect, str] = {
    "full": """
        OSD_FULL POOL_FULL PG_RECOVERY_FULL
    """,
    "away": """
        PG_AVAILABILITY OBJECT_UNFOUND OSD_ROOT_DOWN MDS_ALL_DOWN MDS_READ_ONLY MDS_DAMAGE
        FS_WITH_FAILED_MDS
    """,
    "moving": """
        PG_DEGRADED PG_BACKFILL_FULL OBJECT_MISPLACED OSD_DOWN OSD_*_DOWN OSD_UNREACHABLE
        PG_SLOW_SNAP_TRIMMING
    """,
    "filling": """
        OSD_NEARFULL OSD_BACKFILLFULL POOL_NEAR_FULL POOL_NEARFULL OSD_OUT_OF_ORDER_FULL
        CACHE_POOL_NEAR_FULL
    """,
    "slow": """
        SLOW_OPS OSD_SLOW_PING_TIME* BLUESTORE_SLOW_OP_ALERT *_STALLED_READ_ALERT
        BLUESTORE_SPURIOUS_READ_ERRORS BLUESTORE_FRAGMENTATION BLUEFS_SPILLOVER BLUEFS_LOW_SPACE
        DEVICE_HEALTH* OSD_SCRUB_ERRORS OSD_TOO_MANY_REPAIRS PG_DAMAGED MON_DOWN MON_NETSPLIT
        MON_DISK_CRIT MDS_SLOW_METADATA_IO MDS_SLOW_REQUEST MDS_TRIM MDS_HEALTH_SLOW* FS_DEGRADED
    """,
    "harmless": """
        RECENT_CRASH RECENT_MGR_MODULE_CRASH TELEMETRY_CHANGED MON_CLOCK_SKEW MON_DISK_LOW MON_DISK_BIG
        MON_MSGR2_NOT_ENABLED AUTH_* MGR_DOWN MGR_MODULE_* DAEMON_OLD_VERSION DASHBOARD_DEBUG
        NONEXISTENT_MON_CONFIG_OPTION POOL_APP_NOT_ENABLED POOL_NO_REDUNDANCY POOL_PG_NUM_NOT_POWER_OF_TWO
        POOL_TOO_FEW_PGS POOL_TOO_MANY_PGS POOL_TARGET_SIZE_* POOL_HAS_TARGET_SIZE_* TOO_FEW_PGS
        TOO_MANY_PGS TOO_FEW_OSDS SMALLER_PGP_NUM MANY_OBJECTS_PER_PG LARGE_OMAP_OBJECTS PG_NOT_SCRUBBED
        PG_NOT_DEEP_SCRUBBED OSD_ORPHAN OLD_CRUSH_* OSD_NO_SORTBITWISE OSD_FILESTORE CACHE_POOL_NO_HIT_SET
        BLUESTORE_LEGACY_STATFS BLUESTORE_NO_PER_* BLUEFS_AVAILABLE_SPACE CEPHADM_*
        FS_INLINE_DATA_DEPRECATED MDS_INSUFFICIENT_STANDBY MDS_UP_LESS_THAN_MAX MDS_CACHE_OVERSIZED
        MDS_CLIENT_*
    """,
}
EFFECTS: Mapping[Effect, tuple[str, ...]] = {effect: tuple(codes.split()) for effect, codes in _ROWS.items()}

#: In ``OSDMAP_FLAGS``: what keeps Ceph from doing work beside the I/O, or from calling an OSD out.
_HARMLESS_FLAGS = {
    "noout", "noscrub", "nodeep-scrub", "nosnaptrim", "noautoscale", "norebalance", "nobackfill", "norecover",
}  # fmt: skip


def effect_of(code: str, message: str = "") -> Effect | None:
    """What a check means; None: nobody knows, so it counts as unhealthy."""
    if code == "OSDMAP_FLAGS":
        flags = {flag for flag in message.partition(" flag")[0].replace(" ", "").split(",") if flag}
        return "harmless" if flags and flags <= _HARMLESS_FLAGS else None
    for effect, codes in EFFECTS.items():
        if any(fnmatchcase(code, row) for row in codes):
            return effect
    return None


def of_file_systems(code: str) -> bool:
    """Whether a check is of file systems alone, so that it touches no block pool."""
    return code.startswith(("MDS_", "FS_"))

"""Which settings of a pool Ceph takes (``ceph osd pool set``), and what it says of others.

The pool is there by then: what refuses a setting leaves it as it was made. Names are those of Ceph 16.2 to
20.2 (``OSDMonitor::prepare_command_pool_set``).
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_odfperf.sandbox.ceph.ceph import CephError, PoolWanted

_TRUTHS = (
    "allow_ec_overwrites", "allow_ec_optimizations", "bulk", "eio", "fast_read", "hashpspool", "nodeep-scrub",
    "nodelete", "nopgchange", "noscrub", "nosizechange", "use_gmt_hitset", "write_fadvise_dontneed",
)  # fmt: skip
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "compression_algorithm": ("none", "snappy", "zlib", "zstd", "lz4"),
    "compression_mode": ("none", "passive", "aggressive", "force"),
    "csum_type": ("none", "crc32c", "crc32c_16", "crc32c_8", "xxhash32", "xxhash64"),
    "pg_autoscale_mode": ("on", "off", "warn"),
}
_OTHERS = (
    "compression_max_blob_size", "compression_min_blob_size", "compression_required_ratio", "crush_rule",
    "csum_max_block", "csum_min_block", "deep_scrub_interval", "fingerprint_algorithm", "hit_set_count",
    "hit_set_fpp", "hit_set_period", "hit_set_type", "min_size", "pg_autoscale_bias", "pg_num", "pg_num_max",
    "pg_num_min", "pgp_num", "pgp_num_actual", "read_ratio", "recovery_op_priority", "recovery_priority",
    "scrub_max_interval", "scrub_min_interval", "scrub_priority", "size", "target_size_bytes",
    "target_size_ratio",
)  # fmt: skip


def check_settings(wanted: PoolWanted) -> None:
    """Raise `CephError` for the first setting that Ceph refuses."""
    for name, value in wanted.parameters.items():
        if (words := _problem(wanted, name, value)) is not None:
            raise CephError(f"osd pool set {wanted.name} {name}", f"Error EINVAL: {words}", "EINVAL")


def _problem(wanted: PoolWanted, name: str, value: str) -> str | None:
    if name in _TRUTHS:
        known = value in ("true", "false", "0", "1")
        return None if known else "expecting value 'true', 'false', '0', or '1'"
    if (choices := _CHOICES.get(name)) is not None:
        return None if value in choices else f"unrecognized {name} '{value}'"
    if name not in _OTHERS:
        return f"unrecognized variable '{name}'"
    if name == "min_size":
        least, size = (wanted.coding[0], sum(wanted.coding)) if wanted.coding else (1, wanted.replicas or 3)
        if not (value.isdecimal() and least <= int(value) <= size):
            return f"pool min_size must be between {least} and size, which is set to {size}"
    return None

"""ceph.conf and keyrings of a cluster that lives on loopback, in one folder."""

from __future__ import annotations

import base64
import secrets
import struct
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_odfperf.sandbox.ceph.osd_tree import Osd
from pytest_odfperf.sandbox.ceph.real.ceph_programs import CephPrograms
from pytest_odfperf.sandbox.config.config_values import RealCephConfig

#: The one administrator's name in Ceph, and that of the monitor and the manager.
ADMIN = "client.admin"
DAEMON_ID = "a"
_LOOPBACK = "127.0.0.1"
#: OSDs below it are refused.
_LEAST_MEMORY_TARGET_BYTES = 939524096


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFiles:
    """Where everything of one cluster lies."""

    directory: Path

    @property
    def conf(self) -> Path:
        return self.directory / "ceph.conf"

    @property
    def keyring(self) -> Path:
        """Of the administrator."""
        return self.directory / "keyring"

    def data(self, daemon: str) -> Path:
        """``daemon``: ``mon.a``, ``osd.0``."""
        return self.directory / "data" / daemon

    def log(self, daemon: str) -> Path:
        return self.directory / "log" / f"{daemon}.log"


def new_key() -> str:
    """A secret of cephx: type 1, the time of its making, 16 bytes (``CryptoKey::encode`` in ``src/auth``)."""
    secret = secrets.token_bytes(16)
    head = struct.pack("<HIIH", 1, int(time.time()), 0, len(secret))
    return base64.b64encode(head + secret).decode()


def keyring(entity: str, key: str, caps: Mapping[str, str]) -> str:
    lines = [f"[{entity}]", f"\tkey = {key}", *(f'\tcaps {name} = "{cap}"' for name, cap in caps.items())]
    return "\n".join(lines) + "\n"


def conf_text(
    files: ClusterFiles,
    programs: CephPrograms,
    config: RealCephConfig,
    *,
    fsid: str,
    mon_port: int,
    osds: Sequence[Osd],
) -> str:
    wanted = {
        **_identity(files, fsid, mon_port),
        **_RULES,
        **_sizes(config),
        "osd_pool_default_size": str(min(3, config.osds)),
    }
    if config.osds == 1:
        # No pool can have more than one copy, also not the manager's own (from 17 on).
        wanted["mon_warn_on_pool_no_redundancy"] = "false"
    if programs.class_dir is not None:
        wanted["osd_class_dir"] = str(programs.class_dir)
    if programs.erasure_code_dir is not None:
        wanted["erasure_code_dir"] = str(programs.erasure_code_dir)
    wanted.update(config.settings)
    lines = ["[global]", *(f"{name} = {value}" for name, value in wanted.items())]
    lines += ["[client]", f"keyring = {files.keyring}"]
    for osd in osds:
        lines += [f"[osd.{osd.number}]", f"crush_location = {osd.crush_location}"]
    return "\n".join(lines) + "\n"


def _identity(files: ClusterFiles, fsid: str, mon_port: int) -> dict[str, str]:
    return {
        "fsid": fsid,
        "mon_host": f"v2:{_LOOPBACK}:{mon_port}/0",
        "public_addr": _LOOPBACK,
        "cluster_addr": _LOOPBACK,
        "ms_bind_msgr1": "false",
        "auth_cluster_required": "cephx",
        "auth_service_required": "cephx",
        "auth_client_required": "cephx",
        "auth_allow_insecure_global_id_reclaim": "false",
        "mon_data": str(files.directory / "data" / "mon.$id"),
        "mgr_data": str(files.directory / "data" / "mgr.$id"),
        "mds_data": str(files.directory / "data" / "mds.$id"),
        "osd_data": str(files.directory / "data" / "osd.$id"),
        "run_dir": str(files.directory / "run"),
        "crash_dir": str(files.directory / "run" / "crash"),
        "log_file": str(files.directory / "log" / "$name.log"),
        "mon_cluster_log_file": str(files.directory / "log" / "cluster.log"),
        # A path of more than 107 bytes is refused, and a state folder may lie deep.
        "admin_socket": "",
        "pid_file": "",
        "log_max_recent": "500",
        # The client inside the sandbox must not wait for ever.
        "client_mount_timeout": "15",
        "rados_mon_op_timeout": "15",
    }


#: What one machine without systemd needs (each with its reason), and what a benchmark does.
_RULES: Mapping[str, str] = {
    # A hung OSD is told by its peers, and reporters are counted by this level.
    "mon_osd_reporter_subtree_level": "osd",
    "osd_crush_chooseleaf_type": "0",
    # Nothing splits PGs in the middle of a benchmark; each pool is made with its number.
    "osd_pool_default_pg_autoscale_mode": "off",
    # A change of the cluster waits for a second for others to join it.
    "paxos_propose_interval": "0.1",
    "mon_max_pg_per_osd": "1000",
    "mon_allow_pool_delete": "true",
    "mon_allow_pool_size_one": "true",
    # The disk is shared with everything else of this machine.
    "mon_data_avail_warn": "2",
    "mon_data_avail_crit": "1",
    "mgr_initial_modules": "prometheus",
    # So that the counters are not five seconds old.
    "mgr_stats_period": "1",
    # With osd_mclock_scheduler (from 17 on) each OSD would measure its device at the start.
    "osd_mclock_skip_benchmark": "true",
    "bluestore_block_create": "true",
    # All in one file: what it may hold is then all that it can take.
    "bluestore_block_db_create": "false",
    "bluestore_block_wal_create": "false",
    "bluestore_block_preallocate_file": "false",
}


def _sizes(config: RealCephConfig) -> dict[str, str]:
    return {
        "bluestore_block_size": str(config.osd_size_bytes),
        "osd_memory_target": str(_LEAST_MEMORY_TARGET_BYTES),
        # Else an OSD takes 700 to 800 MiB.
        "bluestore_cache_autotune": "false",
        "bluestore_cache_size": str(config.osd_cache_bytes),
    }

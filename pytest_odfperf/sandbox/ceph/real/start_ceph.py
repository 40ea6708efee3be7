"""From nothing to a cluster whose OSDs are up, in about ten seconds; and its end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import shutil
import socket
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pytest_odfperf.errors import DeadlineError, OdfError
from pytest_odfperf.sandbox.ceph.ceph import CephError
from pytest_odfperf.sandbox.ceph.osd_tree import Osd, dealt_out
from pytest_odfperf.sandbox.ceph.real.ceph_conf import (
    ADMIN,
    DAEMON_ID,
    ClusterFiles,
    conf_text,
    keyring,
    new_key,
)
from pytest_odfperf.sandbox.ceph.real.ceph_programs import CephPrograms, check_room, find_programs
from pytest_odfperf.sandbox.ceph.real.daemon import Daemon, daemon_environment
from pytest_odfperf.sandbox.ceph.real.librados import Rados
from pytest_odfperf.sandbox.ceph.real.manager_python import manager_environment
from pytest_odfperf.sandbox.config.config_values import NodeConfig, RealCephConfig
from pytest_odfperf.sandbox.image.run import run

PLACE = "sandbox.ceph"
_MKFS_DEADLINE_S = 60.0
_MON_DEADLINE_S = 30.0
_UP_DEADLINE_S = 90.0
_STOP_S = 8.0
_POLL_S = 0.2
#: The monitor's port is chosen before it is bound: somebody may be faster.
_ATTEMPTS = 3


@dataclass(slots=True, kw_only=True)
class RunningCluster:
    """Processes and what is known of them."""

    files: ClusterFiles
    programs: CephPrograms
    config: RealCephConfig
    fsid: str
    rados: Rados
    mon: Daemon
    mgr: Daemon
    osds: dict[int, Daemon]
    metrics_port: int
    #: Where they are.
    tree: tuple[Osd, ...]
    #: Metadata servers, by file system.
    mds: dict[str, list[Daemon]] = field(default_factory=dict)


async def check_cluster(
    config: RealCephConfig, directory: Path, *, qemu: bool = False, filesystems: bool = False
) -> CephPrograms:
    """Raises `InputError` for missing packages or too little room below ``directory``, which is there."""
    programs = await find_programs(PLACE, qemu=qemu, filesystems=filesystems)
    await check_room(directory, config.osds, config.osd_size_bytes, PLACE)
    return programs


@asynccontextmanager
async def running_cluster(
    config: RealCephConfig,
    directory: Path,
    nodes: Sequence[NodeConfig],
    *,
    qemu: bool = False,
    filesystems: bool = False,
) -> AsyncIterator[RunningCluster]:
    """A cluster in ``directory`` while the block runs, its OSDs spread over ``nodes``.

    Raises `InputError` for missing packages or too little room, `OdfError` if a daemon does not start. After
    it no process is left; the folder is removed.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    programs = await check_cluster(config, directory, qemu=qemu, filesystems=filesystems)
    starting = _Start(ClusterFiles(directory=directory.absolute()), programs, config, nodes)
    try:
        yield await starting.run()
    finally:
        await asyncio.shield(starting.end())
        await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)


class _Start:
    def __init__(
        self, files: ClusterFiles, programs: CephPrograms, config: RealCephConfig, nodes: Sequence[NodeConfig]
    ) -> None:
        self._files, self._programs, self._config = files, programs, config
        self._osds = dealt_out(config.osds, config.osd_size_bytes, [config.device_class], nodes)
        self._fsid = str(uuid.uuid4())
        self._daemons: list[Daemon] = []
        self._cluster: RunningCluster | None = None
        self._rados: Rados | None = None

    def _daemon(
        self, program: str, kind: str, name: str, node: str | None = None, **environment: str
    ) -> Daemon:
        daemon = f"{kind}.{name}"
        output = self._files.directory / "log" / f"{daemon}.out"
        command = [program, "-f", "-i", name, "-c", str(self._files.conf)]
        made = Daemon(daemon, command, output, node, **environment)
        self._daemons.append(made)
        return made

    async def run(self) -> RunningCluster:
        for part in ("run/crash", "log", "data"):
            (self._files.directory / part).mkdir(parents=True, exist_ok=True, mode=0o700)
        osd_keys = {osd.number: (str(uuid.uuid4()), new_key()) for osd in self._osds}
        initial = self._keyrings()
        made = [asyncio.create_task(self._make_osd(osd, *key)) for osd, key in osd_keys.items()]
        try:
            mon = await self._monitor(initial)
            rados = self._rados = Rados(self._files)
            await rados.connect()
            python = manager_environment(self._files.directory / "python")
            mgr = self._daemon(self._programs.mgr, "mgr", DAEMON_ID, **python)
            metrics_port = await self._start_manager(rados, mgr)
            await asyncio.gather(*made)
        finally:
            for task in made:
                task.cancel()
            await asyncio.gather(*made, return_exceptions=True)
        osds = {}
        for osd, (osd_uuid, key) in osd_keys.items():
            secret = f'{{"cephx_secret": "{key}"}}'.encode()
            await rados.mon("osd new", secret, uuid=osd_uuid, id=osd)
            osds[osd] = self._daemon(self._programs.osd, "osd", str(osd), self._osds[osd].host)
            await osds[osd].start()
        cluster = RunningCluster(
            files=self._files,
            programs=self._programs,
            config=self._config,
            fsid=self._fsid,
            rados=rados,
            mon=mon,
            mgr=mgr,
            osds=osds,
            metrics_port=metrics_port,
            tree=self._osds,
        )
        self._cluster = cluster
        await self._all_up(cluster)
        return cluster

    def _keyrings(self) -> Path:
        """The administrator's, the manager's, and the one that the monitor's store is made with."""
        every = {"mon": "allow *", "osd": "allow *", "mgr": "allow *", "mds": "allow *"}
        admin = keyring(ADMIN, new_key(), every)
        mgr_key = new_key()
        mgr_caps = {"mon": "allow profile mgr", "osd": "allow *", "mds": "allow *"}
        mgr = keyring(f"mgr.{DAEMON_ID}", mgr_key, mgr_caps)
        initial = keyring("mon.", new_key(), {"mon": "allow *"}) + admin + mgr
        self._write(self._files.keyring, admin)
        self._write(self._files.data(f"mgr.{DAEMON_ID}") / "keyring", mgr)
        path = self._files.directory / "initial.keyring"
        self._write(path, initial)
        return path

    @staticmethod
    def _write(path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(text)

    async def _make_osd(self, osd: int, osd_uuid: str, key: str) -> None:
        data = self._files.data(f"osd.{osd}")
        self._write(data / "keyring", keyring(f"osd.{osd}", key, {}))
        if self._config.device_class:
            self._write(data / "crush_device_class", f"{self._config.device_class}\n")
        while not self._files.conf.exists():
            await asyncio.sleep(0.02)
        command = [self._programs.osd, "-i", str(osd), "-c", str(self._files.conf)]
        command += ["--mkfs", "--osd-uuid", osd_uuid, "--no-mon-config"]
        await run(command, _MKFS_DEADLINE_S, **daemon_environment())

    async def _monitor(self, initial: Path) -> Daemon:
        for attempt in range(_ATTEMPTS):
            port = _free_port()
            text = conf_text(
                self._files,
                self._programs,
                self._config,
                fsid=self._fsid,
                mon_port=port,
                osds=self._osds,
            )
            part = self._files.conf.with_suffix(".part")
            self._write(part, text)
            part.replace(self._files.conf)
            data = self._files.data(f"mon.{DAEMON_ID}")
            shutil.rmtree(data, ignore_errors=True)
            monmap = self._files.directory / "monmap"
            address = ["--addv", DAEMON_ID, f"[v2:127.0.0.1:{port}/0]"]
            command = [self._programs.monmaptool, "--create", "--clobber", "--fsid", self._fsid]
            await run([*command, *address, str(monmap)], _MKFS_DEADLINE_S)
            command = [self._programs.mon, "-i", DAEMON_ID, "-c", str(self._files.conf), "--mkfs"]
            command += ["--monmap", str(monmap), "--keyring", str(initial)]
            await run(command, _MKFS_DEADLINE_S, **daemon_environment())
            mon = self._daemon(self._programs.mon, "mon", DAEMON_ID)
            await mon.start()
            try:
                await _listening(mon, port)
            except OdfError:
                await mon.stop(0.0)
                if attempt + 1 == _ATTEMPTS:
                    raise
                continue
            return mon
        raise AssertionError("no attempt")

    async def _start_manager(self, rados: Rados, mgr: Daemon) -> int:
        port = _free_port()
        for name, value in {
            "mgr/prometheus/server_addr": "127.0.0.1",
            "mgr/prometheus/server_port": str(port),
            # It collects when it is asked.
            "mgr/prometheus/cache": "false",
            "mgr/devicehealth/enable_monitoring": "false",
        }.items():
            await rados.mon("config set", who="mgr", name=name, value=value, force=True)
        await mgr.start()
        return port

    async def _all_up(self, cluster: RunningCluster) -> None:
        """Raises `OdfError` if a daemon ends, `DeadlineError` if they are not all up in time."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + _UP_DEADLINE_S
        state = "nothing known"
        while loop.time() < ends:
            for daemon in (cluster.mon, cluster.mgr, *cluster.osds.values()):
                daemon.check()
            status = await cluster.rados.mon_json("status")
            up, available = status["osdmap"].get("num_up_osds", 0), status["mgrmap"].get("available")
            state = f"{up} of {len(cluster.osds)} OSDs up, manager {'available' if available else 'not yet'}"
            if up == len(cluster.osds) and available:
                return
            await asyncio.sleep(_POLL_S)
        raise DeadlineError("all OSDs of Ceph and its manager", _UP_DEADLINE_S, state)

    async def end(self) -> None:
        """OSDs, manager, monitor: an OSD that ends after the monitor waits for it for a minute."""
        if self._rados is not None:
            with contextlib.suppress(CephError):
                await self._rados.close()
        mds = [one for group in (self._cluster.mds if self._cluster else {}).values() for one in group]
        kinds = ("osd.", "mgr.", "mon.")
        await asyncio.gather(*(daemon.stop(_STOP_S) for daemon in mds))
        for kind in kinds:
            of_kind = [daemon for daemon in self._daemons if daemon.name.startswith(kind)]
            await asyncio.gather(*(daemon.stop(_STOP_S) for daemon in of_kind))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _listening(mon: Daemon, port: int) -> None:
    """Wait until the monitor takes connections. Raises `OdfError` if it ended, `DeadlineError`."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + _MON_DEADLINE_S
    said = "no connection"
    while loop.time() < ends:
        mon.check()
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError as error:
            said = errno.errorcode.get(error.errno or 0, str(error))
            await asyncio.sleep(0.05)
            continue
        writer.close()
        return
    raise DeadlineError(f"{mon.name} to listen", _MON_DEADLINE_S, said)

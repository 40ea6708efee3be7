"""The sandbox process: API server, reconcilers and machines in one event loop, until someone ends it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import errno
import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from pytest_odfperf.errors import InputError, OdfError
from pytest_odfperf.sandbox.api.front.server import ApiConfig, RunningServer, serve
from pytest_odfperf.sandbox.api.requests.passed_on.pod_exec import Kubelet
from pytest_odfperf.sandbox.ceph.client_io import ClientIo
from pytest_odfperf.sandbox.ceph.fault_door import FaultDoor
from pytest_odfperf.sandbox.ceph.metrics_service import metrics_service
from pytest_odfperf.sandbox.ceph.open_ceph import check_ceph, open_ceph
from pytest_odfperf.sandbox.config.parse_config import SandboxConfig, parse_config
from pytest_odfperf.sandbox.kubeconfig_file import write_kubeconfig
from pytest_odfperf.sandbox.machines.choose import choose_machines
from pytest_odfperf.sandbox.reconcilers.all_reconcilers import reconcilers
from pytest_odfperf.sandbox.reconcilers.api_client import open_api
from pytest_odfperf.sandbox.reconcilers.nodes.exec_server import ExecServer

log = logging.getLogger("odfperf.sandbox")

#: prctl(2): the signal that this process gets when the thread that started it ends.
_PR_SET_PDEATHSIG = 1
_FAILED = 1
_BAD_INPUT = 4
#: What another folder, or room in it, puts right.
_OF_THE_FOLDER = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.ENOTDIR,
    errno.ENAMETOOLONG,
)


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m pytest_odfperf.sandbox",
        description="Run a sandbox cluster of virtual machines on this machine until it is interrupted.",
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="a matrix file with a sandbox: mapping, or that mapping alone",
    )
    parser.add_argument("--machine", choices=("qemu", "simulated"), help="instead of what the file says")
    parser.add_argument("--state", type=Path, metavar="DIR", help="where all files go; removed at the end")
    parser.add_argument("--kubeconfig", type=Path, metavar="FILE", help="where to write the kubeconfig")
    parser.add_argument("--parent-fd", type=int, metavar="N", help="end when this pipe is closed")
    parser.add_argument("-v", "--verbose", action="store_true", help="log what the reconcilers do")
    return parser.parse_args(arguments)


def _read_config(path: Path | None, machine: str | None) -> SandboxConfig:
    raw: Any = {}
    if path is not None:
        try:
            raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise InputError(f"can not be read: {error}", place=str(path)) from error
        if isinstance(raw, Mapping) and isinstance(raw.get("sandbox"), Mapping):
            raw = raw["sandbox"]
    if machine and isinstance(raw, Mapping | None):
        raw = {**(raw or {}), "machine": machine}
    return parse_config(raw)


def run(arguments: list[str]) -> int:
    """The whole life of the process; its exit code."""
    options = _arguments(arguments)
    os.umask(0o077)
    _die_with_parent()
    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("asyncssh").setLevel(logging.ERROR)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    try:
        config = _read_config(options.config, options.machine)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return _BAD_INPUT
    try:
        state = options.state or Path(tempfile.mkdtemp(prefix="odfperf-sandbox-"))
        _take(state, by_hand=options.parent_fd is None)
    except OSError as error:
        sys.stderr.write(f"{_folder_fault(error, options.state or tempfile.gettempdir())}\n")
        return _BAD_INPUT
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return _BAD_INPUT
    kubeconfig = (options.kubeconfig or state / "kubeconfig").absolute()
    try:
        asyncio.run(_main(config, state.absolute(), kubeconfig, options.parent_fd))
    except OdfError as error:
        sys.stderr.write(f"{error}\n")
        return _BAD_INPUT if isinstance(error, InputError) else _FAILED
    except OSError as error:
        if error.errno not in _OF_THE_FOLDER:
            raise
        sys.stderr.write(f"{_folder_fault(error, state)}\n")
        return _BAD_INPUT
    finally:
        for name in (kubeconfig, *(_of_user(kubeconfig, user) for user in config.users)):
            name.unlink(missing_ok=True)
        shutil.rmtree(state, ignore_errors=True)
    return 0


def _take(state: Path, *, by_hand: bool) -> None:
    """Make the folder of all files this user's only. It is removed at the end, so it must hold nothing."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    if by_hand and any(state.iterdir()):
        raise InputError("the folder of --state is not empty, and it is removed at the end", place=str(state))
    state.chmod(0o700)


def _folder_fault(error: OSError, folder: Path | str) -> InputError:
    said = f"{error.strerror or error}{f' ({error.filename})' if error.filename else ''}"
    return InputError(f"{said}: another folder (--state, or TMPDIR), or room in it", place=str(folder))


def _of_user(kubeconfig: Path, user: str) -> Path:
    return kubeconfig.with_name(f"{kubeconfig.name}-{user}")


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


async def _main(config: SandboxConfig, state: Path, kubeconfig: Path, parent_fd: int | None) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end(*_: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(ended.set)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # Not the loop's own handlers: they end with it, and the parent's death is told by a pipe and by a
        # signal, of which the second would come while the files are removed.
        signal.signal(number, end)
    if parent_fd is not None:
        # Nothing is ever written to it: readable means closed.
        loop.add_reader(parent_fd, ended.set)
    waiting = asyncio.create_task(ended.wait())
    ready = asyncio.Event()
    serving = asyncio.create_task(_serve(config, state, kubeconfig, ready, ended, by_hand=parent_fd is None))
    await asyncio.wait({waiting, serving}, return_when=asyncio.FIRST_COMPLETED)
    if parent_fd is not None:
        loop.remove_reader(parent_fd)
    if not ready.is_set() and not serving.done():
        # A start can take minutes (a guest image is built).
        serving.cancel()
    ended.set()
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def _serve(
    config: SandboxConfig,
    state: Path,
    kubeconfig: Path,
    ready: asyncio.Event,
    ended: asyncio.Event,
    *,
    by_hand: bool,
) -> None:
    async with AsyncExitStack() as stack:
        client_io = ClientIo()
        machines = choose_machines(config, state, client_io)
        # Before a guest image is built, which takes minutes.
        await check_ceph(config, state)
        await machines.prepare()
        tokens = {name: secrets.token_urlsafe(32) for name in config.users.values()}
        ceph = await stack.enter_async_context(open_ceph(config, state / "ceph", client_io))
        unseen = client_io if config.machine == "simulated" and config.ceph.real is not None else None
        await stack.enter_async_context(metrics_service(ceph, state / "logs", unseen))
        kubelet = ExecServer()
        stack.push_async_callback(kubelet.close)
        await kubelet.start()
        server = await stack.enter_async_context(
            _server(config, state, tokens, {"ceph-fault": FaultDoor(ceph)}, kubelet)
        )
        api = await stack.enter_async_context(
            open_api(server.url, token=server.controllers_token, ca_file=server.ca_file)
        )
        running = reconcilers(api, config, machines, state, ceph, kubelet)
        await stack.enter_async_context(running)
        write_kubeconfig(kubeconfig, url=server.url, ca_file=server.ca_file, token=server.admin_token)
        for user, name in config.users.items():
            path = _of_user(kubeconfig, user)
            write_kubeconfig(path, url=server.url, ca_file=server.ca_file, token=tokens[name], user=user)
        ready.set()
        sys.stdout.write(f"ready {kubeconfig}\n")
        if by_hand:
            sys.stdout.write(
                f"\n  kubectl --kubeconfig {kubeconfig} get nodes,storageclasses,virtualmachines -A\n\n"
                f"{config.machine} machines; Ctrl+C ends the sandbox\n"
            )
        sys.stdout.flush()
        await ended.wait()


@asynccontextmanager
async def _server(
    config: SandboxConfig,
    state: Path,
    tokens: Mapping[str, str],
    doors: Mapping[str, FaultDoor],
    kubelet: ExecServer,
) -> AsyncIterator[RunningServer]:
    server = await serve(
        ApiConfig(
            directory=state / "api",
            users=tokens,
            faults=config.api_faults,
            logs=state / "logs",
            webhooks=config.webhooks,
            doors=doors,
            kubelet=Kubelet(kubelet.url, kubelet.token),
        )
    )
    try:
        yield server
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await server.close()

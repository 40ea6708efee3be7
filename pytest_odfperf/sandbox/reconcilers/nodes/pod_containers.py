"""The containers of pods that run the guest's script. Nothing runs in others, whatever they ask for."""

from __future__ import annotations

import asyncio
import base64
import binascii
import shutil
from collections.abc import Callable
from pathlib import Path

from pytest_odfperf.errors import OdfError
from pytest_odfperf.quantity import to_bytes, to_millicores
from pytest_odfperf.sandbox.machines.base import Container, ContainerSpec, Ended, Machines
from pytest_odfperf.sandbox.reconcilers.api_client import Api
from pytest_odfperf.sandbox.reconcilers.nodes.exec_server import ExecServer
from pytest_odfperf.sandbox.reconcilers.nodes.launcher_logs import Logs
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import SECRET, Name, Obj, name_of, uid_of
from pytest_odfperf.sandbox.reconcilers.storage.claimed_disk import disk_of
from pytest_odfperf.sandbox.reconcilers.storage.volume_backends import VolumeBackends

#: As the VMs have their data disk: the guest's script finds it by this there.
_SERIAL = "odfperfdata"
_SCRIPT = "odfperf-guest"


def runs_script(pod: Obj) -> bool:
    """Whether a pod is a container that runs the guest's script."""
    containers: list[Obj] = pod["spec"].get("containers") or []
    command: list[str] = (containers[0].get("command") or []) if len(containers) == 1 else []
    return len(command) > 1 and command[0] == "sh" and str(command[1]).endswith(f"/{_SCRIPT}")


class PodContainers:
    """Starts and ends them; ``ended`` is called with a pod's name when its container has."""

    def __init__(
        self,
        api: Api,
        machines: Machines,
        backends: VolumeBackends,
        server: ExecServer,
        logs: Logs,
        directory: Path,
    ) -> None:
        self._api = api
        self._machines = machines
        self._backends = backends
        self._server = server
        self._logs = logs
        self._directory = directory
        #: By the pod's uid.
        self._running: dict[str, Container] = {}
        self._ended: dict[str, Ended] = {}
        self._watchers: set[asyncio.Task[None]] = set()
        self.on_end: Callable[[Name], None] = lambda _: None

    async def close(self) -> None:
        """End all containers at once."""
        await asyncio.gather(
            *(container.stop(0) for container in self._running.values()), return_exceptions=True
        )

    def ended(self, pod: Obj) -> Ended | None:
        """How the container of ``pod`` ended; None while it runs, or if it never did."""
        return self._ended.get(uid_of(pod))

    async def start(self, pod: Obj) -> None:
        """Start what ``pod`` asks for, unless it runs. Raises `OdfError`."""
        uid = uid_of(pod)
        if uid in self._running or uid in self._ended:
            return
        folder = self._directory / "containers" / uid
        if folder.exists():
            await asyncio.to_thread(shutil.rmtree, folder)
        folder.mkdir(parents=True, mode=0o700)
        spec = await self._spec(pod, folder)
        container = self._machines.container(spec)
        # Known before it starts: a start that is cancelled must not leave a process behind.
        self._running[uid] = container
        try:
            await container.start()
        except OdfError:
            self._running.pop(uid, None)
            raise
        name = str(pod["spec"]["containers"][0]["name"])
        self._logs.show(pod, name, container.log)
        self._server.containers[(*name_of(pod), name)] = container
        task = asyncio.create_task(self._watch(name_of(pod), uid, name, container), name=f"container {uid}")
        self._watchers.add(task)
        task.add_done_callback(self._watchers.discard)

    async def _watch(self, pod: Name, uid: str, name: str, container: Container) -> None:
        self._ended[uid] = await container.wait()
        self._running.pop(uid, None)
        if self._server.containers.get((*pod, name)) is container:
            del self._server.containers[*pod, name]
        self.on_end(pod)

    async def stop(self, pod: Obj, grace_s: float) -> None:
        """End the container of ``pod`` for good."""
        if (container := self._running.get(uid_of(pod))) is not None:
            await container.stop(grace_s)
        self._ended.pop(uid_of(pod), None)

    async def _spec(self, pod: Obj, folder: Path) -> ContainerSpec:
        namespace, name = name_of(pod)
        container = pod["spec"]["containers"][0]
        volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or ()}
        files: dict[str, bytes] = {}
        claim_name, disk_path, raw = "", "", False
        for field, key in (("volumeMounts", "mountPath"), ("volumeDevices", "devicePath")):
            for mount in container.get(field) or ():
                volume, path = volumes[mount["name"]], str(mount[key]).rstrip("/")
                if claim := volume.get("persistentVolumeClaim"):
                    claim_name, disk_path, raw = claim["claimName"], path, field == "volumeDevices"
                if secret := volume.get("secret"):
                    files |= await self._files(namespace, secret["secretName"], path)
        if not claim_name:
            raise OdfError(f"pod {name} has no claim")
        limits = (container.get("resources") or {}).get("limits") or {}
        return ContainerSpec(
            name=name,
            namespace=namespace,
            uid=uid_of(pod),
            vcpus=max(1, to_millicores(str(limits.get("cpu", "1"))) // 1000),
            memory_bytes=to_bytes(str(limits.get("memory", "1Gi"))),
            command=tuple(container["command"]),
            files=files,
            disk=await disk_of(
                self._api, namespace, claim_name, {"name": "data", "serial": _SERIAL}, self._backends
            ),
            disk_path=disk_path,
            raw=raw,
            directory=folder,
        )

    async def _files(self, namespace: str, name: str, path: str) -> dict[str, bytes]:
        secret = await self._api.get(SECRET, namespace, name)
        if secret is None:
            raise OdfError(f'secret "{name}" not found')
        try:
            return {
                f"{path}/{key}": base64.b64decode(value) for key, value in (secret.get("data") or {}).items()
            }
        except binascii.Error as error:
            raise OdfError(f"secret {name} is not base64: {error}") from error

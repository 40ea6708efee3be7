"""Volumes that get the content of others, and volumes that become larger."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.image.run import run
from pytest_odfperf.sandbox.image.tools import tool
from pytest_odfperf.sandbox.machines.base import Backend, Origin, VolumeInUseError
from pytest_odfperf.sandbox.machines.volumes import clone_image, create_image, whole_or_none

_COPY_DEADLINE_S = 600.0
_INFO_DEADLINE_S = 60.0
#: What qemu-img says of a file that a QEMU has open.
_LOCKED = "lock"


async def copy_volume(source: Origin, backend: Backend, volume: str, size_bytes: int) -> None:
    """Make a volume with the content of another one. Made twice, it stays as it is.

    In one Ceph it is a clone, which takes no time and no room. Elsewhere everything is copied: who writes
    meanwhile must be stopped. A copy of a root disk of Ceph is a file, as that is.
    """
    if source.is_image and backend.ceph is not None and backend.ceph is source.backend.ceph:
        await clone_image(source, backend, volume, size_bytes)
        return
    if not source.is_image and not await asyncio.to_thread(source.path.exists):
        raise OdfError(f"volume {volume} can not be made: there is no {source.path}")
    if backend.ceph is not None and (source.is_image or source.backend.ceph is None):
        await create_image(backend, volume, size_bytes)
        await _convert(source, ["-n", "--target-is-zero", "--target-image-opts", _image(backend, volume)])
        return
    if backend.path(volume).exists():
        return
    with whole_or_none(backend, volume) as part:
        if not source.is_image and source.backend.format == backend.format == "qcow2":
            # With what it says of the image below it, which is not copied.
            copy = ["cp", "--reflink=auto", "--sparse=always", "--", str(source.path), str(part)]
            await run(copy, _COPY_DEADLINE_S)
        else:
            await _convert(source, ["-O", backend.format, str(part)])
        await _grow_file(part, backend.format, size_bytes)


async def grow_volume(backend: Backend, volume: str, size_bytes: int) -> None:
    """Make it larger; a volume that is so large already stays. Raises `OdfError`, `VolumeInUseError`."""
    path = backend.path(volume)
    if backend.ceph is not None and backend.pool is not None and not path.exists():
        await backend.ceph.resize_image(backend.pool, backend.image(volume), size_bytes)
        return
    try:
        await _grow_file(path, backend.format, size_bytes)
    except OSError as error:
        raise OdfError(f"volume {volume} does not grow: {error}") from error


async def _grow_file(path: Path, image_format: str, size_bytes: int) -> None:
    if image_format == "raw":
        if path.stat().st_size < size_bytes:
            os.truncate(path, size_bytes)
        return
    img = tool("qemu-img")
    told = await run([img, "info", "-U", "-f", image_format, "--output=json", str(path)], _INFO_DEADLINE_S)
    if json.loads(told)["virtual-size"] >= size_bytes:
        return
    try:
        await run([img, "resize", "-q", "-f", image_format, str(path), str(size_bytes)], _INFO_DEADLINE_S)
    except OdfError as error:
        if _LOCKED in str(error):
            raise VolumeInUseError(f"{path.name} is open in a machine") from error
        raise


async def _convert(source: Origin, target: list[str]) -> None:
    if source.is_image:
        options = _image(source.backend, source.volume)
    else:
        options = f"driver={source.backend.format},file.driver=file,file.filename={_option(source.path)}"
    # A QEMU that is stopped still has its lock.
    command = [tool("qemu-img"), "convert", "-U", "--image-opts", options]
    await run([*command, *target], _COPY_DEADLINE_S)


def _image(backend: Backend, volume: str) -> str:
    """An RBD image as qemu-img's options name it."""
    assert backend.ceph is not None
    client = backend.ceph.connection
    if client is None:
        raise OdfError(f"volume {volume} is in no Ceph that can be read")
    where = {
        "driver": "raw",
        "file.driver": "rbd",
        "file.pool": backend.pool or "",
        "file.image": backend.image(volume),
        "file.conf": client.conf,
        "file.user": client.user,
    }
    return ",".join(f"{name}={_option(value)}" for name, value in where.items())


def _option(value: object) -> str:
    """A value inside QEMU's comma-separated options."""
    return str(value).replace(",", ",,")

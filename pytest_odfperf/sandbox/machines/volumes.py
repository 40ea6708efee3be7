"""What is behind volumes: sparse files, RBD images, and clones of the guest image."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.ceph.ceph import ImageWanted
from pytest_odfperf.sandbox.image.build import GuestImage
from pytest_odfperf.sandbox.image.run import run
from pytest_odfperf.sandbox.image.tools import tool
from pytest_odfperf.sandbox.machines.base import Backend, Origin

_QEMU_IMG_DEADLINE_S = 120.0


async def create_volume(backend: Backend, volume: str, size_bytes: int, image: GuestImage | None) -> None:
    """Make a volume: blank, or a clone of ``image``. Made twice, it stays as it is."""
    if image is None and backend.ceph is not None:
        await create_image(backend, volume, size_bytes)
        return
    if not backend.path(volume).exists():
        with whole_or_none(backend, volume) as part:
            await _make(backend, part, size_bytes, image)


@contextmanager
def whole_or_none(backend: Backend, volume: str) -> Iterator[Path]:
    """Where to write the file of a volume, which gets its name when all of it is there. Raises `OdfError`."""
    path = backend.path(volume)
    part = path.with_name(f"{path.name}.part")
    try:
        backend.directory.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        raise OdfError(f"volume {volume} can not be made in {backend.directory}: {error}") from error
    finally:
        part.unlink(missing_ok=True)


async def create_image(backend: Backend, volume: str, size_bytes: int) -> None:
    """Make a volume in Ceph. Raises `CephError`."""
    assert backend.ceph is not None
    await backend.ceph.create_image(_wanted(backend, volume, size_bytes))


async def clone_image(source: Origin, backend: Backend, volume: str, size_bytes: int) -> None:
    """Make a volume of Ceph as a clone of another one there. Raises `CephError`."""
    assert backend.ceph is not None
    assert source.backend.pool is not None
    wanted = _wanted(backend, volume, size_bytes)
    await backend.ceph.clone_image(source.backend.pool, source.backend.image(source.volume), wanted)


def _wanted(backend: Backend, volume: str, size_bytes: int) -> ImageWanted:
    assert backend.pool is not None
    return ImageWanted(
        pool=backend.pool,
        name=backend.image(volume),
        size_bytes=size_bytes,
        data_pool=backend.data_pool,
        features=backend.image_features,
        settings=backend.image_settings,
    )


async def delete_image(backend: Backend, volume: str) -> None:
    """Delete a volume of Ceph; nothing happens if there is none. Raises `CephError`."""
    if backend.ceph is not None and backend.pool is not None:
        await backend.ceph.delete_image(backend.pool, backend.image(volume))


async def _make(backend: Backend, path: Path, size_bytes: int, image: GuestImage | None) -> None:
    if image is None and backend.format == "raw":
        with path.open("xb") as file:
            file.truncate(size_bytes)
        return
    img = tool("qemu-img")
    if image is None:
        await run([img, "create", "-q", "-f", "qcow2", str(path), str(size_bytes)], _QEMU_IMG_DEADLINE_S)
        return
    if backend.format == "qcow2":
        base = ["-b", str(image.disk), "-F", image.format]
        await run([img, "create", "-q", "-f", "qcow2", *base, str(path)], _QEMU_IMG_DEADLINE_S)
    else:
        convert = [img, "convert", "-f", image.format, "-O", "raw", str(image.disk), str(path)]
        await run(convert, _QEMU_IMG_DEADLINE_S)
    # A volume that is asked for smaller than the image stays as large as the image.
    if size_bytes > await _virtual_size(image):
        resize = [img, "resize", "-q", "-f", backend.format, str(path), str(size_bytes)]
        await run(resize, _QEMU_IMG_DEADLINE_S)


async def _virtual_size(image: GuestImage) -> int:
    info = [tool("qemu-img"), "info", "-f", image.format, "--output=json", str(image.disk)]
    return int(json.loads(await run(info, _QEMU_IMG_DEADLINE_S))["virtual-size"])


async def delete_volume(backend: Backend, volume: str) -> None:
    """Delete a volume; nothing happens if there is none."""
    path = backend.path(volume)
    try:
        if not path.exists():
            await delete_image(backend, volume)
        await asyncio.to_thread(path.unlink, missing_ok=True)
    except OSError as error:
        raise OdfError(f"volume {volume} can not be deleted: {error}") from error

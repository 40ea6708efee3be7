"""Volumes that are files: copies of others, and growth."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.machines.base import Backend, DiskFormat, Origin
from pytest_odfperf.sandbox.machines.volume_copies import copy_volume, grow_volume
from pytest_odfperf.sandbox.machines.volumes import create_volume

pytestmark = pytest.mark.skipif(shutil.which("qemu-io") is None, reason="no qemu-utils here")

MIB = 1 << 20


def backend(directory: Path, name: str, image_format: DiskFormat) -> Backend:
    return Backend(name=name, directory=directory / name, format=image_format)


def look(place: Backend, volume: str, command: str) -> str:
    """What qemu-io says of a volume, which it reads with ``command``."""
    asked = ["qemu-io", "-f", place.format, "-c", command, str(place.path(volume))]
    return subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True).stdout


def size(place: Backend, volume: str) -> int:
    asked = ["qemu-img", "info", "-f", place.format, "--output=json", str(place.path(volume))]
    return int(json.loads(subprocess.check_output(asked))["virtual-size"])


@pytest.mark.parametrize("target", ["raw", "qcow2"])
@pytest.mark.parametrize("source", ["raw", "qcow2"])
def test_a_copy_has_the_content_and_its_own_size(
    tmp_path: Path, source: DiskFormat, target: DiskFormat
) -> None:
    old, new = backend(tmp_path, "a,b", source), backend(tmp_path, "b", target)
    origin = Origin(backend=old, volume="pvc-a")

    async def copy() -> None:
        await copy_volume(origin, new, "pvc-b", 12 * MIB)

    asyncio.run(create_volume(old, "pvc-a", 8 * MIB, None))
    look(old, "pvc-a", "write -P 0xab 1M 1M")
    asyncio.run(copy())
    assert size(new, "pvc-b") == 12 * MIB
    assert "failed" not in look(new, "pvc-b", "read -P 0xab 1M 1M")
    assert "failed" not in look(new, "pvc-b", "read -P 0 11M 1M")
    # What was copied stays as it is, whatever becomes of the source.
    look(old, "pvc-a", "write -P 0xcd 1M 1M")
    asyncio.run(copy())
    assert "failed" not in look(new, "pvc-b", "read -P 0xab 1M 1M")
    assert sorted(path.name for path in new.directory.iterdir()) == [f"pvc-b.{target}"]
    for wanted in (16, 4):
        asyncio.run(grow_volume(new, "pvc-b", wanted * MIB))
        assert size(new, "pvc-b") == 16 * MIB


def test_a_copy_of_nothing_says_what_is_missing(tmp_path: Path) -> None:
    old, new = backend(tmp_path, "a", "raw"), backend(tmp_path, "b", "raw")
    origin = Origin(backend=old, volume="pvc-a")
    with pytest.raises(OdfError, match="volume pvc-b can not be made: there is no"):
        asyncio.run(copy_volume(origin, new, "pvc-b", MIB))
    with pytest.raises(OdfError, match="volume pvc-b does not grow"):
        asyncio.run(grow_volume(new, "pvc-b", MIB))

"""What a matrix file may say about QEMU, and what becomes of odd paths in its command line."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pytest_odfperf.errors import InputError
from pytest_odfperf.sandbox.config.parse_config import parse_config
from pytest_odfperf.sandbox.image.build import GuestImage, cache_dir
from pytest_odfperf.sandbox.image.tools import system_packages
from pytest_odfperf.sandbox.machines.base import Backend, DiskSpec, MachineSpec
from pytest_odfperf.sandbox.machines.qemu.qemu_command import QemuSettings, command
from pytest_odfperf.sandbox.machines.qemu.qemu_machine import QemuMachines


def nodes(directory: Path, **backend: Any) -> list[dict[str, Any]]:
    """The disk nodes of a machine with one data disk."""
    pool = Backend(name="data", directory=directory, **backend)
    disk = DiskSpec(
        name="data", serial="odfperfdata", size_bytes=1 << 30, boot=False, backend=pool, volume="pv-data"
    )
    spec = MachineSpec(
        name="vm-0",
        namespace="ns",
        uid="uid-1",
        vcpus=1,
        memory_bytes=512 << 20,
        user_data=b"#cloud-config\n",
        network_data=None,
        disks=(disk,),
        directory=directory,
    )
    image = GuestImage(disk=Path("/cache/root.img"), format="raw", kernel=Path("/cache/vmlinuz"))
    settings = QemuSettings(accelerator="tcg", image=image, qemu="qemu-system-x86_64")
    arguments = command(spec, settings, Path("/seed"), Path("/console.log"), 7)
    return [json.loads(value) for name, value in pairwise(arguments) if name == "-blockdev"]


def test_every_node_that_is_used_is_defined_before() -> None:
    known: set[str] = set()
    for node in nodes(Path("/volumes"), iops=1):
        assert node.get("file") is None or node["file"] in known
        known.add(node["node-name"])


def test_a_path_with_commas_and_quotes_stays_one_file_name() -> None:
    hostile = Path('/volumes/a,readonly=on,"b')
    assert [n["filename"] for n in nodes(hostile) if n["driver"] == "file"] == [str(hostile / "pv-data.raw")]


@pytest.mark.parametrize(("cache", "aio"), [("none", "native"), ("writeback", "threads")])
def test_native_requests_go_only_to_files_that_bypass_the_page_cache(cache: str, aio: str) -> None:
    assert [n["aio"] for n in nodes(Path("/volumes"), cache=cache) if n["driver"] == "file"] == [aio]


def test_the_cache_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/some/where")
    assert cache_dir() == Path("/some/where/pytest-odfperf")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert cache_dir() == Path("/home/me/.cache/pytest-odfperf")


def test_every_tool_of_the_real_machines_has_a_package() -> None:
    assert {"qemu-system-x86_64", "qemu-img", "mmdebstrap", "mke2fs", "kubectl"} <= set(system_packages())


@pytest.mark.parametrize("qemu", [{"accelerator": "xen"}, {"accel": "kvm"}])
def test_a_wrong_qemu_setting_is_refused(qemu: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sandbox\.qemu"):
        QemuMachines(parse_config({"machine": "qemu", "qemu": qemu}), tmp_path)

"""The command line of QEMU, the seed of a guest, and the image's recipe: pure parts of the real machines."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_odfperf.errors import InputError
from pytest_odfperf.sandbox.config import parse_config
from pytest_odfperf.sandbox.image.build import GuestImage, cache_dir
from pytest_odfperf.sandbox.image.recipe import Recipe
from pytest_odfperf.sandbox.image.tools import system_packages
from pytest_odfperf.sandbox.machines.base import Backend, DiskSpec, MachineSpec
from pytest_odfperf.sandbox.machines.qemu import QemuMachines
from pytest_odfperf.sandbox.machines.qemu_command import QemuSettings, cache_options, command
from pytest_odfperf.sandbox.machines.seed import seed_files, write_seed

SETTINGS = QemuSettings(
    accelerator="tcg",
    image=GuestImage(disk=Path("/cache/root.img"), format="raw", kernel=Path("/cache/vmlinuz")),
    qemu="qemu-system-x86_64",
)


def disk(name: str, backend: Backend, *, boot: bool = False) -> DiskSpec:
    serial = None if boot else "odfperfdata"
    return DiskSpec(
        name=name, serial=serial, size_bytes=1 << 30, boot=boot, backend=backend, volume=f"pv-{name}"
    )


def spec(directory: Path, *, name: str = "vm-0", **limits: Any) -> MachineSpec:
    root = Backend(name="root", directory=directory, format="qcow2")
    data = Backend(name="data", directory=directory, **limits)
    return MachineSpec(
        name=name,
        namespace="ns",
        uid="uid-1",
        vcpus=2,
        memory_bytes=512 << 20,
        user_data=b"#cloud-config\n",
        network_data=None,
        disks=(disk("root", root, boot=True), disk("data", data)),
        directory=directory,
    )


def arguments_of(machine: MachineSpec, settings: QemuSettings = SETTINGS) -> list[str]:
    return command(machine, settings, Path("/seed"), Path("/console.log"), 7)


def values(arguments: list[str], option: str) -> list[str]:
    return [value for name, value in pairwise(arguments) if name == option]


def objects(arguments: list[str], option: str) -> list[dict[str, Any]]:
    return [json.loads(value) for value in values(arguments, option) if value.startswith("{")]


def test_limits_of_a_volume_throttle_the_data_disk_only(tmp_path: Path) -> None:
    found = arguments_of(spec(tmp_path, iops=500, bandwidth_bytes_per_s=1 << 20))
    (group,) = objects(found, "-object")
    assert group["limits"] == {"iops-total": 500, "bps-total": 1 << 20}
    (throttle,) = [node for node in objects(found, "-blockdev") if node["driver"] == "throttle"]
    assert throttle["throttle-group"] == group["id"]
    (data,) = objects(found, "-device")
    assert data["drive"] == throttle["node-name"]
    assert data["serial"] == "odfperfdata"


def test_a_volume_without_limits_has_no_throttle(tmp_path: Path) -> None:
    found = arguments_of(spec(tmp_path))
    assert objects(found, "-object") == []
    assert "throttle" not in {node["driver"] for node in objects(found, "-blockdev")}


def test_the_data_disk_merges_no_requests(tmp_path: Path) -> None:
    (data,) = objects(arguments_of(spec(tmp_path)), "-device")
    assert data["request-merging"] is False


def test_every_node_that_is_used_is_defined_before(tmp_path: Path) -> None:
    nodes = objects(arguments_of(spec(tmp_path, iops=1)), "-blockdev")
    known: set[str] = set()
    for node in nodes:
        assert node.get("file") is None or node["file"] in known
        known.add(node["node-name"])


def test_ssh_is_forwarded_from_loopback_to_a_port_that_the_kernel_chooses(tmp_path: Path) -> None:
    (net,) = values(arguments_of(spec(tmp_path)), "-netdev")
    assert net == "user,id=net,hostfwd=tcp:127.0.0.1:0-:22"


def test_an_image_with_a_boot_loader_gets_no_kernel_and_boots_its_first_disk(tmp_path: Path) -> None:
    image = GuestImage(disk=Path("/i.qcow2"), format="qcow2", kernel=None)
    found = arguments_of(spec(tmp_path), replace(SETTINGS, image=image))
    assert "-kernel" not in found
    assert [device.get("bootindex") for device in objects(found, "-device")] == [0, None]


def test_a_comma_in_a_name_ends_no_option(tmp_path: Path) -> None:
    (name,) = values(arguments_of(spec(tmp_path, name="a,debug-threads=on")), "-name")
    assert name == "odfperf-a,,debug-threads=on"


def test_a_path_with_commas_and_quotes_stays_one_file_name(tmp_path: Path) -> None:
    hostile = tmp_path / 'a,readonly=on,"b'
    files = [node for node in objects(arguments_of(spec(hostile)), "-blockdev") if node["driver"] == "file"]
    assert [Path(node["filename"]).parent for node in files] == [hostile, hostile]


@pytest.mark.parametrize(
    ("cache", "direct", "no_flush", "write_cache"),
    [
        ("none", True, False, True),
        ("writeback", False, False, True),
        ("writethrough", False, False, False),
        ("directsync", True, False, False),
        ("unsafe", False, True, True),
    ],
)
def test_cache_modes_are_those_of_qemu(cache: Any, direct: bool, no_flush: bool, write_cache: bool) -> None:
    assert cache_options(cache) == ({"direct": direct, "no-flush": no_flush}, write_cache)


def test_native_requests_go_only_to_files_that_bypass_the_page_cache(tmp_path: Path) -> None:
    for cache, wanted in (("none", "native"), ("writeback", "threads")):
        nodes = objects(arguments_of(spec(tmp_path, cache=cache)), "-blockdev")
        assert [n["aio"] for n in nodes if n["driver"] == "file" and "pv-data" in n["filename"]] == [wanted]


def test_the_seed_names_the_instance_and_keeps_the_user_data(tmp_path: Path) -> None:
    machine = replace(spec(tmp_path, name="vm: [x]"), user_data=b"#cloud-config\n\xff")
    files = seed_files(machine, one_stage=True)
    meta = yaml.safe_load(files["meta-data"])
    assert meta == {"instance-id": "uid-1", "local-hostname": "vm: [x]", "dsmode": "local"}
    assert files["user-data"] == machine.user_data
    assert "network-config" not in files
    assert "dsmode" not in yaml.safe_load(seed_files(machine, one_stage=False)["meta-data"])


def test_the_seed_with_its_private_key_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = write_seed(replace(spec(tmp_path), network_data=b"version: 2\n"), one_stage=True)
    assert {path.name for path in folder.iterdir()} == {"meta-data", "user-data", "network-config"}
    assert folder.stat().st_mode & 0o077 == 0
    assert [path.name for path in folder.iterdir() if path.stat().st_mode & 0o077] == []


def test_another_package_or_size_is_another_image() -> None:
    usual = Recipe()
    others = [
        Recipe(packages=(*usual.packages, "vim")),
        Recipe(size_bytes=usual.size_bytes + 1),
        Recipe(suite="trixie"),
    ]
    assert len({usual.key, *(other.key for other in others)}) == 4
    assert usual.key == Recipe().key


def test_the_cache_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/some/where")
    assert cache_dir() == Path("/some/where/pytest-odfperf")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert cache_dir() == Path("/home/me/.cache/pytest-odfperf")


def test_every_tool_of_the_real_machines_has_a_package() -> None:
    assert {"qemu-system-x86_64", "qemu-img", "mmdebstrap", "mke2fs"} <= set(system_packages())


@pytest.mark.parametrize("qemu", [{"accelerator": "xen"}, {"accel": "kvm"}])
def test_a_wrong_qemu_setting_is_refused(qemu: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sandbox\.qemu"):
        QemuMachines(parse_config({"machine": "qemu", "qemu": qemu}), tmp_path)

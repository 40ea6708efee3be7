"""The command line and the seed of QEMU machines."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
import yaml

from pytest_odfperf.errors import InputError
from pytest_odfperf.sandbox.ceph.ceph import Connection
from pytest_odfperf.sandbox.image.build import GuestImage
from pytest_odfperf.sandbox.image.recipe import Recipe
from pytest_odfperf.sandbox.image.tools import system_packages, tool
from pytest_odfperf.sandbox.machines.base import Backend, DiskCache, DiskSpec, MachineSpec
from pytest_odfperf.sandbox.machines.image_backend import image_backend
from pytest_odfperf.sandbox.machines.qemu.qemu_command import Accelerator, QemuSettings, command
from pytest_odfperf.sandbox.machines.qemu.seed import seed_files, write_seed

BUILT = GuestImage(disk=Path("/c/root.img"), format="raw", kernel=Path("/c/vmlinuz"))
CLOUD = GuestImage(disk=Path("/c/cloud.qcow2"), format="qcow2", kernel=None)


def machine(directory: Path, pool: Backend, network_data: bytes | None = None, vcpus: int = 2) -> MachineSpec:
    root = Backend(name="root", directory=Path("/r"), format="qcow2")
    return MachineSpec(
        name="vm,1",
        namespace="n",
        uid="u-1",
        vcpus=vcpus,
        memory_bytes=1 << 30,
        user_data=b"#cloud-config\n",
        network_data=network_data,
        directory=directory,
        disks=(
            DiskSpec(name="root", serial=None, size_bytes=1, boot=True, backend=root, volume="pv-r"),
            DiskSpec(
                name="data", serial="odfperfdata", size_bytes=1, boot=False, backend=pool, volume="pv-d"
            ),
        ),
    )


def arguments(
    pool: Backend, image: GuestImage = BUILT, *, accelerator: Accelerator = "tcg", vcpus: int = 2
) -> list[str]:
    settings = QemuSettings(accelerator=accelerator, image=image, qemu="/bin/qemu")
    spec = machine(Path("/m"), pool, vcpus=vcpus)
    return command(spec, settings, Path("/m/seed"), Path("/m/a,b.log"), 7)


def options(line: list[str], option: str) -> list[str]:
    return [value for name, value in itertools.pairwise(line) if name == option]


def nodes(line: list[str]) -> dict[str, dict[str, object]]:
    return {node["node-name"]: node for node in map(json.loads, options(line, "-blockdev"))}


class FakeCeph:
    """As far as a command line asks."""

    connection = Connection(conf=Path("/c/ceph.conf"), user="admin", keyring=Path("/c/keyring"))


def data_device(line: list[str]) -> dict[str, object]:
    devices = [json.loads(text) for text in options(line, "-device") if text.startswith("{")]
    return next(device for device in devices if device.get("serial") == "odfperfdata")


def test_a_pool_with_limits_has_a_throttle_between_format_and_device() -> None:
    line = arguments(Backend(name="p", directory=Path("/d"), iops=500, bandwidth_bytes_per_s=20 << 20))
    [group] = map(json.loads, [text for text in options(line, "-object") if text.startswith("{")])
    assert group["limits"] == {"iops-total": 500, "bps-total": 20 << 20}
    throttle = nodes(line)[str(data_device(line)["drive"])]
    assert throttle["driver"] == "throttle"
    assert throttle["throttle-group"] == group["id"]
    assert nodes(line)[str(throttle["file"])]["driver"] == "raw"


def test_a_pool_without_limits_has_no_throttle() -> None:
    line = arguments(Backend(name="p", directory=Path("/d")))
    assert nodes(line)[str(data_device(line)["drive"])]["driver"] == "raw"
    assert not [text for text in options(line, "-object") if "throttle" in text]


def test_requests_of_the_data_disk_are_not_merged() -> None:
    assert data_device(arguments(Backend(name="p", directory=Path("/d"))))["request-merging"] is False


@pytest.mark.parametrize(
    ("cache", "direct", "no_flush", "write_cache"),
    [
        ("none", True, False, "on"),
        ("writeback", False, False, "on"),
        ("writethrough", False, False, "off"),
        ("directsync", True, False, "off"),
        ("unsafe", False, True, "on"),
    ],
)
def test_cache_modes_mean_what_qemu_documents(
    cache: DiskCache, direct: bool, no_flush: bool, write_cache: str
) -> None:
    line = arguments(Backend(name="p", directory=Path("/d"), cache=cache))
    file = next(node for node in nodes(line).values() if node.get("filename") == "/d/pv-d.raw")
    assert file["cache"] == {"direct": direct, "no-flush": no_flush}
    assert data_device(line)["write-cache"] == write_cache


@pytest.mark.parametrize(
    ("accelerator", "vcpus", "smp"),
    [
        ("tcg", 1, "cpus=1,maxcpus=2"),
        ("tcg", 4, "cpus=4,maxcpus=4"),
        ("kvm", 1, "cpus=1,maxcpus=1"),
    ],
)
def test_no_emulated_machine_is_one_whose_barriers_qemu_leaves_out(
    accelerator: Accelerator, vcpus: int, smp: str
) -> None:
    line = arguments(Backend(name="p", directory=Path("/p")), accelerator=accelerator, vcpus=vcpus)
    assert options(line, "-smp") == [smp]


def test_a_built_image_boots_its_kernel_and_a_cloud_image_its_loader() -> None:
    pool = Backend(name="p", directory=Path("/d"))
    assert options(arguments(pool), "-kernel") == ["/c/vmlinuz"]
    assert options(arguments(pool, CLOUD), "-kernel") == []
    assert '"bootindex": 0' in "".join(options(arguments(pool, CLOUD), "-device"))


def test_commas_in_names_and_paths_do_not_become_options() -> None:
    line = arguments(Backend(name="p", directory=Path("/d,x")))
    assert options(line, "-name") == ["odfperf-vm,,1"]
    assert "file,id=console,path=/m/a,,b.log" in options(line, "-chardev")
    assert "/d,x/pv-d.raw" in {node.get("filename") for node in nodes(line).values()}


def test_the_ssh_port_is_bound_on_loopback_where_the_kernel_chooses() -> None:
    [network] = options(arguments(Backend(name="p", directory=Path("/d"))), "-netdev")
    assert network == "user,id=net,hostfwd=tcp:127.0.0.1:0-:22"


def test_the_seed_holds_the_user_data_and_a_name_for_the_instance() -> None:
    spec = machine(Path("/m"), Backend(name="p", directory=Path("/d")))
    files = seed_files(spec, one_stage=False)
    assert set(files) == {"user-data", "meta-data"}
    assert files["user-data"] == spec.user_data
    assert yaml.safe_load(files["meta-data"]) == {"instance-id": "u-1", "local-hostname": "vm,1"}
    assert yaml.safe_load(seed_files(spec, one_stage=True)["meta-data"])["dsmode"] == "local"


def test_the_seed_is_for_its_owner_only(tmp_path: Path) -> None:
    spec = machine(tmp_path, Backend(name="p", directory=Path("/d")), network_data=b"version: 2\n")
    folder = write_seed(spec, one_stage=False)
    assert (folder / "network-config").read_bytes() == b"version: 2\n"
    assert {path.stat().st_mode & 0o077 for path in (folder, *folder.iterdir())} == {0}


def test_another_recipe_has_another_key() -> None:
    keys = {Recipe().key, Recipe(packages=("fio",)).key, Recipe(suite="trixie").key, Recipe(size_bytes=1).key}
    assert len(keys) == 4


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_odfperf.sandbox.image.tools._SEARCH", "/nowhere")
    with pytest.raises(
        InputError, match=r"mke2fs is not there: install the Debian package e2fsprogs \(tools/install-"
    ):
        tool("mke2fs")
    assert system_packages()["qemu-img"] == "qemu-utils"


def test_a_data_disk_of_ceph_is_an_image_whose_limits_are_librbds() -> None:
    parameters = {
        "pool": "rep2",
        "dataPool": "ec",
        "imageFeatures": "layering, exclusive-lock",
        "rbd_qos_bps_limit": "9",
    }
    pool = image_backend("sc", Path("/p"), FakeCeph(), parameters, iops=200)  # type: ignore[arg-type]
    assert (pool.data_pool, pool.image_features) == ("ec", ("layering", "exclusive-lock"))
    assert pool.image_settings == {"rbd_qos_iops_limit": "200", "rbd_qos_bps_limit": "9"}
    line = arguments(pool)
    storage = nodes(line)["file1"]
    assert storage == {
        "driver": "rbd",
        "node-name": "file1",
        "pool": "rep2",
        "image": "csi-vol-pv-d",
        "conf": "/c/ceph.conf",
        "user": "admin",
        # librbd's own cache is off, whatever ceph.conf says.
        "cache": {"direct": True, "no-flush": False},
        "discard": "unmap",
    }
    assert not [option for option in options(line, "-object") if "throttle" in option]
    # The guest image's clone is a file of another class.
    assert nodes(line)["file0"]["driver"] == "file"


def test_a_clone_of_the_guest_image_is_a_file_in_a_class_of_ceph_too(tmp_path: Path) -> None:
    pool = image_backend("sc", tmp_path, FakeCeph(), {"pool": "rep3"})  # type: ignore[arg-type]
    pool.path("pv-d").touch()
    assert nodes(arguments(pool))["file1"]["driver"] == "file"

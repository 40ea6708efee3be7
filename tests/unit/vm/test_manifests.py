from __future__ import annotations

from typing import Any

import pytest

from pytest_odfperf.matrix.keys import GroupKey
from pytest_odfperf.matrix.model import GuestSettings
from pytest_odfperf.matrix.vm_patch import DATA_SERIAL
from pytest_odfperf.redaction import Hidden
from pytest_odfperf.vm import labels, manifests
from pytest_odfperf.vm.spec import GroupSpec, Owner

KEY = GroupKey("rep3", "medium", "150Gi", 2)


def make_spec(**changes: Any) -> GroupSpec:
    options: dict[str, Any] = {
        "run_id": "perf-1",
        "key": KEY,
        "attempt": 1,
        "namespace": "bench",
        "owner": Owner("odfperf-perf-1", "uid-1"),
        "storage_class": "sc",
        "volume_mode": "Block",
        "vcpus": 4,
        "memory_bytes": 8 << 30,
        "pvc_size_bytes": 150 << 30,
        "guest": GuestSettings(),
        "client_key_public": "ssh-ed25519 AAAA",
        "job": "[x]\n",
        "layout_bytes": 4 << 30,
    }
    return GroupSpec(**{**options, **changes})


def all_objects(spec: GroupSpec) -> list[dict[str, Any]]:
    vm = spec.vm_names[0]
    return [
        manifests.secret(spec, vm, Hidden("#cloud-config\n")),
        manifests.data_claim(spec, vm),
        manifests.virtual_machine(spec, vm),
    ]


def test_every_object_carries_the_labels_and_is_owned_by_the_run() -> None:
    spec = make_spec()
    for body in all_objects(spec):
        assert labels.group_labels("perf-1", KEY).items() <= body["metadata"]["labels"].items()
        (owner,) = body["metadata"]["ownerReferences"]
        assert owner == {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": "odfperf-perf-1",
            "uid": "uid-1",
        }


def test_objects_that_kubevirt_makes_carry_the_labels_and_get_no_second_owner() -> None:
    spec = make_spec()
    vm = manifests.virtual_machine(spec, spec.vm_names[0])["spec"]
    (root,) = vm["dataVolumeTemplates"]
    for metadata in (root["metadata"], vm["template"]["metadata"]):
        assert labels.group_labels("perf-1", KEY).items() <= metadata["labels"].items()
        assert "ownerReferences" not in metadata


def test_the_vm_asks_for_all_that_it_may_use() -> None:
    spec = make_spec()
    domain = manifests.virtual_machine(spec, spec.vm_names[0])["spec"]["template"]["spec"]["domain"]
    assert domain["resources"]["requests"] == domain["resources"]["limits"] == {"cpu": "4", "memory": "8Gi"}
    assert domain["cpu"]["cores"] == 4
    assert domain["memory"]["guest"] == "8Gi"
    assert domain["ioThreadsPolicy"] == "auto"
    assert domain["devices"]["blockMultiQueue"] is True


def test_disks_and_volumes_name_each_other() -> None:
    spec = make_spec()
    instance = manifests.virtual_machine(spec, spec.vm_names[1])["spec"]["template"]["spec"]
    disks = instance["domain"]["devices"]["disks"]
    assert [disk["name"] for disk in disks] == [volume["name"] for volume in instance["volumes"]]
    assert [disk.get("serial") for disk in disks] == [None, DATA_SERIAL, None]
    assert len(DATA_SERIAL) <= 20
    root, data, cloudinit = instance["volumes"]
    name = spec.vm_names[1]
    assert root["dataVolume"]["name"] == f"{name}-root"
    assert data["persistentVolumeClaim"]["claimName"] == manifests.data_claim(spec, name)["metadata"]["name"]
    secret = manifests.secret(spec, name, Hidden("x"))["metadata"]["name"]
    assert cloudinit["cloudInitNoCloud"]["secretRef"]["name"] == secret


@pytest.mark.parametrize("mode", ["Block", "Filesystem"])
def test_the_data_disk_is_of_the_pool(mode: Any) -> None:
    spec = make_spec(volume_mode=mode)
    claim = manifests.data_claim(spec, spec.vm_names[0])["spec"]
    assert claim == {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "sc",
        "volumeMode": mode,
        "resources": {"requests": {"storage": "150Gi"}},
    }


def test_the_root_disk_is_of_the_default_class_unless_the_matrix_names_one() -> None:
    def root(guest: GuestSettings) -> Any:
        spec = make_spec(guest=guest)
        return manifests.virtual_machine(spec, spec.vm_names[0])["spec"]["dataVolumeTemplates"][0]["spec"]

    assert "storageClassName" not in root(GuestSettings())["storage"]
    assert root(GuestSettings(root_storage_class="fast"))["storage"]["storageClassName"] == "fast"
    assert root(GuestSettings(data_source="fedora"))["sourceRef"]["name"] == "fedora"


def test_the_group_selector_selects_the_group_and_nothing_else() -> None:
    selected = dict(part.split("=") for part in labels.group_selector("perf-1", KEY).split(","))
    assert selected.items() <= labels.group_labels("perf-1", KEY).items()
    other = labels.group_labels("perf-1", GroupKey("rep3", "medium", "150Gi", 1))
    assert not selected.items() <= other.items()


def test_an_owner_survives_json() -> None:
    owner = Owner("odfperf-x", "u")
    assert Owner.from_json(owner.to_json()) == owner

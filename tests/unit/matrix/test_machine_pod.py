# ruff: noqa: E501 - a table of messages is read line by line
"""``machine: pod``: what is taken and refused, what decides its figures, and the pod that is made of it."""

from __future__ import annotations

import base64
import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.definition import definition
from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.keys import GroupKey
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.matrix.reading.load import load_text
from pytest_odfperf.matrix.reading.matrix_check import check
from pytest_odfperf.matrix.serial import from_json, to_json
from pytest_odfperf.preflight.limits import needs
from pytest_odfperf.vm import labels, manifests, pod_manifest
from pytest_odfperf.vm.spec import GroupSpec, Owner

IMAGE = "quay.io/me/fio:3.36"


def load(size: str = f"machine: pod, image: '{IMAGE}'", *, pool: str = "", vm: str = "{}") -> Matrix:
    text = f"""
pools:
  - {{name: a{pool}}}
vm_sizes:
  small: {{vcpus: 2, memory: 4Gi}}
  pod: {{vcpus: 2, memory: 4Gi, {size}}}
pvc_sizes: [20Gi]
concurrency: [2]
profiles: [db-oltp]
vm: {vm}
"""
    return load_text(text, source="m.yaml", folder=Path(), name="m")


def spec(matrix: Matrix, mode: Any = "Block", size: str = "pod") -> GroupSpec:
    key = GroupKey("a", size, "20Gi", 2)
    return GroupSpec.of(
        matrix, key, run_id="r", owner=Owner("o", "u"), volume_mode=mode, client_key_public="k",
        job="[x]\n", layout_bytes=4096,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ("machine: pod", "m.yaml:6: VM size 'pod' is a pod and needs image: a container image that holds fio"),
        ("image: 'x'", "m.yaml:6: VM size 'pod' has an image, which only a pod has (machine: pod); that of VMs is guest.data_source"),
        ("machine: container", "m.yaml:6: VM size 'pod': machine 'container' is not known (known: vm, pod)"),
        ("machine: pod, image: 'a b'", "m.yaml:6: VM size 'pod': image 'a b' is not a container image: [REGISTRY/]NAME[:TAG][@DIGEST]"),
        ("machine: pod, image: '$(reboot)'", "image '$(reboot)' is not a container image"),
        ("machine: pod, image: ''", "image"),
        ("machine: pod, image: 'x/../y'", "is not a container image"),
        (f"machine: pod, image: '{'a' * 600}'", "is not a container image"),
        ("machine: pod, image: x, instancetype: u1.small", "is a pod and can not have an instancetype"),
        ("machine: pod, image: x, vm: {patch: {metadata: {labels: {a: b}}}}", "is a pod and can not have a patch: it is of VirtualMachines"),
        ("machine: pod, image: x, vm: {preference: p}", "is a pod and can not have a preference"),
    ],
)  # fmt: skip
def test_what_a_pod_can_not_be_is_one_line_with_its_place(size: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        load(size)
    assert said in str(caught.value)
    assert str(caught.value).startswith("m.yaml:6: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "image",
    [
        "fio",
        "localhost:5000/fio",
        "quay.io/a/b_c.d-e:1.0",
        "image-registry.openshift-image-registry.svc:5000/bench/fio:latest",
        "quay.io/a/fio@sha256:" + "0" * 64,
        "quay.io/a/fio:1@sha256:" + "f" * 64,
    ],
)
def test_images_as_people_name_them(image: str) -> None:
    assert load(f"machine: pod, image: '{image}'").vm_size("pod").image == image


def test_it_goes_to_workers_and_back_and_is_checked_there() -> None:
    matrix = load()
    plain = json.loads(json.dumps(to_json(matrix)))
    assert check(from_json(plain)) == matrix
    plain["vm_sizes"][1]["image"] = "$(x)"
    with pytest.raises(InputError, match="is not a container image"):
        check(from_json(plain))
    plain["vm_sizes"][1] |= {"image": None, "machine": "vm"}
    check(from_json(plain))


def test_definitions_of_vms_stay_and_those_of_pods_follow_what_decides_them() -> None:
    def found(matrix: Matrix) -> dict[str, str]:
        return {key.size: definition(key, matrix) for key in expand(matrix)}

    vm_only = load("instancetype: u1.x")
    plain = found(load())
    assert plain["small"] == found(vm_only)["small"] != plain["pod"]
    assert found(load("machine: pod, image: other"))["pod"] != plain["pod"]
    other_image = load()
    guest = {**to_json(other_image)["guest"], "data_source": "rhel9", "packages": ["fio"]}
    changed = found(from_json({**to_json(other_image), "guest": guest}))
    assert changed["pod"] == plain["pod"]
    assert changed["small"] != plain["small"]


def test_the_pod_is_as_large_as_the_vm_and_asks_for_no_privilege() -> None:
    made = spec(
        load(
            vm="{node_selector: {a: b}, labels: {team: x}, annotations: {n: m}, patch: {metadata: {labels: {p: q}}}}"
        )
    )
    body = pod_manifest.pod(made, made.vm_names[0])
    (container,) = body["spec"]["containers"]
    size = {"cpu": "2", "memory": "4Gi"}
    assert container["resources"] == {"requests": size, "limits": size}
    assert container["image"] == IMAGE
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"runAsUser", "fsGroup"} & set(body["spec"]["securityContext"])
    assert body["spec"]["restartPolicy"] == "Never"
    assert body["spec"]["automountServiceAccountToken"] is False
    assert body["spec"]["nodeSelector"] == {"a": "b"}
    assert body["metadata"]["labels"] == {
        "team": "x",
        **labels.group_labels("r", made.key),
        labels.VM: made.vm_names[0],
        labels.MACHINE: "pod",
    }
    assert body["metadata"]["annotations"] == {"n": "m"}
    assert body["metadata"]["ownerReferences"][0]["uid"] == "u"
    json.dumps(body)


@pytest.mark.parametrize(
    ("target", "of_vms", "mode", "access", "raw"),
    [
        ("file", "Block", "Filesystem", "ReadWriteOnce", False),
        ("file", "Filesystem", "Filesystem", "ReadWriteMany", False),
        ("block", "Block", "Block", "ReadWriteMany", True),
    ],
)
def test_a_pod_gets_its_disk_as_a_file_system_or_raw(
    target: str, of_vms: Any, mode: str, access: str, *, raw: bool
) -> None:
    made = spec(load(pool=f", target: {target}", vm="{access_mode: ReadWriteMany}"), of_vms)
    claim = manifests.data_claim(made, made.vm_names[0])["spec"]
    assert (claim["volumeMode"], claim["accessModes"]) == (mode, [access])
    (container,) = pod_manifest.pod(made, made.vm_names[0])["spec"]["containers"]
    paths = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert ("/mnt/data" in paths) is not raw
    assert container.get("volumeDevices") == (
        [{"name": "data", "devicePath": "/dev/disk/by-id/virtio-odfperfdata"}] if raw else None
    )
    assert spec(load(pool=f", target: {target}"), of_vms, "small").volume_mode == of_vms


def test_the_secret_has_the_files_of_the_script_and_no_key() -> None:
    made = spec(load())
    data = pod_manifest.files_secret(made, made.vm_names[0])["data"]
    files = {name: base64.b64decode(text).decode() for name, text in data.items()}
    assert set(files) == {"guest.conf", "job.fio", "odfperf-guest"}
    settings = dict(line.split("=", 1) for line in files["guest.conf"].splitlines())
    assert {name: shlex.split(value)[0] for name, value in settings.items()} == {
        "DATA_DIR": "/mnt/data",
        "DATA_SERIAL": "odfperfdata",
        "LAYOUT_BYTES": "4096",
        "LAYOUT_FILE": "fio-testfile",
        "TARGET": "file",
        "WAIT_FOR_PACKAGES": "0",
        "SERVICES": "pod",
    }
    assert files["job.fio"] == "[x]\n"
    assert "PRIVATE KEY" not in "".join(files.values())
    assert pod_manifest.command("attach t-1") == ("sh", "/etc/odfperf/odfperf-guest", "attach", "t-1")


def test_selectors_tell_our_pods_from_launchers_and_select_nothing_else() -> None:
    assert labels.own_pods("odfperf/run-id=r") == "odfperf/run-id=r,odfperf/machine=pod"
    with pytest.raises(ValueError, match="empty"):
        labels.own_pods("")
    launcher = {"metadata": {"labels": labels.group_labels("r", GroupKey("a", "pod", "20Gi", 2))}}
    assert not labels.is_own_pod(launcher)
    made = spec(load())
    assert labels.is_own_pod(pod_manifest.pod(made, made.vm_names[0]))


def test_a_pod_takes_less_of_a_quota_than_a_vm() -> None:
    matrix = load()
    of_vm, of_pod = (needs(matrix, GroupKey("a", size, "20Gi", 2), "root") for size in ("small", "pod"))
    assert of_pod["requests.memory"] == 2 * (4 << 30) < of_vm["requests.memory"]
    assert of_pod["requests.storage"] == 2 * (20 << 30) < of_vm["requests.storage"]
    assert of_pod["persistentvolumeclaims"] == 2
    assert of_vm["persistentvolumeclaims"] == 4
    assert "count/virtualmachines.kubevirt.io" not in of_pod
    assert "root.storageclass.storage.k8s.io/requests.storage" not in of_pod

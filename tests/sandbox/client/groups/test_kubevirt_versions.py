"""Both sides of what moved between KubeVirt's versions (docs/kubevirt-versions.md), on sandboxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_odfperf.cluster.causes.cause_table import Patience
from pytest_odfperf.cluster.causes.group_diagnosis import collect
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.connect import connect
from pytest_odfperf.cluster.client.kinds import POD, VMI
from pytest_odfperf.cluster.groups.guest_console import CONTAINER, ConsoleWatch
from pytest_odfperf.cluster.groups.sentinel import Sentinel
from pytest_odfperf.errors import GroupError, InterruptedRunError
from pytest_odfperf.guest.all_guests import connect_all
from pytest_odfperf.sandbox.start import Sandbox

IMPATIENT = Patience(soon_s=1, retry_s=2, free_s=2, stall_s=3, schedule_s=4)
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/openshift-virtualization-os-images/rolebindings"


@pytest.fixture(scope="module", params=["1.3", "1.9"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def versioned(version: str, start_sandbox: Callable[[Mapping[str, Any]], Sandbox]) -> Sandbox:
    return start_sandbox(
        {
            "machine": "simulated",
            "kubevirt_version": version,
            "boot_s": 0.05,
            "clone_s": 0.05,
            "storage_classes": {
                "good": {"default": True},
                "cloud-init": {"troubles": {"cloud_init_fails": True}},
            },
        }
    )


@pytest.fixture(scope="module")
def cluster(versioned: Sandbox) -> Iterator[Cluster]:
    connected = connect(str(versioned.kubeconfig))
    yield connected
    connected.close()


def test_the_console_of_the_guest_is_read_where_the_version_has_it(bench: Any, version: str) -> None:
    group = bench.group("cloud-init")
    (pod,) = bench.calls.items(POD, bench.namespace)
    (instance,) = bench.calls.items(VMI, bench.namespace)
    new = version == "1.9"
    place = "initContainers" if new else "containers"
    names = [container["name"] for container in pod["spec"].get(place) or ()]
    assert names == ([CONTAINER] if new else ["compute", CONTAINER])
    finalizer = "kubevirt.io/foregroundDeleteVirtualMachine" if new else "foregroundDeleteVirtualMachine"
    assert finalizer in instance["metadata"]["finalizers"]
    sentinel = Sentinel(group.seen, group.spec, group.vms, bench.stop, IMPATIENT).start()
    with (
        ConsoleWatch(bench.cluster, group.spec, group.seen, sentinel, IMPATIENT),
        pytest.raises(InterruptedRunError),
    ):
        connect_all(bench.cluster, group.vms, bench.keys.private, ssh_s=120, stop=sentinel.stop)
    sentinel.close()
    assert sentinel.error is not None
    assert sentinel.error.cause == "cloud_init"
    files = collect(bench.cluster, group.spec, stop=bench.stop)
    assert "Failed to start cloud-config.service" in str(sentinel.error)
    (console,) = (text for name, text in files.items() if name.endswith(f".{CONTAINER}.log"))
    assert "Running module users_groups" in console
    group.delete(delete_s=20, stop=bench.stop)


def test_a_clone_that_is_not_allowed_is_told_by_the_vm_or_by_its_event(
    bench: Any, version: str, versioned: Sandbox, make_kube: Callable[[Path, str], Any]
) -> None:
    make_kube(versioned.kubeconfig, bench.namespace).call("DELETE", BINDINGS)
    with pytest.raises(GroupError) as caught:
        bench.group(patience=IMPATIENT)
    assert caught.value.cause == "clone_forbidden"
    said = str(caught.value)
    account = f"system:serviceaccount:{bench.namespace}:default"
    assert f"User {account} has insufficient permissions in clone source namespace openshift-" in said
    assert ("UnauthorizedDataVolumeCreate" in said) is (version == "1.9")
    assert ("422 Invalid" in said) is (version == "1.3")
    assert "oc apply -f deploy/clone-role.yaml" in said

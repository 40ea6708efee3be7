"""Each cause that the sandbox can be told to produce: named with the API's words, long before a timeout."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_odfperf.cluster.causes.cause_table import CAUSES, Patience
from pytest_odfperf.cluster.causes.group_diagnosis import NOT_READ, collect
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.connect import connect
from pytest_odfperf.cluster.client.kinds import VM
from pytest_odfperf.cluster.groups.sentinel import Sentinel
from pytest_odfperf.errors import GroupError, InterruptedRunError, OdfError
from pytest_odfperf.guest.all_guests import connect_all
from pytest_odfperf.sandbox.start import Sandbox
from pytest_odfperf.waiting import Deadline, Stop

RBD = "rpc error: code = Internal desc = rbd: map failed: (108) Cannot send after transport endpoint shutdown"
QEMU = "internal error: qemu unexpectedly closed the monitor: Could not open '/dev/data': Input/output error"
SCC = 'pods "virt-launcher" is forbidden: unable to validate against any security context constraint'

#: StorageClass: its troubles, the cause, words of the API, the object.
ROWS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "silent": (
        {"provisioner_silent": True},
        "provisioner_silent",
        "Waiting for a volume to be created",
        "PersistentVolumeClaim odf-",
    ),
    "stalls": (
        {"clone": "stalls"},
        "clone_stalled",
        "CSICloneInProgress (42.00%), no progress",
        "DataVolume odf-",
    ),
    "fails": ({"clone": "fails"}, "clone_failed", "the clone's volume could not be read", "DataVolume odf-"),
    "no-source": (
        {"clone": "without_source"},
        "clone_source",
        "The source pvc centos-stream9 doesn't exist",
        "DataVolume odf-",
    ),
    "in-use": (
        {"clone": "source_in_use"},
        "clone_in_use",
        "using PersistentVolumeClaim centos-stream9",
        "DataVolume odf-",
    ),
    "import": (
        {"import_error": "Unable to connect to http data source: 404"},
        "import",
        "data source: 404",
        "DataVolume odf-",
    ),
    "scc": (
        {"launcher_refused": SCC},
        "launcher_refused",
        "security context constraint",
        "VirtualMachineInstance odf-",
    ),
    "pull": ({"image_pull": True}, "image_pull", "manifest unknown", "Pod virt-launcher-odf-"),
    "attach": (
        {"attach_error": RBD},
        "volume_attach",
        "FailedAttachVolume: AttachVolume.Attach failed",
        "Pod virt-launcher-odf-",
    ),
    "mount": (
        {"mount_error": RBD},
        "volume_attach",
        "FailedMapVolume: MapVolume.MapPodDevice failed",
        "Pod virt-launcher-odf-",
    ),
    "qemu": (
        {"qemu_error": QEMU},
        "launcher_crash",
        "command SyncVMI failed: internal error: qemu unexpectedly",
        "VirtualMachineInstance odf-",
    ),
}
IMPATIENT = Patience(soon_s=1, retry_s=2, free_s=2, stall_s=3, schedule_s=4)


@pytest.fixture(scope="session")
def troubled(start_sandbox: Callable[[Mapping[str, Any]], Sandbox]) -> Sandbox:
    classes: dict[str, Any] = {name: {"troubles": row[0]} for name, row in ROWS.items()}
    classes |= {
        "good": {"default": True},
        "busy": {"provisioning_error": "rpc error: code = DeadlineExceeded desc = context deadline exceeded"},
        "paused": {"troubles": {"paused_s": 0.5}},
        "node-lost": {"troubles": {"node_lost_s": 0.5}},
        "crash": {"faults": {"crash": True}},
        "no-address": {"troubles": {"no_address": True}},
        "vm-held": {"troubles": {"vm_held_s": 4}},
        "claims-held": {"troubles": {"claims_held_s": 4}},
    }
    config = {
        "machine": "simulated",
        "boot_s": 0.05,
        "clone_s": 0.05,
        "speed": 100,
        "nodes": [{"name": "a", "cpu": 16, "memory": "64Gi"}, {"name": "b", "cpu": 16, "memory": "64Gi"}],
        "storage_classes": classes,
        "ceph": {"block_pools": {"rep3": {}}},
        "webhooks": [
            {
                "selector": "odfperf/pvc-size=6Gi",
                "denies": "spec.template.spec.domain.cpu: too many",
                "field": "spec.template.spec.domain.cpu",
            },
            {"selector": "odfperf/pvc-size=7Gi"},
        ],
    }
    return start_sandbox(config)


@pytest.fixture(scope="session")
def cluster(troubled: Sandbox) -> Iterator[Cluster]:
    connected = connect(str(troubled.kubeconfig))
    yield connected
    connected.close()


def made(bench: Any, pool: str, vms: int = 1, **changes: Any) -> tuple[GroupError, dict[str, str]]:
    """The error that making a group ends with, and the diagnosis of that moment."""
    from pytest_odfperf.cluster.groups.vm_group import VmGroup

    spec = bench.spec(pool, vms, **changes)
    files: dict[str, str] = {}
    with pytest.raises(GroupError) as caught:
        VmGroup.create(
            bench.cluster,
            spec,
            host_keys=_host_key,
            boot_s=45,
            delete_s=30,
            stop=bench.stop,
            patience=IMPATIENT,
            witness=lambda _: files.update(collect(bench.cluster, spec, stop=bench.stop)),
        )
    assert bench.left() == []
    return caught.value, files


def _host_key() -> tuple[str, str]:
    from pytest_odfperf.guest.ssh_keys import host_key

    return host_key()


@pytest.mark.parametrize("pool", ROWS)
def test_a_trouble_of_the_cluster_is_named_with_its_words(bench: Any, pool: str) -> None:
    _, cause, words, thing = ROWS[pool]
    error, files = made(bench, pool)
    assert error.cause == cause
    assert "did not run within" not in str(error)
    for part in (words, thing, "next: ", next(c.next_step for c in CAUSES if c.name == cause)):
        assert part in str(error)
    assert "VirtualMachine\n" in files["virtualmachines.yaml"]
    assert thing.partition(" ")[0] in files["events.txt"]


def test_the_log_of_a_launcher_that_crashed_is_in_the_diagnosis(bench: Any) -> None:
    _, files = made(bench, "qemu")
    (log,) = (text for name, text in files.items() if name.endswith(".compute.log"))
    assert QEMU in log
    assert "SyncFailed" in files["events.txt"]
    assert "guest-console-log" in files["pods.yaml"]
    assert NOT_READ in files
    assert "waiting to start" in files[NOT_READ]
    assert "HEALTH_OK" in files["ceph.yaml"]
    assert "name: a" in files["nodes.yaml"] or "name: b" in files["nodes.yaml"]


def test_a_quota_that_meets_the_root_disk_is_named(bench: Any) -> None:
    quota = {"metadata": {"name": "few"}, "spec": {"hard": {"persistentvolumeclaims": "1"}}}
    bench.cluster.api("CoreV1Api").create_namespaced_resource_quota(
        bench.namespace, quota, _request_timeout=(5, 10)
    )
    error, _ = made(bench, "good")
    assert error.cause == "quota"
    assert "ErrExceededQuota" in str(error)
    assert "exceeded quota: few" in str(error)


def test_a_webhook_that_refuses_is_quoted_with_its_field(bench: Any) -> None:
    error, _ = made(bench, "good", key=_sized("6Gi"))
    assert error.cause == "webhook_refused"
    assert "denied the request: spec.template.spec.domain.cpu: " in str(error)


def test_a_webhook_that_does_not_answer_is_named(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.cluster, "outage_s", 2.0)
    error, _ = made(bench, "good", key=_sized("7Gi"))
    assert error.cause == "webhook_down"
    assert 'no endpoints available for service "virt-api"' in str(error)


def _sized(pvc: str) -> Any:
    from pytest_odfperf.matrix.keys import GroupKey

    return GroupKey("good", "small", pvc, 1)


def test_nobody_of_this_run_can_free_the_room_so_the_group_fails_soon(bench: Any) -> None:
    error, _ = made(bench, "good", 3, vcpus=10)
    assert error.cause == "unschedulable"
    assert "Insufficient cpu" in str(error)
    assert "no node is that large" not in str(error)


def test_room_that_another_group_of_the_run_frees_is_waited_for(bench: Any) -> None:
    import threading

    other = bench.group("good", 2, vcpus=10)
    threading.Timer(IMPATIENT.free_s + 0.5, other.delete, kwargs={"delete_s": 20, "stop": bench.stop}).start()
    group = bench.group("crash", 1, vcpus=10, boot_s=60, patience=IMPATIENT)
    assert [vm.name for vm in group.vms] == list(group.spec.vm_names)


def test_a_provisioner_that_is_still_at_it_is_quoted_but_not_blamed(bench: Any) -> None:
    error = bench.never_runs("busy", says="DeadlineExceeded")
    assert "DeadlineExceeded" in str(error)
    assert error.cause == "provisioner_busy"


@pytest.mark.parametrize(
    ("pool", "cause", "words"),
    [("paused", "paused", "PausedIOError"), ("node-lost", "node_lost", "virt-handler on node")],
)
def test_a_group_that_is_lost_in_mid_run_is_noticed(bench: Any, pool: str, cause: str, words: str) -> None:
    group = bench.group(pool)
    sentinel = Sentinel(group.seen, group.spec, group.vms, bench.stop, IMPATIENT).start()
    with pytest.raises(InterruptedRunError):
        sentinel.stop.sleep(60)
    sentinel.close()
    assert sentinel.error is not None
    assert sentinel.error.cause == cause
    assert words in str(sentinel.error)
    assert not bench.stop.is_set()
    assert words in str(group.lost())


def test_a_vm_that_is_restarted_sets_the_alarm(bench: Any) -> None:
    from pytest_odfperf.cluster.client.kinds import VMI

    group = bench.group()
    sentinel = Sentinel(group.seen, group.spec, group.vms, bench.stop, IMPATIENT).start()
    bench.calls.delete(VMI, group.vms[0].name, bench.namespace)
    with pytest.raises(InterruptedRunError):
        sentinel.stop.sleep(60)
    sentinel.close()
    assert sentinel.error is not None
    assert sentinel.error.cause == "gone"


KUBEVIRT = "/apis/subresources.kubevirt.io/v1/namespaces/{}/virtualmachines/{}/{}"


@pytest.mark.parametrize(
    ("verb", "cause", "words"),
    [
        ("stop", "stopped", "somebody stopped it: its runStrategy is Halted"),
        ("restart", "restarted", "somebody restarted it"),
        ("delete", "deleted", "somebody deleted it"),
        ("pause", "paused_by_user", "somebody paused it: PausedByUser: VMI was paused by user"),
    ],
)
def test_what_somebody_does_to_a_vm_is_told_by_its_name(
    bench: Any, verb: str, cause: str, words: str, make_kube: Any, troubled: Sandbox
) -> None:
    group = bench.group()
    (vm,) = group.vms
    kube = make_kube(troubled.kubeconfig, bench.namespace)
    sentinel = Sentinel(group.seen, group.spec, group.vms, bench.stop, IMPATIENT).start()
    if verb == "delete":
        bench.calls.delete(VM, vm.name, bench.namespace)
    elif verb == "pause":
        paused = {"type": "Paused", "status": "True", "reason": "PausedByUser"}
        status = {"conditions": [{**paused, "message": "VMI was paused by user"}]}
        place = f"/apis/kubevirt.io/v1/namespaces/{bench.namespace}/virtualmachineinstances/{vm.name}/status"
        kube.call("PATCH", place, {"status": status}, "application/merge-patch+json")
    else:
        kube.call("PUT", KUBEVIRT.format(bench.namespace, vm.name, verb), {})
    with pytest.raises(InterruptedRunError):
        sentinel.stop.sleep(60)
    sentinel.close()
    assert sentinel.error is not None
    if verb == "restart" and sentinel.error.cause == "gone":  # the request was there for too short a time
        # Whoever looks between the old instance's end and the new one's begin sees none.
        # Or that the old one has ended.
        accounts = ("it was restarted", "it is Succeeded", "its instance is gone")
        words = next((one for one in accounts if one in str(sentinel.error)), accounts[-1])
    else:
        assert sentinel.error.cause == cause
    kind = "VirtualMachineInstance" if verb == "pause" or words.startswith("it") else "VirtualMachine"
    assert f"{kind} {vm.name}" in str(sentinel.error)
    assert words in str(sentinel.error)


def test_a_group_that_is_well_sets_no_alarm_and_a_closed_sentinel_none_at_all(bench: Any) -> None:
    group = bench.group(vms=2)
    sentinel = Sentinel(group.seen, group.spec, group.vms, bench.stop, IMPATIENT).start()
    sentinel.stop.sleep(1.0)
    sentinel.close()
    group.delete(delete_s=20, stop=bench.stop)
    assert sentinel.error is None
    assert not sentinel.stop.is_set()


def test_a_guest_without_an_address_is_named(bench: Any) -> None:
    group = bench.group("no-address")
    with pytest.raises(OdfError, match="no network interfaces are present"):
        connect_all(bench.cluster, group.vms, bench.keys.private, ssh_s=2, stop=bench.stop)


@pytest.mark.parametrize(
    ("pool", "held"), [("vm-held", "VirtualMachineInstance"), ("claims-held", "PersistentVolumeClaim")]
)
def test_what_is_stuck_in_deletion_is_named_with_its_finalizer(bench: Any, pool: str, held: str) -> None:
    group = bench.group(pool)
    with pytest.raises(GroupError, match="is not gone after 1 s") as caught:
        group.delete(delete_s=1, stop=bench.stop)
    assert caught.value.cause == "stuck_terminating"
    assert held in str(caught.value)
    assert "Terminating; kube" in str(caught.value)


def test_a_diagnosis_ends_in_time_and_says_what_it_could_not_read(bench: Any) -> None:
    group = bench.group()
    files = collect(bench.cluster, group.spec, stop=bench.stop, limit_s=0)
    assert set(files) == {NOT_READ}
    assert "no time was left" in files[NOT_READ]
    stopped = Stop()
    stopped.set()
    assert set(collect(bench.cluster, group.spec, stop=stopped)) == {NOT_READ}


def test_pod_logs_are_served_as_a_kubelet_does(bench: Any) -> None:
    from kubernetes.client.exceptions import ApiException

    from pytest_odfperf.cluster.client.kinds import POD

    bench.group()
    (pod,) = bench.calls.items(POD, bench.namespace)
    read = bench.cluster.api("CoreV1Api").read_namespaced_pod_log
    name = pod["metadata"]["name"]
    deadline = Deadline("the guest to boot", 20)
    while "finished" not in (text := read(name, bench.namespace, container="guest-console-log")):
        deadline.check(text)
        time.sleep(0.05)
    last = read(name, bench.namespace, container="guest-console-log", tail_lines=1)
    assert text.endswith(last)
    assert len(last.splitlines()) == 1
    for options, words in (
        ({}, "is waiting to start"),  # its only container that is no sidecar
        ({"container": "../x"}, "is not valid for pod"),
        ({"container": "compute"}, "is waiting to start"),  # a simulated machine has no process
    ):
        with pytest.raises(ApiException) as caught:
            read(name, bench.namespace, **options)
        assert caught.value.status == 400
        assert words in str(caught.value.body)


def test_a_diagnosis_holds_no_secret(bench: Any, tmp_path: Path) -> None:
    group = bench.group()
    text = "\n".join(collect(bench.cluster, group.spec, stop=bench.stop).values())
    (settings,) = bench.cluster.configuration.auth_settings().values()
    assert settings["value"].removeprefix("Bearer ") not in text
    for secret in ("PRIVATE KEY", "userdata:", "kind: Secret"):
        assert secret not in text
    assert f"{group.vms[0].name}-init" in text  # named, not shown

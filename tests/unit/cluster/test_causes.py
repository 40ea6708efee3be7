"""The table of causes: each row from objects as the API gives them, and nothing from a VM that is well."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pytest_odfperf.cluster.causes.cause_table import CAUSES, Patience, sightings
from pytest_odfperf.cluster.causes.object_redaction import redacted_object
from pytest_odfperf.cluster.causes.refusals import REFUSALS, refusal
from pytest_odfperf.cluster.causes.seen import look_at
from pytest_odfperf.cluster.client.calls import ApiError
from pytest_odfperf.cluster.client.kinds import CLAIM, DATA_VOLUME, EVENT, POD, VM, VMI, Kind
from pytest_odfperf.cluster.facts.room import never_fits
from pytest_odfperf.cluster.groups.guest_console import cloud_init_failure
from pytest_odfperf.redaction import redact

NO_ROOM = "0/3 nodes are available: 3 Insufficient memory."


def thing(name: str, phase: str | None = None, *conditions: tuple[str, str, str, str], **status: Any) -> Any:
    """An object; conditions as (type, status, reason, message)."""
    names = ("type", "status", "reason", "message")
    told = [dict(zip(names, condition, strict=True)) for condition in conditions]
    return {
        "metadata": {"name": name, "uid": f"uid-{name}"},
        "status": {"phase": phase, "conditions": told, **status},
    }


def claim(name: str, phase: str, **annotations: str) -> Any:
    made = thing(name, phase)
    made["spec"] = {"storageClassName": "rep3"}
    made["metadata"]["annotations"] = annotations
    return made


def pod(phase: str = "Pending", *, waiting: dict[str, str] | None = None, node: str | None = "node-1") -> Any:
    made = thing("virt-launcher-a-x", phase)
    made["metadata"]["labels"] = {"odfperf/vm": "a"}
    made["spec"] = {"nodeName": node} if node else {}
    if waiting:
        made["status"]["containerStatuses"] = [{"name": "compute", "state": {"waiting": waiting}}]
    return made


def event(about: str, reason: str, message: str, at: int = 0) -> Any:
    return {
        "metadata": {"name": f"{about}.{reason}.{at}"},
        "reason": reason,
        "message": message,
        "lastTimestamp": f"2026-01-01T00:00:{at:02d}Z",
        "involvedObject": {"uid": f"uid-{about}", "name": about},
    }


def own_pod(phase: str, *conditions: tuple[str, str, str, str], **state: Any) -> Any:
    """A pod that a key is measured in; ``state``: of its container."""
    made = thing("a", phase, *conditions)
    made["metadata"]["labels"] = {"odfperf/vm": "a", "odfperf/machine": "pod"}
    made["spec"] = {"nodeName": "node-1"}
    if state:
        made["status"]["containerStatuses"] = [{"name": "fio", "state": state}]
    return made


def ended(code: int, reason: str, message: str = "") -> Any:
    return {"exitCode": code, "reason": reason, "message": message}


QUOTA = "persistentvolumeclaims is forbidden: exceeded quota: few, requested: 1, used: 3, limited: 3"
PULL = {"reason": "ErrImagePull", "message": "manifest unknown"}

#: Cause, what the API shows, the object that is named, words that are quoted.
ROWS: list[tuple[str, dict[Kind, list[Any]], str, str]] = [
    (
        "quota",
        {VM: [thing("a", None, ("Failure", "True", "FailedCreate", QUOTA))]},
        "VirtualMachine a",
        "used: 3",
    ),
    (
        "quota",
        {DATA_VOLUME: [thing("a-root", "Pending", ("Bound", "Unknown", "ErrExceededQuota", QUOTA))]},
        "DataVolume a-root",
        "few",
    ),
    (
        "quota",
        {VM: [thing("a")], EVENT: [event("a", "FailedDataVolumeImport", "exceeds quota limits")]},
        "VirtualMachine a",
        "exceeds",
    ),
    (
        "quota",
        {VMI: [thing("a", "Pending", ("Synchronized", "False", "FailedCreate", QUOTA))]},
        "VirtualMachineInstance a",
        "few",
    ),
    (
        "clone_forbidden",
        {
            VM: [thing("a")],
            EVENT: [event("a", "UnauthorizedDataVolumeCreate", "Not authorized: datavolumes/source")],
        },
        "VirtualMachine a",
        "datavolumes/source",
    ),
    (
        "refused",
        {VM: [thing("a", None, ("Failure", "True", "FailedCreate", "no such class"))]},
        "VirtualMachine a",
        "no such class",
    ),
    ("claim_lost", {CLAIM: [claim("a-data", "Lost")]}, "PersistentVolumeClaim a-data", "Lost"),
    (
        "storage_class_missing",
        {
            CLAIM: [claim("a-data", "Pending")],
            EVENT: [event("a-data", "ProvisioningFailed", 'storageclass.storage.k8s.io "rep3" not found')],
        },
        "a-data of StorageClass rep3",
        "not found",
    ),
    (
        "provisioning",
        {
            CLAIM: [claim("a-data", "Pending")],
            EVENT: [event("a-data", "ProvisioningFailed", "desc = pool gone")],
        },
        "a-data of StorageClass rep3",
        "pool gone",
    ),
    (
        "provisioner_busy",
        {
            CLAIM: [claim("a-data", "Pending")],
            EVENT: [
                event(
                    "a-data",
                    "ProvisioningFailed",
                    "rpc error: code = Aborted desc = an operation already exists",
                )
            ],
        },
        "a-data",
        "Aborted",
    ),
    (
        "provisioner_silent",
        {
            CLAIM: [claim("a-data", "Pending")],
            EVENT: [event("a-data", "ExternalProvisioning", "Waiting for a volume")],
        },
        "a-data of StorageClass rep3",
        "Waiting for a volume",
    ),
    (
        "claim_pending",
        {CLAIM: [claim("a-data", "Pending")]},
        "PersistentVolumeClaim a-data",
        "no event says why",
    ),
    (
        "clone_source",
        {
            DATA_VOLUME: [thing("a-root", "Pending")],
            EVENT: [event("a-root", "CloneWithoutSource", "The source pvc x doesn't exist")],
        },
        "DataVolume a-root",
        "source pvc x",
    ),
    (
        "clone_in_use",
        {
            DATA_VOLUME: [thing("a-root", "CloneScheduled")],
            EVENT: [event("a-root", "CloneSourceInUse", "pod y using x")],
        },
        "DataVolume a-root",
        "pod y",
    ),
    (
        "claim_refused",
        {
            DATA_VOLUME: [
                thing("a-root", "Pending", ("Bound", "Unknown", "ErrClaimNotValid", "no accessMode"))
            ]
        },
        "DataVolume a-root",
        "no accessMode",
    ),
    (
        "clone_failed",
        {DATA_VOLUME: [thing("a-root", "Failed", ("Bound", "False", "ClaimLost", "gone"))]},
        "DataVolume a-root",
        "ClaimLost: gone",
    ),
    (
        "importer_memory",
        {DATA_VOLUME: [thing("a-root", "ImportInProgress", ("Running", "False", "OOMKilled", ""))]},
        "DataVolume a-root",
        "OOMKilled",
    ),
    (
        "importer_refused",
        {
            DATA_VOLUME: [thing("a-root", "ImportScheduled")],
            EVENT: [event("a-root", "ErrStartingPod", "must specify limits.cpu")],
        },
        "DataVolume a-root",
        "limits.cpu",
    ),
    (
        "importer_unschedulable",
        {
            DATA_VOLUME: [
                thing(
                    "a-root",
                    "ImportScheduled",
                    ("Running", "False", "Unschedulable", "Importer pod cannot be scheduled"),
                )
            ]
        },
        "DataVolume a-root",
        "cannot be scheduled",
    ),
    (
        "import",
        {
            DATA_VOLUME: [
                thing("a-root", "ImportInProgress", ("Running", "False", "Error", "404"), restartCount=1)
            ]
        },
        "DataVolume a-root",
        "1 restarts: Error: 404",
    ),
    (
        "import",
        {
            DATA_VOLUME: [
                thing("a-root", "ImportInProgress", ("Running", "True", "Pod is running", ""), restartCount=7)
            ]
        },
        "DataVolume a-root",
        "7 restarts",
    ),
    (
        "clone_stalled",
        {
            DATA_VOLUME: [thing("a-root", "CloneInProgress", progress="12%")],
            CLAIM: [
                claim("a-root", "Pending", **{"cdi.kubevirt.io/cloneFallbackReason": "No snapshot class"})
            ],
        },
        "DataVolume a-root",
        "CloneInProgress (12%), no progress; copied by hosts since No snapshot class",
    ),
    (
        "claim_missing",
        {
            VMI: [
                thing(
                    "a", "Pending", ("Synchronized", "False", "FailedPvcNotFound", "PVC ns/b does not exist")
                )
            ]
        },
        "VirtualMachineInstance a",
        "ns/b",
    ),
    (
        "launcher_refused",
        {
            VMI: [
                thing(
                    "a", "Pending", ("Synchronized", "False", "FailedCreate", "security context constraint")
                )
            ]
        },
        "VirtualMachineInstance a",
        "security context",
    ),
    (
        "cpu_manager",
        {VMI: [thing("a", "Scheduling", ("Synchronized", "False", "FailedGuaranteeResources", "no cpuset"))]},
        "VirtualMachineInstance a",
        "cpuset",
    ),
    (
        "unschedulable",
        {VMI: [thing("a", "Scheduling", ("PodScheduled", "False", "Unschedulable", NO_ROOM))]},
        "VirtualMachineInstance a",
        "3 Insufficient memory",
    ),
    (
        "image_pull",
        {VMI: [thing("a", "Scheduling")], POD: [pod(waiting=PULL)]},
        "Pod virt-launcher-a-x",
        "manifest unknown",
    ),
    (
        "image_pull",
        {VMI: [thing("a", "Scheduling", ("Synchronized", "False", "ImagePullBackOff", "Back-off"))]},
        "VirtualMachineInstance a",
        "Back-off",
    ),
    (
        "volume_attach",
        {POD: [pod()], EVENT: [event("virt-launcher-a-x", "FailedMapVolume", "rbd: map failed")]},
        "Pod virt-launcher-a-x on node node-1",
        "rbd: map failed",
    ),
    (
        "stopped",
        {VM: [{**thing("a"), "spec": {"runStrategy": "Halted"}}]},
        "VirtualMachine a",
        "somebody stopped it: its runStrategy is Halted",
    ),
    ("stopped", {VM: [{**thing("a"), "spec": {"running": False}}]}, "VirtualMachine a", "Halted"),
    (
        "restarted",
        {
            VM: [thing("a", stateChangeRequests=[{"action": "Stop", "uid": "uid-a"}, {"action": "Start"}])],
            VMI: [thing("a", "Running")],
        },
        "VirtualMachine a",
        "somebody restarted it",
    ),
    (
        "paused_by_user",
        {VMI: [thing("a", "Running", ("Paused", "True", "PausedByUser", "VMI was paused by user"))]},
        "VirtualMachineInstance a",
        "somebody paused it: PausedByUser: VMI was paused by user",
    ),
    (
        "deleted",
        {VM: [{**thing("a"), "metadata": {"name": "a", "uid": "uid-a", "deletionTimestamp": "2026"}}]},
        "VirtualMachine a",
        "somebody deleted it",
    ),
    (
        "evicted",
        {
            POD: [
                pod("Running")
                | {
                    "status": {
                        "phase": "Running",
                        "conditions": [
                            {
                                "type": "DisruptionTarget",
                                "status": "True",
                                "reason": "EvictionByEvictionAPI",
                                "message": "Eviction API: evicting",
                            }
                        ],
                    }
                }
            ]
        },
        "Pod virt-launcher-a-x on node node-1",
        "EvictionByEvictionAPI: Eviction API: evicting",
    ),
    (
        "node_lost",
        {VMI: [thing("a", "Running", ("Ready", "False", "NodeUnresponsive", "virt-handler"), nodeName="n")]},
        "VirtualMachineInstance a on node n",
        "NodeUnresponsive",
    ),
    ("node_lost", {VMI: [thing("a", "Unknown", nodeName="n")]}, "on node n", "phase Unknown"),
    (
        "paused",
        {VMI: [thing("a", "Running", ("Paused", "True", "PausedIOError", "low-level IO error"))]},
        "VirtualMachineInstance a",
        "PausedIOError: low-level",
    ),
    (
        "image_pull",
        {POD: [pod() | {"status": {"initContainerStatuses": [{"name": "c", "state": {"waiting": PULL}}]}}]},
        "Pod virt-launcher-a-x",
        "manifest unknown",
    ),
    (
        "launcher_crash",
        {VMI: [thing("a", "Failed", ("Ready", "False", "PodFailed", "OOM"))]},
        "VirtualMachineInstance a",
        "PodFailed: OOM",
    ),
    (
        "launcher_crash",
        {
            VM: [thing("a", startFailure={"consecutiveFailCount": 2, "lastFailedVMIUID": "uid-old"})],
            EVENT: [event("old", "SyncFailed", "command SyncVMI failed: x")],
        },
        "VirtualMachineInstance a",
        "2 starts failed: SyncFailed: command SyncVMI failed: x",
    ),
    (
        "unschedulable",
        {POD: [own_pod("Pending", ("PodScheduled", "False", "Unschedulable", NO_ROOM))]},
        "Pod a",
        "Insufficient memory",
    ),
    ("image_pull", {POD: [own_pod("Pending", waiting=PULL)]}, "Pod a", "manifest unknown"),
    (
        "volume_attach",
        {POD: [own_pod("Pending")], EVENT: [event("a", "FailedMount", "MountDevice failed: exit status 32")]},
        "Pod a on node node-1",
        "exit status 32",
    ),
    (
        "container_refused",
        {POD: [own_pod("Pending", waiting={"reason": "CreateContainerConfigError", "message": "as root"})]},
        "Pod a on node node-1",
        "CreateContainerConfigError: as root",
    ),
    (
        "pod_deleted",
        {POD: [own_pod("Running") | {"metadata": {**own_pod("")["metadata"], "deletionTimestamp": "2026"}}]},
        "Pod a",
        "somebody deleted it",
    ),
    (
        "evicted",
        {
            POD: [
                own_pod("Failed", ("DisruptionTarget", "True", "EvictionByEvictionAPI", "evicting"))
                | {"metadata": {**own_pod("")["metadata"], "deletionTimestamp": "2026"}}
            ]
        },
        "Pod a on node node-1",
        "EvictionByEvictionAPI: evicting",
    ),
    (
        "pod_node_lost",
        {POD: [own_pod("Running", ("Ready", "False", "", ""), running={"startedAt": "2026"})]},
        "Pod a on node node-1",
        "its node does not answer",
    ),
    ("out_of_memory", {POD: [own_pod("Failed", terminated=ended(137, "OOMKilled"))]}, "Pod a", "OOMKilled"),
    (
        "container_ended",
        {POD: [own_pod("Failed", terminated=ended(127, "StartError", "exec: sh: not found"))]},
        "Pod a on node node-1",
        "Failed: exit code 127, StartError: exec: sh: not found",
    ),
    (
        "container_ended",
        {POD: [own_pod("Failed") | {"status": {"phase": "Failed", "reason": "OutOfcpu", "message": "no"}}]},
        "Pod a",
        "OutOfcpu: no",
    ),
    (
        "not_synchronized",
        {VMI: [thing("a", "Pending", ("Synchronized", "False", "FailedBackendStorageCreate", "no class"))]},
        "VirtualMachineInstance a",
        "no class",
    ),
]


def seen(objects: dict[Kind, list[Any]], **more: Any) -> Any:
    (one,) = look_at(lambda kind: {o["metadata"]["name"]: o for o in objects.get(kind, [])}, ("a",), **more)
    return one


@pytest.mark.parametrize(("cause", "objects", "name", "words"), ROWS)
def test_a_row_is_recognised(cause: str, objects: Any, name: str, words: str) -> None:
    found = sightings(seen(objects))
    (mine,) = (one for one in found if one.cause.name == cause)
    assert name in mine.object
    assert words in mine.words
    assert mine.cause.next_step
    # Whatever else is visible follows from it: a state that is only a cause when it lasts.
    assert [one.cause.name for one in found if one is not mine and not one.cause.quiet] in ([], ["refused"])


@pytest.mark.parametrize(
    "well",
    [
        own_pod("Pending"),
        own_pod("Pending", waiting={"reason": "ContainerCreating"}),
        own_pod("Running", ("Ready", "True", "", ""), running={"startedAt": "2026"}),
    ],
)
def test_a_pod_that_is_well_shows_no_cause(well: Any) -> None:
    assert sightings(seen({POD: [well]})) == []


def test_a_kubelet_that_makes_a_file_system_is_waited_for() -> None:
    said = (
        "MountVolume.MountDevice failed: rpc error: code = DeadlineExceeded desc = context deadline exceeded"
    )
    events = [event("a", "FailedMount", said)]
    (found,) = sightings(seen({POD: [own_pod("Pending")], EVENT: events}))
    assert (found.cause.name, found.heals) == ("volume_attach", "stall")
    (of_vm,) = sightings(seen({POD: [pod()], EVENT: [event("virt-launcher-a-x", "FailedMount", said)]}))
    assert of_vm.heals == "retry"


def test_every_row_of_the_table_has_a_test_and_a_name_of_its_own() -> None:
    assert {row[0] for row in ROWS} == {cause.name for cause in CAUSES}
    assert len({cause.name for cause in CAUSES}) == len(CAUSES)


def test_the_page_of_causes_has_the_tables() -> None:
    page = (Path(__file__).parents[3] / "docs" / "causes.md").read_text()
    written = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert written == [cause.name for cause in CAUSES] + [row.cause for row in REFUSALS]
    waits = {"no": "at once", "soon": "5 s", "retry": "20 s", "free": "60 s"}
    for cause in CAUSES:
        wait = waits.get(cause.heals, f"`timeouts.{cause.heals}`")
        assert re.search(rf"^\| `{cause.name}` \|.*\| {wait} \|$", page, re.MULTILINE), cause.name


@pytest.mark.parametrize(
    "objects",
    [
        {},
        {
            VM: [thing("a", None, ("Ready", "True", "", ""))],
            VMI: [thing("a", "Running", ("Ready", "True", "", ""), ("LiveMigratable", "False", "No", "no"))],
            DATA_VOLUME: [thing("a-root", "Succeeded", ("Bound", "True", "Bound", ""), progress="100.0%")],
            CLAIM: [claim("a-data", "Bound"), claim("a-root", "Bound")],
            POD: [pod("Running")],
            EVENT: [
                event("a-data", "ProvisioningFailed", "early trouble"),
                event("a-data", "ExternalProvisioning", "waiting"),
                event("virt-launcher-a-x", "FailedMount", "early trouble"),
                event("a-root", "CloneSourceInUse", "early trouble"),
                event("a-root", "CloneWithoutSource", "early trouble"),
            ],
        },
        {
            VMI: [
                thing(
                    "a",
                    "Scheduling",
                    (
                        "PodScheduled",
                        "False",
                        "Unschedulable",
                        "pod has unbound immediate PersistentVolumeClaims",
                    ),
                )
            ]
        },
        {
            CLAIM: [claim("a-data", "Pending")],
            EVENT: [event("a-data", "WaitForFirstConsumer", "waiting for first consumer")],
        },
        {VMI: [thing("a", "Scheduling", ("Ready", "False", "PodNotExists", ""))], POD: [pod(node=None)]},
        {DATA_VOLUME: [thing("a-root", "WaitForFirstConsumer")]},
    ],
)
def test_what_is_well_or_only_under_way_shows_no_cause(objects: Any) -> None:
    assert sightings(seen(objects)) == []


def test_a_provisioner_that_began_is_not_silent() -> None:
    events = [
        event("a-data", "ExternalProvisioning", "Waiting for a volume"),
        event("a-data", "Provisioning", "External provisioner is provisioning volume"),
    ]
    found = sightings(seen({CLAIM: [claim("a-data", "Pending")], EVENT: events}))
    assert [one.cause.name for one in found] == ["claim_pending"]


def test_the_newest_words_are_quoted() -> None:
    events = [event("a-data", "ProvisioningFailed", text, at) for at, text in ((9, "last"), (1, "first"))]
    (found,) = sightings(seen({CLAIM: [claim("a-data", "Pending")], EVENT: events}))
    assert found.words.endswith("last")


@pytest.mark.parametrize(
    ("alone", "never", "heals"),
    [(False, None, "schedule"), (True, None, "free"), (False, "no node is that large", "no")],
)
def test_how_long_a_missing_node_is_waited_for(alone: bool, never: str | None, heals: str) -> None:
    objects = {
        VMI: [thing("a", "Scheduling", ("PodScheduled", "False", "Unschedulable", NO_ROOM))],
        POD: [pod()],
    }
    (found,) = sightings(seen(objects, alone=alone, never_fits=lambda _: never))
    assert found.heals == heals
    assert NO_ROOM in found.words


def test_patience_grows_with_what_can_heal() -> None:
    patience = Patience()
    order = [patience.seconds(heals) for heals in ("no", "soon", "retry", "free", "stall", "schedule")]
    assert order == sorted(order)
    assert order[0] == 0


def node(memory: str, **more: Any) -> Any:
    allocatable = {"cpu": "8", "memory": memory, "pods": "250"}
    return {"metadata": {"name": memory}, "status": {"allocatable": allocatable}, "spec": more}


def wants(memory: str) -> Any:
    return {"spec": {"containers": [{"resources": {"requests": {"memory": memory}}}, {"resources": {}}]}}


def test_a_pod_that_is_larger_than_every_node_never_fits() -> None:
    nodes = [node("8Gi"), node("16Gi")]
    assert never_fits(wants("16Gi"), nodes) is None
    assert "it requests memory 17.0Gi" in str(never_fits(wants("17Gi"), nodes))
    assert never_fits(wants("17Gi"), []) is None
    storage = {"key": "node.ocs.openshift.io/storage", "effect": "NoSchedule"}
    away = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    assert never_fits(wants("17Gi"), [*nodes, node("64Gi", taints=[storage])]) is not None
    assert never_fits(wants("17Gi"), [*nodes, node("64Gi", taints=[away])]) is None
    assert never_fits(wants("broken"), nodes) is None


def test_a_pod_that_no_node_is_meant_for_never_fits() -> None:
    pod = wants("1Gi")
    pod["spec"]["nodeSelector"] = {"bench": "yes", "kubevirt.io/schedulable": "true"}
    here, there = node("8Gi"), node("16Gi")
    assert "no node is of its node selector" in str(never_fits(pod, [here, there]))
    # KubeVirt's own label comes and goes with its heartbeat.
    there["metadata"]["labels"] = {"bench": "yes"}
    assert never_fits(pod, [here, there]) is None
    pod["spec"]["containers"] = wants("9Gi")["spec"]["containers"]
    assert never_fits(pod, [here, there]) is None
    pod["spec"]["containers"] = wants("17Gi")["spec"]["containers"]
    assert "no node is that large" in str(never_fits(pod, [here, there, node("64Gi")]))


@pytest.mark.parametrize(
    ("status", "message", "cause"),
    [
        (403, QUOTA, "quota"),
        (
            403,
            "unable to create new content in namespace perf because it is being terminated",
            "namespace_terminating",
        ),
        (
            403,
            'persistentvolumeclaims "x" is forbidden: maximum storage usage per claim is 1Gi',
            "limit_range",
        ),
        (
            422,
            'admission webhook "virtualmachine-validator.kubevirt.io" denied the request: spec',
            "webhook_refused",
        ),
        (
            403,
            "pods is forbidden: unable to validate against any security context constraint",
            "pod_security",
        ),
        (403, 'pods "a" is forbidden: violates PodSecurity "restricted:latest"', "pod_security"),
        (403, 'User "x" cannot create resource', "forbidden"),
        (401, "Unauthorized", "unauthorized"),
        (409, "already exists", "exists"),
        (422, "ownerReferences: Invalid value", "refused"),
        (500, "Internal error occurred: failed calling webhook", "webhook_down"),
        (500, "etcdserver: request timed out", "api"),
        (None, "Connection refused", "api"),
        (418, "teapot", "api"),
    ],
)
def test_a_refusal_of_the_api_has_a_cause(status: int | None, message: str, cause: str) -> None:
    assert refusal(ApiError("create x", status, "R", message)).cause == cause


def test_every_refusal_has_a_next_step() -> None:
    assert all(row.next_step for row in REFUSALS)


@pytest.mark.parametrize(
    ("console", "found"),
    [
        (
            "\x1b[1;31m[FAILED]\x1b[0m Failed to start cloud-init.service - Initial cloud-init job.\n",
            "[FAILED]",
        ),
        ("[  9.1] cloud-init[812]: 2026 - util.py[WARNING]: Failed loading yaml blob. bad\n", "yaml blob"),
        ("cloud-init[812]: cc.py[WARNING]: Running module users_groups (<m>) failed\nlogin:", "users_groups"),
        ("cloud-init[812]: Cloud-init v. 24.4 running 'modules:final'. Up 10 seconds.\nguest login: ", None),
        ("[  OK  ] Started cloud-init.service", None),
        ("[FAILED] Failed to start firewalld.service", None),
        ("", None),
    ],
)
def test_a_console_tells_that_cloud_init_failed(console: str, found: str | None) -> None:
    said = cloud_init_failure(console)
    assert said is None if found is None else said is not None and found in said


def test_keys_and_tokens_do_not_reach_the_disk() -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----"
    token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJr.c2lnbmF0dXJl"
    for secret in (key, key[:50], token, "sha256~" + "a" * 43, "Authorization: Bearer abcdefghijk1"):
        text = redact(f"before {secret} after")
        assert secret not in text
        assert text.startswith("before ")
    found = redacted_object(
        {
            "metadata": {"managedFields": [1], "annotations": {"note": f"has {token}", "n": "1"}},
            "spec": {
                "volumes": [{"cloudInitNoCloud": {"userData": "#cloud-config secret"}}],
                "containers": [{"env": [{"name": "A", "value": "secret"}, {"name": "B", "valueFrom": {}}]}],
            },
        }
    )
    assert "secret" not in str(found)
    assert token not in str(found)
    assert "managedFields" not in found["metadata"]
    assert found["metadata"]["annotations"]["n"] == "1"


def test_a_claim_that_cdi_fills_waits_for_another_claim_and_a_migration_pauses_for_a_moment() -> None:
    filled = claim("a-root", "Pending")
    filled["spec"]["dataSourceRef"] = {"apiGroup": "cdi.kubevirt.io", "kind": "VolumeCloneSource"}
    said = event("a-root", "ExternalProvisioning", "Waiting for a volume")
    names = {one.cause.name for one in sightings(seen({CLAIM: [filled], EVENT: [said]}))}
    assert "provisioner_silent" not in names
    migrating = ("Paused", "True", "PausedByMigrationMonitor", "migration")
    (one,) = sightings(seen({VMI: [thing("a", "Running", migrating)]}))
    assert (one.cause.name, one.heals) == ("paused", "retry")

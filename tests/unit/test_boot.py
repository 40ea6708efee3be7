"""What the API shows of a group, and what is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pytest_odfperf.cluster.boot import PROVISIONING_GRACE_S, BootState
from pytest_odfperf.cluster.kinds import CLAIM, DATA_VOLUME, EVENT, VM, VMI, Kind
from pytest_odfperf.errors import GroupError


def thing(
    name: str, phase: str | None = None, conditions: list[dict[str, str]] | None = None, **more: Any
) -> Any:
    return {
        "metadata": {"name": name, "uid": f"uid-{name}"},
        "status": {"phase": phase, "conditions": conditions or []},
        **more,
    }


def condition(sort: str, reason: str, message: str, status: str = "False") -> dict[str, str]:
    return {"type": sort, "status": status, "reason": reason, "message": message}


def boot_state(objects: Mapping[Kind, list[Any]], vms: tuple[str, ...] = ("a",)) -> BootState:
    return BootState(
        "rep3:small:1Gi:1", vms, lambda kind: {o["metadata"]["name"]: o for o in objects.get(kind, [])}
    )


def provisioning_failed(claim: str, message: str, at: str = "2026-01-01T00:00:00Z") -> Any:
    return {
        "metadata": {"name": f"{claim}.{at}"},
        "reason": "ProvisioningFailed",
        "message": message,
        "lastTimestamp": at,
        "involvedObject": {"uid": f"uid-{claim}"},
    }


def test_a_group_runs_when_all_its_instances_run() -> None:
    running, starting = thing("a", "Running"), thing("b", "Scheduling")
    assert boot_state({VMI: [running, starting]}, ("a", "b")).running(0) is None
    assert boot_state({VMI: [running]}, ("a", "b")).running(0) is None
    assert boot_state({VMI: [running, thing("b", "Running")]}, ("a", "b")).running(0) is not None


@pytest.mark.parametrize(
    ("objects", "words"),
    [
        (
            {VM: [thing("a", None, [condition("Failure", "FailedCreate", "no quota", "True")])]},
            ["VirtualMachine a", "FailedCreate: no quota"],
        ),
        (
            {VMI: [thing("a", "Failed", [condition("Ready", "PodFailed", "OOM")])]},
            ["VirtualMachineInstance a", "Failed", "PodFailed: OOM", "oc describe vmi a"],
        ),
        (
            {DATA_VOLUME: [thing("a-root", "Failed", [condition("Bound", "ClaimLost", "gone")])]},
            ["DataVolume a-root", "ClaimLost: gone"],
        ),
        ({CLAIM: [thing("a-data", "Lost")]}, ["PersistentVolumeClaim a-data", "Lost"]),
    ],
)
def test_what_can_not_run_any_more_is_named(objects: Any, words: list[str]) -> None:
    with pytest.raises(GroupError) as caught:
        boot_state(objects).running(0)
    for word in ["rep3:small:1Gi:1", *words, "next:"]:
        assert word in str(caught.value)


def test_a_claim_that_can_not_be_provisioned_fails_the_group_within_seconds() -> None:
    claim = thing("a-data", "Pending", spec={"storageClassName": "rep3"})
    events = [
        provisioning_failed("a-data", "first words", "2026-01-01T00:00:00Z"),
        provisioning_failed(
            "a-data", "rpc error: code = Internal desc = pool not there", "2026-01-01T00:00:09Z"
        ),
        provisioning_failed("other", "of another", "2026-01-01T00:01:00Z"),
    ]
    state = boot_state({CLAIM: [claim], EVENT: events})
    assert state.running(100.0) is None
    assert state.running(100.0 + PROVISIONING_GRACE_S / 2) is None
    with pytest.raises(GroupError, match="pool not there") as caught:
        state.running(100.0 + PROVISIONING_GRACE_S)
    assert "StorageClass rep3" in str(caught.value)


def test_a_missing_storage_class_fails_the_group_at_once() -> None:
    claim = thing("a-data", "Pending", spec={"storageClassName": "rep9"})
    event = provisioning_failed("a-data", 'storageclass.storage.k8s.io "rep9" not found')
    with pytest.raises(GroupError, match='"rep9" not found'):
        boot_state({CLAIM: [claim], EVENT: [event]}).running(0)


@pytest.mark.parametrize(
    "message",
    [
        "rpc error: code = DeadlineExceeded desc = x",
        "rpc error: code = Aborted desc = an operation already exists",
    ],
)
def test_a_driver_that_is_still_at_it_is_waited_for_and_quoted(message: str) -> None:
    claim = thing("a-data", "Pending", spec={})
    state = boot_state({CLAIM: [claim], EVENT: [provisioning_failed("a-data", message)]})
    assert state.running(0) is None
    assert state.running(1000) is None
    assert message in state.summary()


def test_a_bound_claim_is_not_blamed_for_its_past() -> None:
    objects = {CLAIM: [thing("a-data", "Bound")], EVENT: [provisioning_failed("a-data", "early trouble")]}
    state = boot_state(objects)
    assert state.running(0) is None
    assert state.running(1000) is None


@pytest.mark.parametrize(
    ("objects", "words"),
    [
        ({}, "not seen yet"),
        (
            {
                VMI: [
                    thing(
                        "a",
                        "Scheduling",
                        [condition("PodScheduled", "Unschedulable", "0/3 nodes: 3 Insufficient memory")],
                    )
                ]
            },
            "3 Insufficient memory",
        ),
        ({DATA_VOLUME: [thing("a-root", "CloneInProgress")]}, "root disk CloneInProgress"),
        ({CLAIM: [thing("a-data", "Pending")]}, "data disk Pending"),
        (
            {VMI: [thing("a", "Pending", [condition("Synchronized", "FailedCreate", "quota")])]},
            "Pending: FailedCreate: quota",
        ),
    ],
)
def test_the_summary_says_what_is_waited_for(objects: Any, words: str) -> None:
    summary = boot_state(objects).summary()
    assert summary.startswith("0 of 1 VMs run; a: ")
    assert words in summary


def test_the_summary_of_many_vms_is_short() -> None:
    names = tuple(f"vm-{i}" for i in range(10))
    assert boot_state({VMI: [thing("vm-0", "Running")]}, names).summary().endswith("; and 6 more")

"""What the API shows of a group, and what is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pytest_odfperf.cluster.causes.boot import BootState
from pytest_odfperf.cluster.causes.cause_table import Patience
from pytest_odfperf.cluster.client.kinds import CLAIM, DATA_VOLUME, EVENT, VM, VMI, Kind
from pytest_odfperf.errors import GroupError, InterruptedRunError
from pytest_odfperf.waiting import Stop


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
            ["refused: VirtualMachine a", "FailedCreate: no quota"],
        ),
        (
            {VMI: [thing("a", "Failed", [condition("Ready", "PodFailed", "OOM")])]},
            ["VirtualMachineInstance a", "Failed", "PodFailed: OOM"],
        ),
        (
            {DATA_VOLUME: [thing("a-root", "Failed", [condition("Bound", "ClaimLost", "gone")])]},
            ["DataVolume a-root", "ClaimLost: gone"],
        ),
        ({CLAIM: [thing("a-data", "Lost")]}, ["PersistentVolumeClaim a-data", "Lost"]),
    ],
)
def test_what_can_not_run_any_more_is_named(objects: Any, words: list[str]) -> None:
    state = boot_state(objects)

    def judge() -> None:
        state.running(0)
        state.running(Patience().soon_s)

    with pytest.raises(GroupError) as caught:
        judge()
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
    assert state.running(100.0 + Patience().soon_s / 2) is None
    with pytest.raises(GroupError, match="pool not there") as caught:
        state.running(100.0 + Patience().soon_s)
    assert "StorageClass rep3" in str(caught.value)
    assert f"(for {Patience().soon_s:.0f} s)" in str(caught.value)


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
    assert state.running(Patience().stall_s - 1) is None
    assert message in state.summary()
    assert state.last_cause == "provisioner_busy"
    with pytest.raises(GroupError, match="provisioner_busy"):
        state.running(Patience().stall_s)


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
            {VMI: [thing("a", "Pending", [condition("Synchronized", "FailedCreate", "not allowed")])]},
            "launcher_refused: VirtualMachineInstance a: FailedCreate: not allowed",
        ),
    ],
)
def test_the_summary_says_what_is_waited_for(objects: Any, words: str) -> None:
    state = boot_state(objects)
    state.judge(0)
    summary = state.summary()
    assert summary.startswith("0 of 1 VMs run; a: ")
    assert words in summary


def test_the_summary_of_many_vms_is_short() -> None:
    names = tuple(f"vm-{i}" for i in range(10))
    assert boot_state({VMI: [thing("vm-0", "Running")]}, names).summary().endswith("; and 6 more")


def test_progress_begins_the_wait_anew() -> None:
    volume = thing("a-root", "CloneInProgress")
    state = boot_state({DATA_VOLUME: [volume]})
    stall_s = Patience().stall_s
    for number in range(5):
        volume["status"]["progress"] = f"{number}%"
        assert state.running(number * stall_s) is None
        assert state.running((number + 0.9) * stall_s) is None
    with pytest.raises(GroupError, match="clone_stalled"):
        state.running(5.1 * stall_s)


def test_a_state_that_a_retry_hides_for_a_moment_has_not_healed() -> None:
    instance = thing("a", "Pending")
    refused = condition("Synchronized", "FailedCreate", "not allowed")
    state = boot_state({VMI: [instance]})
    instance["status"]["conditions"] = [refused]
    assert state.running(0) is None
    instance["status"]["conditions"] = []
    assert state.running(3) is None
    instance["status"]["conditions"] = [refused]
    with pytest.raises(GroupError, match="not allowed"):
        state.running(6)


def test_a_state_that_healed_is_forgotten() -> None:
    instance = thing("a", "Pending")
    refused = condition("Synchronized", "FailedCreate", "not allowed")
    state = boot_state({VMI: [instance]})
    instance["status"]["conditions"] = [refused]
    assert state.running(0) is None
    instance["status"]["conditions"] = []
    assert state.running(1) is None
    assert state.running(20) is None
    instance["status"]["conditions"] = [refused]
    assert state.running(21) is None


def test_the_first_cause_of_the_table_is_named_and_the_others_are_counted() -> None:
    names = ("a", "b", "c")
    objects = {
        CLAIM: [thing(f"{name}-data", "Lost") for name in names],
        VMI: [thing("a", "Failed", [condition("Ready", "PodFailed", "OOM")])],
    }
    with pytest.raises(GroupError, match=r"claim_lost: .*a-data.*and 2 more like it") as caught:
        boot_state(objects, names).running(0)
    assert caught.value.cause == "claim_lost"


def test_a_cause_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    state = boot_state({VMI: [thing("a", "Pending", [condition("Synchronized", "FailedCreate", "no")])]})
    for now_s in (0, 1, 2):
        state.running(now_s)
    assert [record.getMessage() for record in caplog.records] == [
        "VM group rep3:small:1Gi:1: launcher_refused: VirtualMachineInstance a: FailedCreate: no "
        "(waited out for 5 s)"
    ]


def test_a_part_of_a_run_stops_with_the_run_but_not_the_run_with_it() -> None:
    run = Stop()
    part, other = Stop(run), Stop(run)
    part.set()
    assert part.is_set()
    assert not run.is_set()
    run.set()
    with pytest.raises(InterruptedRunError):
        other.sleep(60)

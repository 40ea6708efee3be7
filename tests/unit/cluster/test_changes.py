"""What the API shows of VMs that ran: gone, ill, or only somewhere else."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_odfperf.cluster.causes.changes import changes_of, gone
from pytest_odfperf.vm.spec import RunningVm

VM = RunningVm(
    name="a",
    namespace="perf",
    user="cloud-user",
    host_key_public="ssh-ed25519 AAAA",
    node="n1",
    uid="u1",
    migration="m1",
)


def instance(
    node: str = "n1", migration: str = "m1", uid: str = "u1", phase: str = "Running", **more: Any
) -> dict[str, Any]:
    status = {"phase": phase, "nodeName": node, "migrationState": {"migrationUid": migration}, **more}
    return {"metadata": {"name": "a", "uid": uid}, "status": status}


@pytest.mark.parametrize(
    ("found", "moved"),
    [
        (instance(), {}),
        (instance("n2", "m2"), {"a": ("n1", "n2")}),
        # There and back between two looks: the guest had its pauses all the same.
        (instance("n1", "m2"), {"a": ("n1", "n1")}),
    ],
)
def test_a_vm_that_moved_is_no_loss(found: dict[str, Any], moved: dict[str, Any]) -> None:
    changes, (now,) = changes_of([VM], {"a": found})
    assert changes.lost == {}
    assert changes.moved == moved
    assert now.node == found["status"]["nodeName"]
    # It is told once.
    assert changes_of([now], {"a": found})[0].moved == {}


@pytest.mark.parametrize(
    ("found", "reason", "text"),
    [
        (None, "gone", "its instance is gone"),
        (instance(uid="u2"), "gone", "it was restarted"),
        (
            instance(
                phase="Failed", conditions=[{"type": "Ready", "status": "False", "message": "out of memory"}]
            ),
            "gone",
            "it is Failed: out of memory",
        ),
        (
            instance(conditions=[{"type": "Paused", "status": "True", "reason": "PausedIOError"}]),
            "paused",
            "PausedIOError",
        ),
        (instance(phase="Unknown"), "node_lost", "its node does not answer"),
    ],
)
def test_a_vm_that_is_not_the_one_that_was_made_is_lost(
    found: dict[str, Any] | None, reason: str, text: str
) -> None:
    changes, _ = changes_of([VM], {} if found is None else {"a": found})
    assert changes.moved == {}
    assert changes.lost["a"].reason == reason
    assert text in changes.lost["a"].text


def test_an_instance_that_is_gone_since_its_vm_was_stopped_is_told_so() -> None:
    def machine(strategy: str, **metadata: str) -> dict[str, Any]:
        return {"metadata": metadata, "spec": {"runStrategy": strategy}}

    halted = ("stopped", "somebody stopped it: its runStrategy is Halted")
    for found in (None, instance(uid="u2"), instance(phase="Succeeded")):
        assert gone(VM, found, machine("Halted")) == halted
        assert gone(VM, found, machine("Always", deletionTimestamp="2026")) == (
            "deleted",
            "somebody deleted it",
        )
    assert gone(VM, None, machine("Always")) == ("gone", "its instance is gone")
    assert gone(VM, instance(), machine("Halted")) is None, "it runs yet"

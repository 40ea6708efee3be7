"""VM groups on a sandbox: made whole, judged early, gone when they are deleted."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

import pytest

from pytest_odfperf.cluster.client.kinds import CLAIM, DATA_VOLUME, SECRET, VM, VMI, Kind
from pytest_odfperf.cluster.client.watch import Objects
from pytest_odfperf.cluster.groups import removal
from pytest_odfperf.errors import GroupError, InterruptedRunError
from pytest_odfperf.vm import labels, manifests
from pytest_odfperf.vm.spec import Owner


def test_all_vms_of_a_group_run_and_carry_its_labels(bench: Any) -> None:
    group = bench.group(vms=3)
    assert [vm.name for vm in group.vms] == list(group.spec.vm_names)
    assert {vm.node for vm in group.vms} <= {"a", "b"}
    wanted = labels.group_labels(bench.run_id, group.spec.key)
    for kind, count in ((VM, 3), (VMI, 3), (DATA_VOLUME, 3), (CLAIM, 6), (SECRET, 3)):
        items = bench.calls.items(kind, bench.namespace)
        assert len(items) == count, kind
        for item in items:
            assert wanted.items() <= item["metadata"]["labels"].items(), (kind, item["metadata"]["name"])


def test_objects_have_one_owner_each(bench: Any) -> None:
    bench.group()
    for kind in (VM, VMI, DATA_VOLUME, CLAIM, SECRET):
        for item in bench.calls.items(kind, bench.namespace):
            assert len(item["metadata"]["ownerReferences"]) == 1, (kind, item["metadata"]["name"])


def test_a_deleted_group_is_gone_when_the_call_returns(bench: Any) -> None:
    group = bench.group(vms=2)
    other = bench.group(vms=1)
    group.delete(delete_s=20, stop=bench.stop)
    assert bench.left() == [
        f"VirtualMachine {other.vms[0].name}",
        f"VirtualMachineInstance {other.vms[0].name}",
        f"DataVolume {other.vms[0].name}-root",
        *sorted(f"PersistentVolumeClaim {other.vms[0].name}-{disk}" for disk in ("data", "root")),
        f"Secret {other.vms[0].name}-init",
    ]
    assert group.lost() == {vm.name: "its instance is gone" for vm in group.vms}
    assert other.lost() == {}


class Late(Objects):
    """Of which no list comes in time."""

    def _keep(self, kind: Kind) -> None:
        with suppress(InterruptedRunError):
            self._closed.sleep(5)


@pytest.mark.parametrize("late", [False, True])
def test_what_can_not_be_deleted_is_named_with_its_finalizers(
    bench: Any, late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = bench.group()
    name = f"{group.vms[0].name}-data"
    api = bench.cluster.api("CoreV1Api")

    def finalizers(*held: str) -> None:
        claim = api.read_namespaced_persistent_volume_claim(name, bench.namespace, _request_timeout=(5, 10))
        claim.metadata.finalizers = list(held) or None
        claim.metadata.resource_version = None
        api.replace_namespaced_persistent_volume_claim(name, bench.namespace, claim, _request_timeout=(5, 10))

    finalizers("kubernetes.io/pvc-protection", "example.com/held")
    if late:
        monkeypatch.setattr(removal, "Objects", Late)
    try:
        with pytest.raises(GroupError, match="is not gone after 1 s") as caught:
            group.delete(delete_s=1, stop=bench.stop)
        assert f"PersistentVolumeClaim {name}" in str(caught.value)
        assert "example.com/held" in str(caught.value)
    finally:
        finalizers()


def test_leftovers_of_the_pool_are_deleted_first_and_those_of_other_pools_are_not(bench: Any) -> None:
    lost = bench.group("good", vms=2)
    other = bench.group("rbd")
    again = bench.group("good", vms=1, adopt=True)
    assert set(lost.lost()) == {vm.name for vm in lost.vms}
    assert other.lost() == {}
    assert again.lost() == {}


def test_a_group_that_is_there_is_not_made_twice(bench: Any) -> None:
    bench.group()
    with pytest.raises(GroupError, match=r"409 AlreadyExists.*left from before"):
        bench.group()


def test_a_claim_that_can_not_be_provisioned_ends_the_wait_within_seconds(bench: Any) -> None:
    began = time.monotonic()
    with pytest.raises(GroupError, match="desc = pool not there") as caught:
        bench.group("broken", vms=2, boot_s=600)
    assert time.monotonic() - began < 60
    assert "PersistentVolumeClaim" in str(caught.value)
    assert "StorageClass broken" in str(caught.value)
    assert bench.left() == []


def test_a_vm_that_no_node_takes_is_named_with_the_schedulers_words(bench: Any) -> None:
    error = bench.never_runs(vms=3, vcpus=10, says="2 of 3 VMs run")
    assert "2 of 3 VMs run" in str(error)
    assert "unschedulable" in str(error)
    assert "Insufficient cpu" in str(error)
    assert error.cause == "unschedulable"
    assert bench.left() == []


def test_a_vm_that_no_node_could_ever_take_fails_its_group_at_once(bench: Any) -> None:
    with pytest.raises(GroupError, match="no node is that large, even if it were empty") as caught:
        bench.group(vms=2, vcpus=64, boot_s=600)
    assert "Insufficient cpu" in str(caught.value)
    assert caught.value.cause == "unschedulable"
    assert bench.left() == []


def test_a_refusal_of_the_api_is_quoted_and_nothing_is_left(bench: Any) -> None:
    with pytest.raises(GroupError, match="could not be made") as caught:
        bench.group(vms=2, owner=Owner("odfperf-x", ""))
    assert "create Secret" in str(caught.value)
    assert "ownerReferences" in str(caught.value)
    assert "422" in str(caught.value)
    assert bench.left() == []


def test_a_quota_ends_it_at_once_with_the_servers_words(bench: Any) -> None:
    quota = {"metadata": {"name": "few"}, "spec": {"hard": {"persistentvolumeclaims": "1"}}}
    bench.cluster.api("CoreV1Api").create_namespaced_resource_quota(
        bench.namespace, quota, _request_timeout=(5, 10)
    )
    with pytest.raises(GroupError, match=r"403 Forbidden.*exceeded quota: few") as caught:
        bench.group(vms=3, boot_s=600)
    assert "ask for a larger quota" in str(caught.value)
    assert bench.left() == []


def test_nobody_asks_again_while_a_group_boots(bench: Any) -> None:
    before = bench.requests()
    with pytest.raises(GroupError, match="did not run within 3 s"):
        bench.group(vms=3, vcpus=10, boot_s=3)
    asked = {what: count - before.get(what, 0) for what, count in bench.requests().items()}
    # One list and one watch to wait for the boot, one more of each to wait for the end.
    assert asked["admin watch virtualmachineinstances"] <= 2
    # The third list looks for other groups of the run that hold room.
    assert asked["admin list virtualmachineinstances"] <= 4
    assert asked["admin list nodes"] <= 1


def test_an_interrupt_ends_the_wait_at_once(bench: Any) -> None:
    threading.Timer(1.0, bench.stop.set).start()
    with pytest.raises(InterruptedRunError):
        bench.group(vms=3, vcpus=10, boot_s=600)


def test_nothing_is_made_after_an_interrupt(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = manifests.virtual_machine

    def interrupted(*arguments: Any) -> Any:
        bench.stop.set()
        return first(*arguments)

    monkeypatch.setattr(manifests, "virtual_machine", interrupted)
    with pytest.raises(InterruptedRunError):
        bench.group(vms=40, boot_s=600)
    made = bench.left(VM)
    # What was on its way: one call in each of the threads that make VMs.
    assert len(made) <= 16
    with pytest.raises(InterruptedRunError):
        bench.group("rbd", vms=2)
    assert bench.left(VM) == made


def test_a_restarted_vm_is_lost(bench: Any) -> None:
    group = bench.group()
    name = group.vms[0].name
    bench.calls.delete(VMI, name, bench.namespace)
    deadline = time.monotonic() + 20
    while group.lost() != {name: "it was restarted"}:
        assert time.monotonic() < deadline, group.lost()
        time.sleep(0.05)

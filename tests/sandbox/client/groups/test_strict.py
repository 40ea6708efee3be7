"""What a run makes has no field that the API does not know, and would be refused if it had."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_odfperf.cluster.client.calls import ApiError
from pytest_odfperf.cluster.client.kinds import CLAIM, LEASE, SECRET, VM
from pytest_odfperf.redaction import Hidden
from pytest_odfperf.vm import manifests
from pytest_odfperf.vm.names import run_object_name


def test_every_object_of_a_run_is_taken_by_a_strict_server(bench: Any) -> None:
    spec = bench.spec(vms=2, volume_mode="Block")
    vm = spec.vm_names[0]
    made = (
        (VM, manifests.virtual_machine(spec, vm)),
        (CLAIM, manifests.data_claim(spec, vm)),
        (SECRET, manifests.secret(spec, vm, Hidden("#cloud-config\n"))),
    )
    for kind, body in made:
        there = bench.calls.create(kind, bench.namespace, body)
        assert there["metadata"]["uid"], kind


@pytest.mark.parametrize(
    "place", ["spec", "spec.template.spec.domain", "spec.template.spec.domain.devices.disks"]
)
def test_a_field_with_a_typing_error_is_refused_and_named(bench: Any, place: str) -> None:
    spec = bench.spec()
    body = manifests.virtual_machine(spec, spec.vm_names[0])
    at: Any = body
    for part in place.split("."):
        at = at[part]
    at = at[0] if isinstance(at, list) else at
    at["dedicatedIOThraed"] = True
    with pytest.raises(ApiError, match=r"strict decoding error: unknown field .*IOThraed") as refused:
        bench.calls.create(VM, bench.namespace, body)
    assert refused.value.status == 400
    assert bench.left(VM) == []


def test_the_run_object_is_there_as_it_was_made(bench: Any) -> None:
    """It is made by the same call as all else, so strictly too."""
    from pytest_odfperf.cluster.client.kinds import CONFIG_MAP

    there = bench.calls.get(CONFIG_MAP, run_object_name(bench.run_id), bench.namespace)
    body = manifests.run_object(bench.run_id, bench.namespace, {"made": "by a test"})
    assert there["data"] == body["data"]
    assert body["metadata"]["labels"].items() <= there["metadata"]["labels"].items()


def test_a_lease_of_whole_seconds_is_written_as_the_server_reads_it(bench: Any) -> None:
    times = {"acquireTime": "2026-11-23T20:24:24.000000Z", "renewTime": "2026-11-23T20:24:24.000000Z"}
    body = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "whole", "namespace": bench.namespace},
        "spec": {"holderIdentity": "me", "leaseDurationSeconds": 15, **times},
    }
    made = bench.calls.create(LEASE, bench.namespace, body)
    assert times.items() <= made["spec"].items()
    replaced = bench.calls.replace(LEASE, bench.namespace, made)
    assert times.items() <= replaced["spec"].items()

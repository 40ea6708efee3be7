"""A VM group on simulated machines, through the plugin's own client: API, tunnel, SSH, fio, results."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.connect import connect
from pytest_odfperf.cluster.groups.vm_group import VmGroup
from pytest_odfperf.cluster.runs.run_object import create_run
from pytest_odfperf.errors import GuestError
from pytest_odfperf.fio.answers.output import parse
from pytest_odfperf.fio.job import Job, render
from pytest_odfperf.guest.all_guests import close_all, connect_all, run_on_all
from pytest_odfperf.guest.guest import GuestRun
from pytest_odfperf.guest.ssh_keys import host_key, new_key_pair
from pytest_odfperf.matrix.keys import GroupKey
from pytest_odfperf.matrix.model import FioSettings, GuestSettings, Profile
from pytest_odfperf.sandbox.start import Sandbox
from pytest_odfperf.vm.spec import GroupSpec
from pytest_odfperf.waiting import Stop

SETTINGS = FioSettings(runtime_s=20, ramp_s=2, file_size_bytes=1 << 30)
PROFILE = Path(__file__).parents[2] / "matrices" / "profiles" / "random-rw.fio"


@pytest.fixture
def cluster(simulated: Sandbox) -> Iterator[Cluster]:
    found = connect(str(simulated.kubeconfig))
    yield found
    found.close()


def a_job(block_size: str = "4k") -> Job:
    profile = Profile(
        name="random-rw", template=PROFILE.read_text(encoding="utf-8"), block_sizes=(block_size,)
    )
    return render(profile, SETTINGS, block_size)


def run_group(
    cluster: Cluster, namespace: str, storage_class: str, count: int, job: Job
) -> Mapping[str, GuestRun | GuestError]:
    """Create the VMs, run ``job`` in all of them, delete them."""
    stop, keys, run_id = Stop(), new_key_pair(), f"e2e-{uuid.uuid4().hex[:6]}"
    owner = create_run(cluster, namespace, run_id, {})
    spec = GroupSpec(
        run_id=run_id,
        key=GroupKey("pool", "small", "5Gi", count),
        attempt=1,
        namespace=namespace,
        owner=owner,
        storage_class=storage_class,
        volume_mode="Block",
        vcpus=1,
        memory_bytes=1 << 30,
        pvc_size_bytes=5 << 30,
        guest=GuestSettings(),
        client_key_public=keys.public,
        job=job.text,
        layout_bytes=1 << 30,
    )
    group = VmGroup.create(cluster, spec, host_keys=host_key, boot_s=30, delete_s=30, stop=stop)
    try:
        guests = connect_all(cluster, group.vms, keys.private, ssh_s=20, stop=stop)
        try:
            assert {guest.facts["marking"] for guest in guests} == {"SIMULATED"}
            return run_on_all(guests, b"", "token-1", 600, stop, prepare_s=30)
        finally:
            close_all(guests)
    finally:
        group.delete(delete_s=30, stop=stop)


def test_a_group_measures_and_leaves_nothing(cluster: Cluster, kube: Any) -> None:
    job = a_job()
    runs = run_group(cluster, kube.namespace, "rep3", 4, job)
    assert len(runs) == 4
    for run in runs.values():
        assert isinstance(run, GuestRun)
        logs = {name: content.decode() for name, content in run.fio_logs.items()}
        result = parse(run.fio_json.decode(), job, SETTINGS, logs=logs)
        assert result.notes == ()
        assert [found.name for found in result.jobs] == ["rand-read", "rand-write"]
    for plural in ("virtualmachines", "virtualmachineinstances", "pods", "datavolumes"):
        assert kube.list(plural) == []
    assert kube.list("persistentvolumeclaims") == []


def test_guests_that_die_while_fio_runs_are_errors(cluster: Cluster, kube: Any) -> None:
    runs = run_group(cluster, kube.namespace, "crashing", 1, a_job())
    assert [type(run) for run in runs.values()] == [GuestError]

"""A run of its own in a sandbox of simulated machines, some of whose pools fail in known ways."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from profile_texts import SIZED

from pytest_odfperf.cluster.causes.cause_table import Patience
from pytest_odfperf.cluster.client.calls import Calls
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.connect import connect
from pytest_odfperf.cluster.client.kinds import CLAIM, CONFIG_MAP, DATA_VOLUME, SECRET, VM, VMI
from pytest_odfperf.cluster.groups.vm_group import VmGroup
from pytest_odfperf.cluster.runs.run_object import create_run
from pytest_odfperf.cluster.runs.sweep import sweep
from pytest_odfperf.errors import GroupError
from pytest_odfperf.fio.job import Job, render
from pytest_odfperf.guest.all_guests import connect_all
from pytest_odfperf.guest.guest import Guest
from pytest_odfperf.guest.ssh_keys import host_key, new_key_pair
from pytest_odfperf.matrix.keys import GroupKey
from pytest_odfperf.matrix.model import FioSettings, GuestSettings, Profile
from pytest_odfperf.sandbox.start import Sandbox
from pytest_odfperf.vm.spec import GroupSpec
from pytest_odfperf.waiting import Stop

#: Compressed time: a job of 100 s takes one.
SPEED = 100
GARBAGE = ("text", "line", "endless", "token", "size")
CLIENT = {
    "machine": "simulated",
    "boot_s": 0.05,
    "clone_s": 0.05,
    "speed": SPEED,
    "nodes": [{"name": "a", "cpu": 16, "memory": "64Gi"}, {"name": "b", "cpu": 16, "memory": "64Gi"}],
    "storage_classes": {
        "good": {"default": True},
        "broken": {"provisioning_error": "rpc error: code = Internal desc = pool not there"},
        "no-ssh": {"faults": {"no_ssh": True}},
        "impostor": {"faults": {"other_host_key": True}},
        "no-guest": {"faults": {"no_guest": True}},
        "no-disk": {"faults": {"no_disk": True}},
        "no-fio": {"faults": {"no_fio": True}},
        "one-bad": {"faults": {"no_disk": True, "guests": [2]}},
        "cut": {"faults": {"cut": True}},
        "crash": {"faults": {"crash": True}},
        "slow": {"faults": {"slow": 1000}},
        "fails": {"faults": {"fio_exit": 1}},
        "refused": {"faults": {"ssh_refused_s": 2}},
        "silent": {"faults": {"ssh_silent_s": 1}},
        "half-open": {"faults": {"ssh_silent_s": 3600}},
        "reboot": {"faults": {"reboot_s": 0.2}},
        "away": {"faults": {"reboot_s": 3600}},
        "clock": {"faults": {"clock_jump_s": 3600}},
        "clock-back": {"faults": {"clock_jump_s": -86400}},
        "migrate": {"faults": {"migrate": True}},
        "late": {"faults": {"late_s": 30, "guests": [2]}},
        "liar": {"faults": {"clock_off_s": -40, "unseen_part": 1, "swap_pages": 7}},
        **{f"says-{what}": {"faults": {"garbage": what}} for what in GARBAGE},
        "rbd": {"provisioner": "openshift-storage.rbd.csi.ceph.com", "parameters": {"pool": "rep3"}},
        "rbd-lost": {"provisioner": "openshift-storage.rbd.csi.ceph.com", "parameters": {"pool": "lost"}},
    },
    "ceph": {"block_pools": {"rep3": {"phase": "Ready"}, "lost": {"phase": "Failure"}}},
}
TEMPLATE = f"{SIZED}[read]\nstonewall\nrw=randread\n"


def make_job(runtime_s: int = 5, block_size: str = "4k") -> Job:
    settings = FioSettings(runtime_s=runtime_s, ramp_s=1, iodepth=4, numjobs=1, file_size_bytes=1 << 20)
    return render(Profile(name="p", template=TEMPLATE, block_sizes=(block_size,)), settings, block_size)


class Bench:
    """One run in one namespace; everything that it made is swept at the end."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.run_id = f"r-{uuid.uuid4().hex[:8]}"
        self.owner = create_run(cluster, namespace, self.run_id, {"made": "by a test"})
        self.keys = new_key_pair()
        self.stop = Stop()
        self.calls = Calls(cluster, Stop())
        self.guests: list[Guest] = []
        self.groups: list[VmGroup] = []

    def spec(self, pool: str = "good", vms: int = 1, **changes: Any) -> GroupSpec:
        options: dict[str, Any] = {
            "run_id": self.run_id,
            "key": GroupKey(pool, "small", "1Gi", vms),
            "attempt": 1,
            "namespace": self.namespace,
            "owner": self.owner,
            "storage_class": pool,
            "volume_mode": "Filesystem",
            "vcpus": 1,
            "memory_bytes": 1 << 30,
            "pvc_size_bytes": 1 << 30,
            "guest": GuestSettings(),
            "client_key_public": self.keys.public,
            "job": make_job().text,
            "layout_bytes": 1 << 20,
        }
        return GroupSpec(**{**options, **changes})

    def group(
        self,
        pool: str = "good",
        vms: int = 1,
        *,
        boot_s: float = 20,
        adopt: bool = False,
        patience: Patience | None = None,
        **changes: Any,
    ) -> VmGroup:
        made = VmGroup.create(
            self.cluster,
            self.spec(pool, vms, **changes),
            host_keys=host_key,
            boot_s=boot_s,
            delete_s=20,
            stop=self.stop,
            adopt=adopt,
            patience=patience or Patience(),
        )
        self.groups.append(made)
        return made

    def never_runs(self, *arguments: Any, says: str, **changes: Any) -> GroupError:
        """The error of a group that can not run, once there was time for it to hold ``says``.

        How long that takes is the machine's matter.
        """
        for boot_s in (4, 16, 64):
            with pytest.raises(GroupError, match=f"did not run within {boot_s} s") as caught:
                self.group(*arguments, boot_s=boot_s, **changes)
            if says in str(caught.value):
                break
        return caught.value

    def connected(self, pool: str = "good", vms: int = 1, *, ssh_s: float = 20) -> tuple[Guest, ...]:
        made = self.group(pool, vms)
        guests = connect_all(
            self.cluster,
            made.vms,
            self.keys.private,
            ssh_s=ssh_s,
            stop=self.stop,
            gone=lambda vm: made.lost().get(vm),
        )
        self.guests += guests
        return guests

    def left(self, *kinds: Any) -> list[str]:
        """Kind and name of what is in the namespace."""
        wanted = kinds or (VM, VMI, DATA_VOLUME, CLAIM, SECRET)
        return [
            f"{kind} {item['metadata']['name']}"
            for kind in wanted
            for item in self.calls.items(kind, self.namespace)
            # Every namespace has it.
            if item["metadata"]["name"] != "kube-root-ca.crt"
        ]

    def requests(self) -> dict[str, int]:
        """How often each user of the API server did what, as ``user verb resource``."""
        pool = self.cluster.client.rest_client.pool_manager
        (settings,) = self.cluster.configuration.auth_settings().values()
        url = f"{self.cluster.server}/sandbox/requests"
        counted: dict[str, int] = pool.request(
            "GET", url, headers={"Authorization": settings["value"]}
        ).json()
        return counted

    def end(self) -> None:
        for guest in self.guests:
            guest.close()
        for group in self.groups:
            group.close()
        assert sweep(self.cluster, self.namespace, self.run_id, 30).left == ()
        assert self.left(VM, VMI, DATA_VOLUME, CLAIM, SECRET) == []
        names = self.left(CONFIG_MAP)
        assert f"ConfigMap {self.owner.name}" not in names


@pytest.fixture(scope="session")
def client_sandbox(start_sandbox: Callable[[Mapping[str, Any]], Sandbox]) -> Sandbox:
    return start_sandbox(CLIENT)


@pytest.fixture(scope="session")
def cluster(client_sandbox: Sandbox) -> Iterator[Cluster]:
    connected = connect(str(client_sandbox.kubeconfig))
    yield connected
    connected.close()


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    from pytest_odfperf.cluster.client.kinds import Kind

    kind = Kind("Namespace", "", "v1", "namespaces", "CoreV1Api", "namespace")
    name = f"client-{uuid.uuid4().hex[:8]}"
    api = cluster.api(kind.api or "")
    api.create_namespace({"metadata": {"name": name}}, _request_timeout=(5, 10))
    yield name
    api.delete_namespace(name, _request_timeout=(5, 10))


@pytest.fixture
def bench(cluster: Cluster, namespace: str) -> Iterator[Bench]:
    made = Bench(cluster, namespace)
    yield made
    made.end()


@pytest.fixture
def job() -> Callable[..., Job]:
    return make_job

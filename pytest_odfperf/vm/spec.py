"""What a VM group is made from, and who its VMs are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pytest_odfperf.matrix.keys import GroupKey
from pytest_odfperf.matrix.model import (
    AccessMode,
    GuestSettings,
    Machine,
    Matrix,
    Target,
    VmShape,
    VolumeMode,
)
from pytest_odfperf.vm.names import vm_name


@dataclass(frozen=True, slots=True)
class Owner:
    """The object that owns everything of a run: deleting it deletes the run."""

    name: str
    uid: str
    api_version: str = "v1"
    kind: str = "ConfigMap"

    def reference(self) -> dict[str, str]:
        """The ownerReference.

        Without ``blockOwnerDeletion``: on OpenShift that needs the right to set finalizers on the owner.
        """
        return {"apiVersion": self.api_version, "kind": self.kind, "name": self.name, "uid": self.uid}

    def to_json(self) -> dict[str, str]:
        return self.reference()

    @classmethod
    def from_json(cls, plain: Mapping[str, str]) -> Owner:
        return cls(plain["name"], plain["uid"], plain["apiVersion"], plain["kind"])


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSpec:
    """Everything that decides what the VMs of a group are."""

    run_id: str
    key: GroupKey
    #: From 1; a group that is made again has other names, so that nothing waits for the old ones to go.
    attempt: int
    namespace: str
    owner: Owner
    storage_class: str
    volume_mode: VolumeMode
    vcpus: int
    memory_bytes: int
    pvc_size_bytes: int
    guest: GuestSettings
    #: The run's public key, one line of authorized_keys.
    client_key_public: str
    #: The first fio job, baked into the guests.
    job: str
    #: What the guest writes before the first job, in bytes: its test file, or the beginning of the raw disk.
    layout_bytes: int
    target: Target = "file"
    shape: VmShape = field(default_factory=VmShape)
    machine: Machine = "vm"
    #: Of pods.
    image: str = ""

    @classmethod
    def of(
        cls,
        matrix: Matrix,
        key: GroupKey,
        *,
        run_id: str,
        owner: Owner,
        volume_mode: VolumeMode,
        client_key_public: str,
        job: str,
        layout_bytes: int,
        attempt: int = 1,
    ) -> GroupSpec:
        """The spec of a group of ``matrix``; ``volume_mode`` is that of the pool's VMs."""
        size = matrix.vm_size(key.size)
        shape, target = matrix.shape_of(key.pool, key.size), matrix.target_of(key.pool)
        if size.machine == "pod" and target == "file" and volume_mode == "Block":
            # Nobody but the kubelet can make and mount a file system for a pod without privileges.
            volume_mode, shape = "Filesystem", replace(shape, access_mode=_of_one_node(shape.access_mode))
        return cls(
            run_id=run_id,
            key=key,
            attempt=attempt,
            namespace=matrix.namespace,
            owner=owner,
            storage_class=matrix.pool(key.pool).storage_class,
            volume_mode=volume_mode,
            vcpus=size.vcpus,
            memory_bytes=size.memory_bytes,
            pvc_size_bytes=matrix.pvc_size(key.pvc).size_bytes,
            shape=shape,
            guest=matrix.guest,
            client_key_public=client_key_public,
            job=job,
            layout_bytes=layout_bytes,
            target=target,
            machine=size.machine,
            image=size.image or "",
        )

    @property
    def vm_names(self) -> tuple[str, ...]:
        count = self.key.concurrency
        return tuple(vm_name(self.run_id, self.key, self.attempt, index) for index in range(1, count + 1))


def _of_one_node(mode: AccessMode) -> AccessMode:
    """Drivers of block devices share a device between nodes, not a file system on it."""
    return "ReadWriteOnce" if mode == "ReadWriteMany" else mode


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningVm:
    """A VM or pod that runs, and how to know that it is the one that was made."""

    name: str
    namespace: str
    user: str
    #: The host key that was injected, as ``ssh-ed25519 AAAA...``; no other is accepted. A pod has none.
    host_key_public: str
    node: str
    #: Of the VirtualMachineInstance: a VM that restarted has another. Or of the pod.
    uid: str
    machine: Machine = "vm"
    #: The last live migration that it went through; empty: none.
    migration: str = ""

"""Why a VM does not run: the table of recognised causes. Pure: objects and events in, causes out.

Each row looks at what the API shows of one VM and quotes its words; ``heals`` says how long the state is
waited out before it counts as final, since controllers try again. Sources: KubeVirt
(``pkg/virt-controller/watch``), CDI (``pkg/controller/datavolume``), kube-scheduler, kubelet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pytest_odfperf.cluster.causes import look_at_disks as disks
from pytest_odfperf.cluster.causes import look_at_machines as machines
from pytest_odfperf.cluster.causes import look_at_pods as pods
from pytest_odfperf.cluster.causes.look import Heals, Look
from pytest_odfperf.cluster.causes.seen import VmSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds that a state of each sort is waited out."""

    soon_s: float = 5.0
    retry_s: float = 20.0
    free_s: float = 60.0
    stall_s: float = 300.0
    schedule_s: float = 600.0

    def seconds(self, heals: Heals) -> float:
        seconds: float = 0.0 if heals == "no" else getattr(self, f"{heals}_s")
        return seconds


@dataclass(frozen=True, slots=True)
class Cause:
    """A row. ``quiet``: a normal state that is a cause only when it lasts, so nobody is told before."""

    name: str
    heals: Heals
    look: Callable[[VmSeen], Iterator[Look]]
    next_step: str
    quiet: bool = False


class Sighting(NamedTuple):
    """A cause that is visible now, at one object. A changed ``token`` is progress: the wait begins anew."""

    cause: Cause
    object: str
    words: str
    heals: Heals
    token: str


CAUSES: tuple[Cause, ...] = (
    # -- refused by the control plane
    Cause("quota", "soon", machines.quota,
          "ask for a larger quota, or a lower concurrency"),
    Cause("clone_forbidden", "soon", machines.clone_forbidden,
          "give the account the right to clone the image: oc apply -f deploy/clone-role.yaml"),
    Cause("refused", "soon", machines.refused,
          "see the message; is KubeVirt's control plane well?"),
    # -- disks
    Cause("claim_lost", "no", disks.claim_lost,
          "look at the StorageClass and its volumes"),
    Cause("storage_class_missing", "no", disks.storage_class_missing,
          "oc get storageclass; correct storage_class of the pool"),
    Cause("provisioning", "soon", disks.provisioning,
          "check the StorageClass and the log of its provisioner"),
    Cause("provisioner_busy", "stall", disks.provisioner_busy,
          "the provisioner does not come to an end; look at its log, and at the health of Ceph"),
    Cause("provisioner_silent", "retry", disks.provisioner_silent,
          "is the provisioner running? oc get pods -n openshift-storage", quiet=True),
    Cause("claim_pending", "stall", disks.claim_pending,
          "oc describe pvc; is the StorageClass's provisioner running?", quiet=True),
    Cause("clone_source", "soon", disks.clone_source,
          "check guest.data_source of the matrix: oc get datasource,pvc -n <its namespace>"),
    Cause("clone_in_use", "stall", disks.clone_in_use,
          "something uses the source of the clone: end it, or wait"),
    Cause("claim_refused", "soon", disks.claim_refused,
          "check the StorageProfile of the root disk's StorageClass"),
    Cause("clone_failed", "no", disks.clone_failed,
          "oc describe dv; check the DataSource of the matrix"),
    Cause("importer_memory", "retry", disks.importer_memory,
          "raise podResourceRequirements in the CDIConfig"),
    Cause("importer_refused", "retry", disks.importer_refused,
          "a LimitRange or quota of the namespace refuses CDI's pods"),
    Cause("importer_unschedulable", "schedule", disks.importer_unschedulable,
          "free room on the nodes"),
    Cause("import", "retry", disks.import_failed,
          "check the source of the image; oc logs of the importer pod"),
    Cause("clone_stalled", "stall", disks.clone_stalled,
          "oc describe dv,pvc; look at the CSI driver's log", quiet=True),
    # -- the launcher pod
    Cause("claim_missing", "retry", machines.claim_missing,
          "a claim of the VM was deleted or never made"),
    Cause("launcher_refused", "soon", machines.launcher_refused,
          "a quota, LimitRange or security constraint refuses the virt-launcher pod"),
    Cause("cpu_manager", "soon", machines.cpu_manager,
          "the nodes have no CPU manager for dedicated CPUs"),
    Cause("unschedulable", "schedule", machines.unschedulable,
          "free room on the nodes, or choose smaller VMs or a lower concurrency"),
    Cause("image_pull", "retry", machines.image_pull,
          "can the node reach the registry of virt-launcher's or the pod's image, and is its name right?"),
    Cause("volume_attach", "retry", machines.volume_attach,
          "look at the CSI driver's node plugin on that node"),
    Cause("container_refused", "retry", pods.container_refused,
          "see the message; may the image run as the user that the cluster gives it (docs/pods.md)?"),
    # -- what somebody did to it
    Cause("stopped", "no", machines.stopped,
          "ask who works in this namespace; the run did not do it"),
    Cause("restarted", "no", machines.restarted,
          "ask who works in this namespace; the run did not do it"),
    Cause("paused_by_user", "no", machines.paused_by_user,
          "ask who works in this namespace; the run did not do it"),
    Cause("deleted", "soon", machines.deleted,
          "ask who works in this namespace; the run did not do it"),
    Cause("pod_deleted", "no", pods.pod_deleted,
          "ask who works in this namespace; the run did not do it"),
    Cause("evicted", "no", machines.evicted,
          "see who drains the node, or what it lacks: oc describe node; measure when it is left alone"),
    # -- the machine
    Cause("node_lost", "retry", machines.node_lost,
          "oc describe node; its kubelet or virt-handler does not answer"),
    Cause("pod_node_lost", "retry", pods.pod_node_lost,
          "oc describe node; its kubelet does not answer"),
    Cause("out_of_memory", "no", pods.out_of_memory,
          "give the VM size of the pod more memory, or fio fewer jobs"),
    Cause("container_ended", "no", pods.container_ended,
          "see the pod's log in the diagnosis; has the image sh, GNU coreutils and fio (docs/pods.md)?"),
    Cause("paused", "no", machines.paused,
          "I/O errors pause a VM: is the pool or an OSD full? ceph health detail"),
    Cause("launcher_crash", "no", machines.launcher_crash,
          "see the launcher's log and events in the diagnosis"),
    Cause("not_synchronized", "retry", machines.not_synchronized,
          "see the message; oc describe vmi"),
)  # fmt: skip

#: The rows that also end a group that ran already. One that crashed then is gone (`changes.gone`).
_AFTER_BOOT = (
    "stopped", "restarted", "paused_by_user", "deleted", "pod_deleted", "evicted", "node_lost",
    "pod_node_lost", "out_of_memory", "container_ended", "paused",
)  # fmt: skip
AFTER_BOOT = tuple(cause for cause in CAUSES if cause.name in _AFTER_BOOT)


def sightings(seen: VmSeen, rows: tuple[Cause, ...] = CAUSES) -> list[Sighting]:
    """All causes that are visible at a VM now, in the order of the table."""
    return [
        Sighting(cause, look.object, look.words, look.heals or cause.heals, look.token)
        for cause in rows
        for look in cause.look(seen)
    ]

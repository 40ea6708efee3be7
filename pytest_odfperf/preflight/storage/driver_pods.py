"""The pods that volumes and VMs depend on: controllers and node plugins of CSI drivers, webhooks of VMs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_odfperf.preflight.check import Check, JsonObject, doubtful, failed, passed

#: A pod that was restarted more often is told.
MOST_RESTARTS = 5
Part = Literal["controller", "node plugin", "webhook"]


@dataclass(frozen=True, slots=True)
class PodGroup:
    """Pods by what their names begin with, in any namespace; ``part`` says what fails without them."""

    title: str
    part: Part
    names: tuple[str, ...]


#: Whose pods they are whatever is measured: they look at each VM that is made.
WEBHOOKS = (
    PodGroup("kubemacpool", "webhook", ("kubemacpool-mac-controller",)),
    PodGroup("virt-template-validator", "webhook", ("virt-template-validator",)),
)


def driver_groups(provisioner: str) -> tuple[PodGroup, ...]:
    """The pods of a CSI driver, where it is known what they are called.

    Rook's own names, and those of the ceph-csi operator (ODF 4.19), which have the driver's name in them.
    """
    for kind in ("rbd", "cephfs", "nfs"):
        if provisioner == f"{kind}.csi.ceph.com" or provisioner.endswith(f".{kind}.csi.ceph.com"):
            old = f"csi-{kind}plugin"
            return (
                PodGroup(provisioner, "controller", (f"{old}-provisioner-", f"{provisioner}-ctrlplugin-")),
                PodGroup(provisioner, "node plugin", (f"{old}-", f"{provisioner}-nodeplugin-")),
            )
    for part, stem in (
        ("vpc.file.csi", "ibm-vpc-file-csi"),
        ("vpc.block.csi", "ibm-vpc-block-csi"),
        ("vpc-file-pool", "vpc-file-pool-csi"),
    ):
        if part in provisioner:
            return (
                PodGroup(provisioner, "controller", (f"{stem}-controller", f"ibm-{stem}-controller")),
                PodGroup(provisioner, "node plugin", (f"{stem}-node", f"ibm-{stem}-node")),
            )
    return ()


def driver_pods(pods: Sequence[JsonObject], provisioners: Sequence[str]) -> Iterator[Check]:
    """A line for each group that has pods among ``pods``: those of others are not to be seen."""
    taken: set[str] = set()
    groups = [group for name in dict.fromkeys(provisioners) for group in driver_groups(name)]
    for group in (*groups, *WEBHOOKS):
        mine = [pod for pod in pods if _key(pod) not in taken and _name(pod).startswith(group.names)]
        taken |= {_key(pod) for pod in mine}
        if mine:
            yield _group(group, mine)


def _group(group: PodGroup, pods: Sequence[JsonObject]) -> Check:
    what = group.title if group.part == "webhook" else f"{group.part} of {group.title}"
    # What ended as it should is no pod that is missed.
    pods = [pod for pod in pods if (pod.get("status") or {}).get("phase") != "Succeeded"]
    away = [pod for pod in pods if not _is_ready(pod)]
    places = sorted({str(pod["metadata"].get("namespace")) for pod in pods})
    look = f"oc get pods -n {' '.join(places)} -o wide; oc describe pod"
    shown = f"{len(pods) - len(away)} of {len(pods)} pods are ready"
    if away:
        named = ", ".join(f"{_name(pod)}{_where(pod)}" for pod in away[:3]) + (
            ", ..." if len(away) > 3 else ""
        )
        if group.part == "controller" and len(away) < len(pods):
            return doubtful(what, f"{shown} (not {named})", look)
        lost = {
            "controller": "no volume is made or attached",
            "node plugin": "VMs on that node get no disk",
            "webhook": "no VM is made",
        }[group.part]
        if group.part == "webhook" and len(away) < len(pods):
            return doubtful(what, f"{shown} (not {named})", look)
        return failed(what, f"{shown} (not {named}): {lost}", look)
    restarted = [(restarts, pod) for pod in pods if (restarts := _restarts(pod)) > MOST_RESTARTS]
    if restarted:
        worst, pod = max(restarted, key=lambda one: one[0])
        detail = f"{shown}, and {len(restarted)} were restarted more than {MOST_RESTARTS} times"
        return doubtful(what, f"{detail} ({_name(pod)}{_where(pod)}: {worst})", f"{look}; oc logs --previous")
    return passed(what, shown)


def _is_ready(pod: JsonObject) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
    states = (pod.get("status") or {}).get("containerStatuses") or ()
    return ready and all(one.get("ready") for one in states) and not pod["metadata"].get("deletionTimestamp")


def _restarts(pod: JsonObject) -> int:
    states = (pod.get("status") or {}).get("containerStatuses") or ()
    return sum(int(one.get("restartCount") or 0) for one in states)


def _where(pod: JsonObject) -> str:
    node = (pod.get("spec") or {}).get("nodeName")
    return f" on node {node}" if node else ""


def _name(pod: JsonObject) -> str:
    return str(pod["metadata"]["name"])


def _key(pod: JsonObject) -> str:
    return f"{pod['metadata'].get('namespace')}/{_name(pod)}"

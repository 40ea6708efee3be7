"""What the API shows of one VM of a group: its objects, the events about them, and short ways into both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_odfperf.cluster.client.calls import JsonObject
from pytest_odfperf.cluster.client.kinds import CLAIM, DATA_VOLUME, EVENT, POD, VM, VMI, Kind
from pytest_odfperf.errors import one_line
from pytest_odfperf.vm import labels
from pytest_odfperf.vm.names import data_claim_name, root_disk_name

#: The objects of a kind by name, as they are now.
Found = Callable[[Kind], Mapping[str, JsonObject]]


@dataclass(frozen=True, slots=True, kw_only=True)
class VmSeen:
    """One VM, or what there is of it yet."""

    name: str
    vm: JsonObject | None
    instance: JsonObject | None
    #: The DataVolume of the root disk.
    root: JsonObject | None
    #: The claims of both disks, those that exist.
    claims: tuple[JsonObject, ...] = ()
    #: Its virt-launcher pods; empty where pods can not be read.
    pods: tuple[JsonObject, ...] = ()
    #: The pod itself, where there is no VM around it.
    pod: JsonObject | None = None
    #: Events by the uid of the object that they are about, the newest last.
    events: Mapping[str, Sequence[JsonObject]]
    #: Why a pod fits no node, whatever else runs there; None if it fits, or if that is not known.
    never_fits: Callable[[JsonObject], str | None] = lambda _: None
    #: Whether no other group of this run holds room on the nodes.
    alone: bool = False

    def said(self, found: JsonObject | str | None, *reasons: str) -> str | None:
        """The message of the newest event of one of ``reasons`` about an object (or its uid)."""
        uid = found if isinstance(found, str) else uid_of(found)
        for event in reversed(self.events.get(uid, ())):
            if event.get("reason") in reasons:
                return f"{event['reason']}: {short_line(event.get('message'))}"
        return None


def look_at(
    found: Found,
    names: Sequence[str],
    *,
    never_fits: Callable[[JsonObject], str | None] = lambda _: None,
    alone: bool = False,
) -> list[VmSeen]:
    """All VMs of a group as they are now."""
    machines, instances, volumes, claims = found(VM), found(VMI), found(DATA_VOLUME), found(CLAIM)
    events: dict[str, list[JsonObject]] = {}
    for event in sorted(found(EVENT).values(), key=last_seen):
        events.setdefault(str((event.get("involvedObject") or {}).get("uid")), []).append(event)
    pods: dict[str, list[JsonObject]] = {}
    for pod in found(POD).values():
        pods.setdefault((pod["metadata"].get("labels") or {}).get(labels.VM, ""), []).append(pod)
    own = {name: pod for name, pod in found(POD).items() if labels.is_own_pod(pod)}
    return [
        VmSeen(
            name=name,
            pod=own.get(name),
            vm=machines.get(name),
            instance=instances.get(name),
            root=volumes.get(root_disk_name(name)),
            claims=tuple(claims[c] for c in (data_claim_name(name), root_disk_name(name)) if c in claims),
            pods=tuple(pods.get(name, ())),
            events=events,
            never_fits=never_fits,
            alone=alone,
        )
        for name in names
    ]


def uid_of(found: JsonObject | None) -> str:
    return str((found or {}).get("metadata", {}).get("uid", ""))


def name_of(found: JsonObject) -> str:
    return str(found["metadata"]["name"])


def status_of(found: JsonObject | None) -> JsonObject:
    status: JsonObject = (found or {}).get("status") or {}
    return status


def run_strategy(vm: JsonObject | None) -> str | None:
    """Whether a VM is to run, in KubeVirt's words; None if there is no VM or it does not say."""
    spec = (vm or {}).get("spec") or {}
    if "runStrategy" in spec:
        return str(spec["runStrategy"])
    return None if "running" not in spec else "Always" if spec["running"] else "Halted"


def container_names(pod: JsonObject) -> list[str]:
    """The containers of a pod, those first that begin before the others: a sidecar is one of them."""
    spec = pod.get("spec") or {}
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    return [str(container.get("name")) for container in containers]


def phase(found: JsonObject | None) -> str | None:
    return status_of(found).get("phase")


def condition(found: JsonObject | None, sort: str, *statuses: str) -> JsonObject | None:
    """The condition of type ``sort``, if it has one of ``statuses``."""
    conditions: list[Any] = status_of(found).get("conditions") or []
    return next((c for c in conditions if c.get("type") == sort and c.get("status") in statuses), None)


def words(told: JsonObject | None) -> str:
    """Reason and message of a condition, a container's state or the like."""
    told = told or {}
    return short_line(": ".join(str(part) for part in (told.get("reason"), told.get("message")) if part))


def short_line(text: object, longest: int = 600) -> str:
    """What the cluster or a guest says, as one line that is safe on a terminal; empty for None."""
    return one_line(" ".join(str(text or "").split()), longest)


def last_seen(event: JsonObject) -> str:
    series = (event.get("series") or {}).get("lastObservedTime")
    created = event["metadata"].get("creationTimestamp")
    return str(series or event.get("lastTimestamp") or event.get("eventTime") or created or "")

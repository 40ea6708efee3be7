"""What a cluster shows of a group at the moment it fails: objects, events, logs, consoles, nodes, Ceph."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from pytest_odfperf.cluster.causes.object_redaction import redacted_object
from pytest_odfperf.cluster.causes.seen import container_names, last_seen, phase, short_line
from pytest_odfperf.cluster.client.api_request import bound, pod_log
from pytest_odfperf.cluster.client.calls import ApiError, JsonObject, as_api_error, transport_errors
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import (
    CEPH_CLUSTER,
    CLAIM,
    DATA_VOLUME,
    EVENT,
    NODE,
    POD,
    STORAGE_CLASS,
    VM,
    VMI,
    Kind,
)
from pytest_odfperf.cluster.facts.pools import ODF_NAMESPACE
from pytest_odfperf.redaction import redact
from pytest_odfperf.vm import labels
from pytest_odfperf.vm.labels import group_selector
from pytest_odfperf.vm.names import common_part
from pytest_odfperf.vm.spec import GroupSpec
from pytest_odfperf.waiting import Deadline, Stop

#: For all of it together; no call takes longer than `CALL_S`.
LIMIT_S = 20.0
CALL_S = 5.0
LOG_LINES = 200
_LONGEST_LOG_BYTES = 1 << 20
#: Launcher pods whose logs are read, those of VMs that do not run first.
_PODS = 8
#: What could not be read, and why.
NOT_READ = "not-read.txt"


def collect(cluster: Cluster, spec: GroupSpec, *, stop: Stop, limit_s: float = LIMIT_S) -> dict[str, str]:
    """Texts by file name, without any secret; what could not be read in ``limit_s`` is named in one of them.

    Secrets are not even asked for. Raises nothing that an API server can cause.
    """
    reader = _Reader(cluster, Deadline("a diagnosis", limit_s), stop)
    selector = group_selector(spec.run_id, spec.key)
    files: dict[str, str] = {}
    found: dict[Kind, list[JsonObject]] = {}
    for kind in (VM, VMI, DATA_VOLUME, CLAIM, POD):
        found[kind] = reader.items(kind, spec.namespace, label_selector=selector)
    found[POD] += [pod for name in _workers(found[CLAIM]) for pod in reader.named(POD, spec.namespace, name)]
    for kind, objects in found.items():
        files[f"{kind.plural}.yaml"] = _yaml(objects)
    part = common_part(spec.vm_names)
    files["events.txt"] = _events(reader.items(EVENT, spec.namespace), part)
    for pod in _first_the_sick(found[POD], found[VMI]):
        for container in container_names(pod):
            text = reader.log(pod, container)
            if text is not None:
                name = f"{pod['metadata']['name']}.{container}.log"
                files[f"logs/{_file_name(name)}"] = redact(text)
    files["storageclass.yaml"] = _yaml(reader.named(STORAGE_CLASS, None, spec.storage_class))
    files["nodes.yaml"] = _yaml(_nodes(reader.items(NODE), found[POD]))
    ceph = reader.items(CEPH_CLUSTER, ODF_NAMESPACE)
    files["ceph.yaml"] = _yaml([{"name": c["metadata"]["name"], "status": c.get("status")} for c in ceph])
    if reader.notes:
        files[NOT_READ] = "\n".join(reader.notes) + "\n"
    return {name: text for name, text in files.items() if text}


class _Reader:
    """Calls that are tried once, never longer than the time that is left, and never raise."""

    def __init__(self, cluster: Cluster, deadline: Deadline, stop: Stop) -> None:
        self._cluster = cluster
        self._deadline = deadline
        self._stop = stop
        self.notes: list[str] = []

    def items(self, kind: Kind, namespace: str | None = None, **query: Any) -> list[JsonObject]:
        import json

        what = f"list {kind.plural}"
        data = self._ask(what, bound(self._cluster, kind, "list", namespace, None), **query)
        try:
            answer = json.loads(data) if data is not None else None
        except ValueError as error:
            self.notes.append(f"{what}: the answer is not JSON: {error}")
            return []
        return list(answer.get("items") or ()) if isinstance(answer, dict) else []

    def named(self, kind: Kind, namespace: str | None, name: str) -> list[JsonObject]:
        # A list, since that is the right that a run has.
        return self.items(kind, namespace, field_selector=f"metadata.name={name}")

    def log(self, pod: JsonObject, container: str) -> str | None:
        """The end of a container's log; None if there is none."""
        metadata = pod["metadata"]
        what = f"log of {metadata['name']}/{container}"
        call = pod_log(self._cluster, metadata["namespace"], metadata["name"])
        data = self._ask(
            what, call, container=container, tail_lines=LOG_LINES, limit_bytes=_LONGEST_LOG_BYTES
        )
        return None if data is None else data.decode("utf-8", "replace")

    def _ask(self, what: str, call: Callable[..., Any], **options: Any) -> bytes | None:
        left_s = min(CALL_S, self._deadline.left_s())
        if left_s <= 0 or self._stop.is_set():
            self.notes.append(f"{what}: no time was left")
            return None
        try:
            answer = call(**options, timeout_s=(min(2.0, left_s), left_s))
            return bytes(answer.data)
        except transport_errors() as error:
            problem: ApiError = as_api_error(what, error)
            self.notes.append(redact(short_line(problem)))
            return None


def _workers(claims: Iterable[JsonObject]) -> list[str]:
    """The names of CDI's pods that fill claims (annotations such as ``storage.import.importPodName``)."""
    return [
        str(value)
        for claim in claims
        for name, value in (claim["metadata"].get("annotations") or {}).items()
        if name.startswith("cdi.kubevirt.io/") and name.endswith("PodName")
    ]


def _first_the_sick(pods: list[JsonObject], instances: list[JsonObject]) -> list[JsonObject]:
    well = {vmi["metadata"]["name"] for vmi in instances if phase(vmi) == "Running"}
    of_vm = labels.VM
    return sorted(pods, key=lambda pod: (pod["metadata"].get("labels") or {}).get(of_vm) in well)[:_PODS]


def _events(events: list[JsonObject], part: str) -> str:
    lines = []
    for event in sorted(events, key=last_seen):
        about = event.get("involvedObject") or {}
        if part in str(about.get("name")):
            times = f" (x{event['count']})" if (event.get("count") or 1) > 1 else ""
            lines.append(
                f"{last_seen(event)} {event.get('type')} {about.get('kind')}/{about.get('name')} "
                f"{event.get('reason')}: {short_line(event.get('message'), 2000)}{times}"
            )
    return redact("\n".join(lines) + "\n") if lines else ""


def _nodes(nodes: list[JsonObject], pods: list[JsonObject]) -> list[JsonObject]:
    """The nodes of the pods; all, if a pod has none."""
    of_pods = {(pod.get("spec") or {}).get("nodeName") for pod in pods}
    shown = [node for node in nodes if not pods or None in of_pods or node["metadata"]["name"] in of_pods]
    return [
        {
            "name": node["metadata"]["name"],
            "spec": node.get("spec"),
            "allocatable": (node.get("status") or {}).get("allocatable"),
            "conditions": (node.get("status") or {}).get("conditions"),
        }
        for node in shown
    ]


def _yaml(objects: list[JsonObject]) -> str:
    import yaml

    if not objects:
        return ""
    return str(yaml.safe_dump_all(map(redacted_object, objects), sort_keys=False, width=110))


def _file_name(name: str) -> str:
    """A name of the API as one part of a path, whatever it holds."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".")[:200] or "_"

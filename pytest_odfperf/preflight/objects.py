"""Checks of single objects: namespace, operators, DataSource, StorageClasses, tunnel, leftovers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from pytest_odfperf.preflight.check import (
    GRANT,
    Check,
    JsonObject,
    Unread,
    condition,
    doubtful,
    failed,
    not_checked,
    passed,
    said,
)
from pytest_odfperf.vm.labels import MANAGED_BY, MANAGER, RUN

#: The annotations that make a StorageClass the one that VMs' disks, or all claims, come from.
DEFAULT_CLASSES = (
    "storageclass.kubevirt.io/is-default-virt-class",
    "storageclass.kubernetes.io/is-default-class",
)
_AWAY = "virt-api"
_LOOK_AT_VIRT_API = "oc get apiservice v1.subresources.kubevirt.io; oc get pods -A -l kubevirt.io=virt-api"


def namespace(name: str, found: JsonObject | Unread) -> Check:
    what = f"namespace {name}"
    if isinstance(found, Unread):
        if found.status == 404:
            return failed(what, "does not exist", f"oc new-project {name}, or name another in the matrix")
        return not_checked(what, found)
    phase = (found.get("status") or {}).get("phase") or "Active"
    if phase == "Terminating" or found["metadata"].get("deletionTimestamp"):
        return failed(what, "is Terminating", "wait until it is gone and make it anew, or name another")
    return passed(what, f"is {phase}")


def operator(name: str, found: Sequence[JsonObject] | Unread, api: Unread | None) -> Check:
    """KubeVirt or CDI: its own object, else whether its API answers (``api`` None: it does)."""
    install = "install OpenShift Virtualization"
    if isinstance(found, Unread):
        missing = found.status == 404 or (api is not None and api.status == 404)
        if missing:
            return failed(name, "is not installed: the cluster has no such API", install)
        if api is None:
            return doubtful(name, f"its API answers, its state is not known ({found.words})", GRANT)
        return not_checked(name, found)
    if not found:
        return failed(name, "is not deployed: there is no such object", install)
    phase = str((found[0].get("status") or {}).get("phase") or "without a phase")
    available = condition(found[0], "Available")
    if available.get("status") == "True" or (not available and phase == "Deployed"):
        return passed(name, f"is {phase} and available")
    return failed(name, f"is {phase} and not available: {said(available)}", f"oc describe {name.lower()} -A")


def data_source(name: str, place: str, found: JsonObject | Unread) -> Check:
    what = f"DataSource {place}/{name}"
    if isinstance(found, Unread):
        if found.status == 404:
            return failed(what, "does not exist", f"oc get datasource -n {place}; set guest.data_source")
        return not_checked(what, found)
    ready = condition(found, "Ready")
    if ready.get("status") != "True":
        return failed(what, f"is not Ready: {said(ready)}", f"oc describe datasource {name} -n {place}")
    return passed(what, "is Ready")


def clone_right(account: str, source: str, allowed: bool | Unread) -> Check:
    """Whether KubeVirt will make root disks: it takes a VM whose account may not clone all the same."""
    what = "right to clone"
    if isinstance(allowed, Unread):
        detail = f"whether {account} may clone {source} can not be checked ({allowed.words})"
        return doubtful(what, detail, "oc apply -f deploy/clone-role.yaml (it gives both rights)")
    if allowed:
        return passed(what, f"{account} may clone {source}")
    detail = f"{account} may not clone {source}; without it no VM has a root disk"
    return failed(what, detail, "oc apply -f deploy/clone-role.yaml")


def pool(
    name: str, storage_class: str, mode: str, problem: str | None, note: str | None, *, makes: bool = False
) -> Check:
    """``makes``: its recipe says how it is made."""
    what = f"pool {name}"
    if problem is not None:
        made = "make it with its recipe: pytest --odf-setup (docs/pools.md)" if makes else "make it"
        left_out = f"{made}, or leave the pool out: --odf-pool"
        if problem.endswith("not Ready"):
            left_out += f"; it is measured as it is with --odf-allow-not-ready {name}"
        return failed(what, problem, left_out)
    if note is not None:
        return doubtful(what, f"StorageClass {storage_class}, {mode}: {note}", "its results say so")
    return passed(what, f"StorageClass {storage_class}, {mode}")


def default_class(classes: Sequence[JsonObject]) -> str | None:
    """The StorageClass that root disks come from where nobody names one."""
    for annotation in DEFAULT_CLASSES:
        for one in classes:
            if (one["metadata"].get("annotations") or {}).get(annotation) == "true":
                return str(one["metadata"]["name"])
    return None


def root_class(wanted: str | None, classes: Sequence[JsonObject]) -> Check:
    """The StorageClass of the root disks."""
    what = "root disks"
    names = [one["metadata"]["name"] for one in classes]
    if wanted is not None:
        if wanted in names:
            return passed(what, f"StorageClass {wanted}")
        return failed(
            what, f"StorageClass {wanted} does not exist", "oc get storageclass; guest.root_storage_class"
        )
    if (usual := default_class(classes)) is not None:
        return passed(what, f"StorageClass {usual}, the cluster's default")
    return failed(what, "the cluster has no default StorageClass", "name one: guest.root_storage_class")


def virt_api(found: JsonObject | Unread) -> Check | None:
    """What is wrong with virt-api by its APIService; None if nothing is known against it."""
    if isinstance(found, Unread):
        return None
    available = condition(found, "Available")
    if available.get("status") != "False":
        return None
    return failed(_AWAY, f"KubeVirt's own API server, is not available: {said(available)}", _LOOK_AT_VIRT_API)


def is_away(check: Check) -> bool:
    """Whether ``check`` says that virt-api is away."""
    return check.what == _AWAY


def tunnel(probe: str, found: Unread | None) -> Check:
    """Port-forward to an instance that does not exist: 404 with its name is the answer of KubeVirt itself."""
    what = "port-forward"
    if found is None or (found.status == 404 and probe in found.words):
        return passed(what, "KubeVirt answers through the API server")
    if found.status in (401, 403):
        return failed(what, f"is refused: {found.words}", GRANT)
    if found.status is None:
        return failed(
            what, f"no WebSocket comes through: {found.words}", "let the proxy pass upgrades to WebSocket"
        )
    return failed(_AWAY, f"KubeVirt's own API server, does not answer: {found.words}", _LOOK_AT_VIRT_API)


def leftovers(place: str, found: Mapping[str, Sequence[JsonObject]] | Unread) -> list[Check]:
    """Objects of other runs, by run; ``found`` is by kind."""
    what = "leftovers"
    if isinstance(found, Unread):
        return [not_checked(what, found)]
    runs: dict[str, Counter[str]] = {}
    for kind, items in found.items():
        for item in items:
            runs.setdefault((item["metadata"].get("labels") or {}).get(RUN) or "", Counter())[kind] += 1
    if not runs:
        return [passed(what, "nothing of an earlier run is there")]
    return [
        doubtful(
            f"{what} of run {run}" if run else f"{what} without a run id",
            ", ".join(f"{number} {kind}" for kind, number in counts.items()),
            f"pytest --odf-cleanup {run} (it leaves a run that is alive)"
            if run
            else f"oc get {','.join(kind.lower() for kind in found)} -n {place} -l {MANAGED_BY}={MANAGER}",
        )
        for run, counts in sorted(runs.items())
    ]

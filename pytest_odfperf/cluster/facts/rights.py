"""The rights that a run needs: the rules of ``deploy/``, and what a run does without those it can miss."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"

#: The next step where a right is missing.
GRANT = "next: oc apply -f deploy/ (docs/openshift.md: Rights)"

#: The next step where a right to make or remove pools is missing.
GRANT_SETUP = "next: oc apply -f deploy/optional/setup-role.yaml (docs/pools.md: Rights)"

#: Where a right is asked: the run's namespace, the whole cluster, the namespace of the DataSource.
#: Where pools are made: the namespace of the CephCluster.
#: All namespaces, of what has one.
Place = Literal["run", "cluster", "images", "storage", "all"]


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One verb on one resource (``virtualmachineinstances/portforward``) of one API group."""

    place: Place
    group: str
    resource: str
    verb: str
    #: The one object that it is on; empty: all.
    name: str = ""

    def __str__(self) -> str:
        of = f" {self.name}" if self.name else ""
        return f"{self.verb} {self.resource}" + (f".{self.group}" if self.group else "") + of

    @property
    def noun(self) -> str:
        """What it is on: the same resource can be in two places."""
        return f"{self.resource} of all namespaces" if self.place == "all" else self.resource

    @property
    def required(self) -> bool:
        """Whether a run that lacks it fails."""
        return _effect(self).required

    @property
    def for_pods(self) -> bool:
        """Whether only who measures in pods has a use for it."""
        made = self.resource == "pods" and self.verb not in ("list", "watch")
        return made or self.resource == "pods/exec"

    @property
    def without(self) -> str:
        """What happens without it."""
        return _effect(self).text


@dataclass(frozen=True, slots=True)
class _Effect:
    resources: tuple[str, ...]
    #: Empty: all that are not named before.
    verbs: tuple[str, ...]
    required: bool
    text: str
    #: Where; None: anywhere.
    place: Place | None = None


_MADE = ("secrets", "persistentvolumeclaims", "virtualmachines")
_OWN = ("configmaps", "leases", *_MADE, "pods", "datavolumes")
_WATCHED = (*_OWN, "virtualmachineinstances", "events")
_CEPH = ("cephblockpools", "cephfilesystems", "cephclusters")
_STORAGE = ("storageclasses", "cephblockpools", "cephfilesystems")
_NO_GROUP = "no VM group can be made"
NO_POD = "no key can be measured in a pod (`machine: pod`)"

#: What a run does without a right; the first that fits holds.
_EFFECTS = (
    # Those of deploy/optional.
    _Effect(_STORAGE, ("create",), True, "no pool is made"),
    _Effect(_STORAGE, ("delete",), True, "no pool is removed"),
    _Effect(
        _STORAGE,
        ("get",),
        True,
        "a pool that somebody else makes at the same time is a failure, and none is removed",
    ),
    _Effect(
        ("persistentvolumes", "volumesnapshotcontents"),
        (),
        True,
        "no pool is removed, since whose data is in it is not known",
    ),
    _Effect(
        ("leases",),
        (),
        False,
        "runs and setups of other namespaces do not keep a pool from being removed while it has no volume",
        "cluster",
    ),
    _Effect(
        ("pods",),
        (),
        False,
        "how many failure domains there are may not be known before a pool is made",
        "storage",
    ),
    _Effect(("events",), (), False, "messages say less of why a pool is not made", "storage"),
    _Effect(
        ("pods",), (), False, "`--odf-preflight` does not look at the pods of CSI drivers and webhooks", "all"
    ),
    _Effect(
        ("virtualmachines", "virtualmachineinstances"),
        (),
        False,
        "`--odf-preflight` sees stuck VMs of its namespace alone",
        "all",
    ),
    # Those of every run.
    _Effect(("storageprofiles",), (), False, "`--odf-discover` takes volume modes from a table"),
    _Effect(("volumeattachments",), (), False, "`--odf-preflight` does not look at attachments that hang"),
    _Effect(("storageclasses",), (), True, "no run begins"),
    _Effect(("configmaps",), ("create",), True, "no run begins"),
    _Effect(("leases",), ("get", "list", "create", "update"), True, "no run begins"),
    _Effect(("configmaps",), ("list",), True, "the end of the run can not see whether its object is gone"),
    _Effect(_MADE, ("create",), True, _NO_GROUP),
    _Effect((*_MADE, "datavolumes", "virtualmachineinstances"), ("list",), True, _NO_GROUP),
    _Effect(("virtualmachineinstances/portforward", "datavolumes/source"), (), True, _NO_GROUP),
    _Effect(_WATCHED, ("watch",), False, "lists are asked for every 2 s"),
    _Effect(_OWN, ("deletecollection",), False, "objects are deleted one by one, with `delete`"),
    _Effect(_OWN, ("delete",), False, "nothing changes while there is `deletecollection`"),
    _Effect(("configmaps",), ("get",), False, "a run whose object was left can not be resumed"),
    _Effect(("pods/exec",), (), False, NO_POD),
    _Effect(("pods",), ("create",), False, NO_POD),
    _Effect(
        (*_MADE, "pods"), ("get",), False, "a VM group fails if the answer to a create is lost on its way"
    ),
    _Effect(("events", "pods", "pods/log"), (), False, "messages say less of why something is not made"),
    _Effect(("resourcequotas", "limitranges"), (), False, "`--odf-preflight` does not check them"),
    _Effect(("namespaces", "datasources"), (), False, "`--odf-preflight` does not check it"),
    _Effect(("localsubjectaccessreviews",), (), False, "`--odf-preflight` can not check the right to clone"),
    _Effect(
        ("virtualmachineinstancetypes", "virtualmachineclusterinstancetypes"),
        (),
        False,
        "a VM size that differs from its instancetype is noticed when its VMs run",
    ),
    _Effect(("apiservices",), (), False, "`--odf-preflight` says less of why KubeVirt's API is away"),
    _Effect(("nodes",), (), False, "`--odf-parallel` needs a number"),
    _Effect(
        ("services/proxy",),
        (),
        False,
        "whether Ceph's PGs are clean, scrubs, and what its pools and OSDs count are not known",
    ),
    _Effect(_CEPH, ("watch",), False, "how Ceph is, is asked every 15 s"),
    _Effect(
        ("cephblockpools", "cephfilesystems"),
        (),
        False,
        "a pool that is not Ready is noticed when it fails, and its devices are not known",
    ),
    _Effect(
        ("cephclusters",),
        (),
        False,
        "whether Ceph is healthy is not known, and the report does not name its version",
    ),
    _Effect(
        ("storageclusters", "kubevirts", "cdis", "clusterversions"),
        (),
        False,
        "the report does not name the version",
    ),
)


def _effect(right: Right) -> _Effect:
    for effect in _EFFECTS:
        fits = effect.place in (None, right.place) and right.resource in effect.resources
        if fits and (not effect.verbs or right.verb in effect.verbs):
            return effect
    raise LookupError(f"what happens without {right} is not said")


def shipped_rights() -> tuple[Right, ...]:
    """Every right of the Roles in ``deploy/``, in their order."""
    return rights_of(document for path in sorted(DEPLOY.glob("*.yaml")) for document in _documents(path))


def setup_rights() -> tuple[Right, ...]:
    """Every right that making and removing pools takes beside those."""
    return rights_of(document for document in _documents(DEPLOY / "optional" / "setup-role.yaml"))


def everywhere_rights() -> tuple[Right, ...]:
    """Every right to look at what others have, which nobody needs for a run."""
    return rights_of(_documents(DEPLOY / "optional" / "everywhere-role.yaml"))


def rights_of(documents: Iterable[Any]) -> tuple[Right, ...]:
    """The rights of the Roles and ClusterRoles among ``documents``."""
    return tuple(
        Right(_place(document), group, resource, verb, name)
        for document in documents
        if document["kind"] in ("Role", "ClusterRole")
        for rule in document["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", ("",))
    )


def _documents(path: Path) -> list[Any]:
    import yaml

    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def _place(role: dict[str, Any]) -> Place:
    if role["kind"] == "ClusterRole":
        return "all" if role["metadata"]["name"] == "odfperf-everywhere" else "cluster"
    places: dict[str, Place] = {"odfperf": "run", "odfperf-setup": "storage"}
    return places.get(role["metadata"]["name"], "images")

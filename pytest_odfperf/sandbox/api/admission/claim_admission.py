"""What kube-apiserver fills in of a claim: its two ways to name a source are made to agree."""

from __future__ import annotations

from pytest_odfperf.sandbox.api.objects.object_store import Obj

#: All that ``dataSource`` may name; ``dataSourceRef`` may name anything.
_OLD_SOURCES = (("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot"))


def fill_claim(claim: Obj) -> None:
    """Drop a ``dataSource`` of another kind, and have each field as the other one where that is not there.

    Namespaces of sources are dropped: they are behind a feature gate that is off.
    """
    spec = claim.get("spec")
    if not isinstance(spec, dict):
        return
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if source is not None and (source.get("apiGroup") or "", source.get("kind")) not in _OLD_SOURCES:
        source = None
        spec.pop("dataSource")
    if reference is not None:
        reference.pop("namespace", None)
    if source is not None and reference is None:
        spec["dataSourceRef"] = dict(source)
    elif reference is not None and source is None:
        spec["dataSource"] = dict(reference)

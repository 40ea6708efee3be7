"""What objects of snapshots may hold beyond their types.

From kubernetes-csi/external-snapshotter ``client/config/crd``; words are those of kube-apiserver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_odfperf.sandbox.api.rules.field_rules import Problem, Rule, invalid


def _one_of(*names: str) -> Rule:
    def check(source: Any) -> Iterator[Problem]:
        if len([name for name in names if source.get(name) is not None]) != 1:
            yield invalid("object", f"exactly one of {names[0]} and {names[1]} must be set")

    return "spec.source", check


def _named(name: Any) -> Iterator[Problem]:
    if name == "":
        yield invalid("", "volumeSnapshotClassName must not be the empty string when set")


SNAPSHOT_RULES: Mapping[str, tuple[Rule, ...]] = {
    "VolumeSnapshot": (
        _one_of("volumeSnapshotContentName", "persistentVolumeClaimName"),
        ("spec.volumeSnapshotClassName", _named),
    ),
    "VolumeSnapshotContent": (_one_of("volumeHandle", "snapshotHandle"),),
}

"""What kubectl shows of snapshots, between name and age: column, path, type."""

from __future__ import annotations

from collections.abc import Mapping

SNAPSHOT_FIELDS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "VolumeSnapshot": (
        ("ReadyToUse", "status.readyToUse", "boolean"),
        ("SourcePVC", "spec.source.persistentVolumeClaimName", "string"),
        ("SourceSnapshotContent", "spec.source.volumeSnapshotContentName", "string"),
        ("RestoreSize", "status.restoreSize", "string"),
        ("SnapshotClass", "spec.volumeSnapshotClassName", "string"),
        ("SnapshotContent", "status.boundVolumeSnapshotContentName", "string"),
        ("CreationTime", "status.creationTime", "date"),
    ),
    "VolumeSnapshotClass": (
        ("Driver", "driver", "string"),
        ("DeletionPolicy", "deletionPolicy", "string"),
    ),
    "VolumeSnapshotContent": (
        ("ReadyToUse", "status.readyToUse", "boolean"),
        ("RestoreSize", "status.restoreSize", "integer"),
        ("DeletionPolicy", "spec.deletionPolicy", "string"),
        ("Driver", "spec.driver", "string"),
        ("VolumeSnapshotClass", "spec.volumeSnapshotClassName", "string"),
        ("VolumeSnapshot", "spec.volumeSnapshotRef.name", "string"),
        ("VolumeSnapshotNamespace", "spec.volumeSnapshotRef.namespace", "string"),
    ),
}

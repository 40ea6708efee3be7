"""Pools whose speed is known are read as what they are, over the whole road."""

from __future__ import annotations

from pathlib import Path

import pytest
from lies.simulated_runs import HEAD_OF_MATRIX, SANDBOX, run

CAPS = (200, 500, 1000, 2000)


def test_caps_are_read_within_half_a_percent(tmp_path: Path) -> None:
    classes = {f"cap{iops}": {"backend": {"iops": iops}} for iops in CAPS}
    asked = HEAD_OF_MATRIX | {
        "pools": [{"name": name, "volume_mode": "Block"} for name in classes],
        "concurrency": [1],
        "profiles": ["reads", "writes", "mix"],
        "sandbox": SANDBOX | {"storage_classes": {"roots": {"default": True}, **classes}},
    }
    records = run(tmp_path, asked, 2)
    assert len(records) == 3 * len(CAPS)
    for record in records:
        done = sum(part["iops_per_s"] for name in ("read", "write") if (part := record[name]))
        cap = int(record["key"].partition(":")[0].removeprefix("cap"))
        assert done == pytest.approx(cap, rel=0.005), record["key"]
        assert record["verdict"] == "valid", record["doubts"]

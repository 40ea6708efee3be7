"""Results with nothing wrong: none of them may be doubted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lies.lie import Heard
from lies.real_fio import bench, job_of, judged, measure, settings
from lies.real_lies import PLAIN
from lies.simulated_runs import HEAD_OF_MATRIX, SANDBOX, heard, run

#: Volumes of many sorts: fast and slow, steady and restless, with a cap of their own and without.
CLASSES: Mapping[str, Mapping[str, Any]] = {
    "replicated": {"model": {"jitter": 0.03}},
    "restless": {"model": {"jitter": 0.08}},
    "share": {"backend": {"iops": 500}, "model": {"jitter": 0.01, "write_sigma": 0.4}},
    "wide-share": {
        "backend": {"iops": 3000, "bandwidth": "48Mi"},
        "model": {"jitter": 0.02, "write_sigma": 0.4},
    },
    "disk": {
        "model": {
            "read_lat_us": 6000,
            "write_lat_us": 9000,
            "read_iops": 900,
            "write_iops": 700,
            "read_bandwidth": "150Mi",
            "write_bandwidth": "120Mi",
            "read_sigma": 0.4,
            "write_sigma": 0.4,
            "jitter": 0.05,
        }
    },
    "memory-fast": {"model": {"read_lat_us": 60, "write_lat_us": 90, "noise": 0.05, "jitter": 0.02}},
}
#: Keys: classes x profiles x depths x block sizes x concurrency.
PROFILES = ["reads", "writes", "mix", "commits", "two"]


def simulated(folder: Path, *, few: bool = False) -> list[Heard]:
    """A run of some hundred keys on simulated guests."""
    classes = dict(list(CLASSES.items())[:2]) if few else CLASSES
    asked = HEAD_OF_MATRIX | {
        "pools": [{"name": name, "volume_mode": "Block"} for name in classes],
        "concurrency": [1, 3],
        "profiles": ["reads", "mix"] if few else PROFILES,
        "block_sizes": ["4k"] if few else ["4k", "64k"],
        "fio": {**HEAD_OF_MATRIX["fio"], "iodepth": [1, 16] if few else [1, 8, 32]},
        "sandbox": SANDBOX | {"storage_classes": {"roots": {"default": True}, **classes}},
    }
    return [heard(record) for record in run(folder, asked, 4)]


def real(folder: Path, rounds: int, fio: str) -> Iterator[Heard]:
    """Runs of a real fio on a loop device: rates that it holds, at several depths and sizes.

    What goes as fast as it can on a machine that does other things is not steady, so each has a rate.
    """
    with bench(folder) as here:
        for number in range(rounds):
            asked = settings(5, iodepth=(4, 8, 16)[number % 3], numjobs=1 + number % 2)
            block_size = ("4k", "16k", "64k", "8k")[number % 4]
            job = job_of("slow", asked, block_size)
            measured = measure(here, job, PLAIN.replace("REAL", fio))
            yield judged(f"{number}", measured, job, asked, here.device)

"""Whole runs on simulated guests: one pool for each lie, from the matrix to the record."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from profile_texts import SIZED

from lies.lie import Heard, Lie

#: By name; the lies and the clean results choose among them.
PROFILES: Mapping[str, str] = {
    "reads": SIZED + "[a]\nrw=randread\n",
    "writes": SIZED + "[a]\nrw=randwrite\n",
    "mix": SIZED + "[a]\nrw=randrw\nrwmixread=70\n",
    "two": SIZED + "[a]\nrw=randread\n[b]\nstonewall\nrw=randwrite\n",
    "commits": SIZED + "[a]\nrw=randwrite\nfdatasync=1\n",
    "rated": SIZED + "[a]\nrw=randread\nrate_iops=100\n",
    "slow": SIZED + "[a]\nrw=randread\nrate_iops=40\n",
    "rated-writes": SIZED + "[a]\nrw=randwrite\nrate_iops=100\n",
    "zeros": SIZED + "[a]\nrw=randwrite\nzero_buffers=1\n",
    "pattern": SIZED + "[a]\nrw=randwrite\nbuffer_pattern=0xdeadbeef\n",
    "compressed": SIZED + "[a]\nrw=randwrite\nrefill_buffers=1\nbuffer_compress_percentage=90\n",
    "dedupe": SIZED + "[a]\nrw=randwrite\ndedupe_percentage=80\n",
}
SANDBOX: Mapping[str, Any] = {"machine": "simulated", "speed": 400, "boot_s": 0, "clone_s": 0}
HEAD_OF_MATRIX: Mapping[str, Any] = {
    "cluster": "sandbox",
    "namespace": "lies",
    "vm_sizes": {"tiny": {"vcpus": 1, "memory": "1Gi"}},
    "pvc_sizes": ["10Gi"],
    "block_sizes": ["4k"],
    "fio": {"runtime": "60s", "ramp": "5s", "numjobs": 2, "iodepth": 8, "file_size": "1G"},
}
#: An hour is for a machine where much else runs; nothing that works takes a tenth of it.
LONGEST_S = 3600


def tell(folder: Path, lies: Sequence[Lie], options: Sequence[str] = ()) -> dict[str, Heard]:
    """What the runs make of ``lies``, by their names; one run for all of a setting."""
    found: dict[str, Heard] = {}
    for setting in dict.fromkeys(lie.setting for lie in lies):
        own = [lie for lie in lies if lie.setting == setting]
        for record in run(folder / setting, matrix(own), own[0].workers, options):
            one = heard(record)
            found[one.name] = one
    return found


def run(
    folder: Path, asked: Mapping[str, Any], workers: int, options: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """The records of a run of this matrix."""
    (folder / "profiles").mkdir(parents=True)
    for name, text in PROFILES.items():
        (folder / "profiles" / f"{name}.fio").write_text(text)
    (folder / "matrix.yaml").write_text(yaml.safe_dump(asked))
    command = [
        sys.executable, "-m", "pytest", "--odf-matrix", "matrix.yaml", f"--odf-parallel={workers}", *options,
        "-p", "no:hypothesispytest", "-p", "no:cacheprovider",
    ]  # fmt: skip
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "KUBE", "CI"))
    }
    with (folder / "output.txt").open("wb") as output:
        done = subprocess.run(
            command, cwd=folder, env=kept, stdout=output, stderr=output, timeout=LONGEST_S, check=False
        )
    records = folder / "results" / "latest" / "results.jsonl"
    if not records.exists():
        said = (folder / "output.txt").read_text()[-2000:]
        raise RuntimeError(f"no results (exit code {done.returncode}): {said}")
    return [json.loads(line) for line in records.read_text().splitlines()]


def matrix(lies: Sequence[Lie]) -> dict[str, Any]:
    """A pool for each lie."""
    pools = [
        {
            "name": lie.name,
            "volume_mode": "Block",
            "only": {"profiles": [lie.profile], "concurrency": [lie.vms]},
            **lie.pool,
        }
        for lie in lies
    ]
    classes = {"roots": {"default": True}, **{lie.name: dict(lie.storage_class) for lie in lies}}
    return HEAD_OF_MATRIX | {
        "pools": pools,
        "concurrency": sorted({lie.vms for lie in lies}),
        "profiles": sorted({lie.profile for lie in lies}),
        "sandbox": SANDBOX | {"storage_classes": classes} | dict(lies[0].sandbox),
    }


def heard(record: Mapping[str, Any]) -> Heard:
    """Of one record; its name is the pool's."""
    doubts = record.get("doubts") or []
    codes = tuple(dict.fromkeys(doubt["code"] for doubt in doubts))
    text = "; ".join(doubt["text"] for doubt in doubts) or str(record.get("reason") or "")
    verdict = record.get("verdict") or "error"
    if verdict == "error":
        codes = (str(record.get("reason_code")),)
    return Heard(name=record["key"].partition(":")[0], verdict=verdict, codes=codes, text=text)

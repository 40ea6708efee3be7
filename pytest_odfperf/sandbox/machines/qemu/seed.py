"""The NoCloud seed of a guest: a FAT file system labelled ``cidata``, shown to it by QEMU itself.

https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html
"""

from __future__ import annotations

from pathlib import Path

import yaml

from pytest_odfperf.sandbox.machines.base import MachineSpec

#: The label that cloud-init looks for.
LABEL = "cidata"
FOLDER = "seed"


def seed_files(spec: MachineSpec, *, one_stage: bool) -> dict[str, bytes]:
    """File name to content. ``one_stage``: the image runs cloud-init's local stage only."""
    meta = {"instance-id": spec.uid, "local-hostname": spec.name}
    if one_stage:
        meta["dsmode"] = "local"
    files = {"meta-data": yaml.safe_dump(meta).encode(), "user-data": spec.user_data}
    if spec.network_data is not None:
        files["network-config"] = spec.network_data
    return files


def write_seed(spec: MachineSpec, *, one_stage: bool) -> Path:
    """The folder that QEMU shows as a disk. Holds the guest's private host key: for its owner only."""
    folder = spec.directory / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, content in seed_files(spec, one_stage=one_stage).items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_bytes(content)
    return folder

"""What a VM size says of its machine: a VM of KubeVirt, or a pod of the same size without one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.model import Machine, VmSettings
from pytest_odfperf.matrix.reading import fields
from pytest_odfperf.matrix.reading.yaml_marks import Marked

MACHINES: Mapping[str, Machine] = {"vm": "vm", "pod": "pod"}

#: ``[registry[:port]/]repository[:tag][@digest]``
_IMAGE = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?(?::[0-9]{1,5})?/)?"
    r"[a-z0-9]+(?:(?:/|[._]|__|-+)[a-z0-9]+){0,40}"
    r"(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@[a-z0-9]+:[0-9a-f]{32,128})?",
    re.ASCII,
)
_LONGEST_IMAGE = 512
#: What only a VM has.
_OF_VMS = ("preference", "patch")


def read_machine(
    values: Mapping[str, Marked], what: str, vm: VmSettings, place: str | None
) -> dict[str, Any]:
    """``machine`` and ``image`` of a VM size. Raises `InputError` for what does not go together."""
    machine = (
        MACHINES[fields.choice(values["machine"], f"{what}: machine", tuple(MACHINES))]
        if "machine" in values
        else "vm"
    )
    image = values.get("image")
    if machine == "vm":
        if image is not None:
            raise InputError(
                f"{what} has an image, which only a pod has (machine: pod); that of VMs is guest.data_source",
                place=image.place,
            )
        return {"machine": machine}
    if image is None:
        raise InputError(f"{what} is a pod and needs image: a container image that holds fio", place=place)
    if "instancetype" in values:
        raise InputError(
            f"{what} is a pod and can not have an instancetype", place=values["instancetype"].place
        )
    for name in _OF_VMS:
        if getattr(vm, name) is not None:
            raise InputError(
                f"{what} is a pod and can not have a {name}: it is of VirtualMachines",
                place=values["vm"].key_place(name) if "vm" in values else place,
            )
    return {
        "machine": machine,
        "image": check_image(fields.text(image, f"{what}: image"), what, place=image.place),
    }


def check_image(image: str, what: str, *, place: str | None = None) -> str:
    """Return ``image`` if it can name a container image; `InputError` if not."""
    if len(image) > _LONGEST_IMAGE or not _IMAGE.fullmatch(image):
        raise InputError(
            f"{what}: image {image[:60]!r} is not a container image: [REGISTRY/]NAME[:TAG][@DIGEST]",
            place=place,
        )
    return image

"""What goes wrong in the cluster, by StorageClass of a VM's data disk: ``troubles:`` of a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pytest_odfperf.sandbox.config.mapping_reader import Reader

CloneTrouble = Literal["none", "stalls", "fails", "without_source", "source_in_use"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubles:
    """Nothing, by default. The words are those that the API then shows."""

    #: The provisioner is called and never answers.
    provisioner_silent: bool = False
    #: What becomes of the clone of the root disk.
    clone: CloneTrouble = "none"
    #: The pod that fills the root disk ends with this, again and again.
    import_error: str | None = None
    #: The launcher pod may not be made.
    launcher_refused: str | None = None
    #: The launcher's image can not be pulled.
    image_pull: bool = False
    #: The data disk is not attached to the node, or not mounted there.
    attach_error: str | None = None
    mount_error: str | None = None
    #: The container of a pod can not be made; it needs more memory than it has after so many seconds, or is
    #: evicted then. None: never.
    container_error: str | None = None
    out_of_memory_s: float | None = None
    evicted_s: float | None = None
    #: QEMU ends before the guest runs.
    qemu_error: str | None = None
    #: The guest never has an address.
    no_address: bool = False
    #: So long after the VM runs its node does not answer any more; an I/O error pauses it. None: never.
    node_lost_s: float | None = None
    paused_s: float | None = None
    #: So long are the VM and its claims held in deletion.
    vm_held_s: float = 0.0
    claims_held_s: float = 0.0
    #: cloud-init fails: nobody can log in. Simulated machines only.
    cloud_init_fails: bool = False


NONE = Troubles()


def read_troubles(raw: Mapping[str, Any], place: str) -> Troubles:
    """Check a ``troubles:`` mapping. Raises `InputError`."""
    read = Reader(raw, place)

    def seconds(name: str) -> float | None:
        return read.number(name, 0.0) if raw.get(name) is not None else read.value(name, None)

    troubles = Troubles(
        provisioner_silent=read.flag("provisioner_silent", False),
        clone=read.choice("clone", "none", get_args(CloneTrouble)),
        import_error=read.optional_text("import_error"),
        launcher_refused=read.optional_text("launcher_refused"),
        image_pull=read.flag("image_pull", False),
        attach_error=read.optional_text("attach_error"),
        mount_error=read.optional_text("mount_error"),
        container_error=read.optional_text("container_error"),
        out_of_memory_s=seconds("out_of_memory_s"),
        evicted_s=seconds("evicted_s"),
        qemu_error=read.optional_text("qemu_error"),
        no_address=read.flag("no_address", False),
        node_lost_s=seconds("node_lost_s"),
        paused_s=seconds("paused_s"),
        vm_held_s=read.number("vm_held_s", 0.0),
        claims_held_s=read.number("claims_held_s", 0.0),
        cloud_init_fails=read.flag("cloud_init_fails", False),
    )
    read.end()
    return troubles


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An admission webhook: refuses what it selects, or does not answer at all."""

    #: The plural of the kind, such as ``virtualmachines``.
    resource: str
    #: A label selector; empty: all.
    selector: str = ""
    #: The field that it names, and what it says of it; None: it is down.
    denies: str | None = None
    field: str = "spec"


def read_webhook(raw: Any, place: str) -> Webhook:
    """Check an entry of ``webhooks:``. Raises `InputError`."""
    read = Reader(raw, place)
    webhook = Webhook(
        resource=read.text("resource", "virtualmachines"),
        selector=read.text("selector", "-") if raw.get("selector") else read.value("selector", ""),
        denies=read.optional_text("denies"),
        field=read.text("field", "spec"),
    )
    read.end()
    return webhook

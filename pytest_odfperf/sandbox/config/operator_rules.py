"""The ``operators:`` mapping of a sandbox: what operators and drivers keep running beside VMs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_odfperf.sandbox.config.mapping_reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorPod:
    """A pod of an operator or a CSI driver. Nothing runs in it."""

    namespace: str = "openshift-storage"
    #: None: the first one.
    node: str | None = None
    ready: bool = True
    restarts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A VolumeAttachment."""

    node: str
    volume: str
    attacher: str = "openshift-storage.rbd.csi.ceph.com"
    attached: bool = True
    #: Why it can not be attached.
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operators:
    pods: Mapping[str, OperatorPod] = field(default_factory=dict)
    attachments: Mapping[str, Attachment] = field(default_factory=dict)


def read_operators(raw: Mapping[str, Any], place: str) -> Operators:
    """Check the mapping. Raises `InputError`."""
    read = Reader(raw, place)
    found = Operators(
        pods={name: _pod(entry, where) for name, entry, where in read.mappings("pods")},
        attachments={name: _attachment(entry, where) for name, entry, where in read.mappings("attachments")},
    )
    read.end()
    return found


def _pod(raw: Mapping[str, Any], place: str) -> OperatorPod:
    read = Reader(raw, place)
    pod = OperatorPod(
        namespace=read.text("namespace", OperatorPod().namespace),
        node=read.optional_text("node"),
        ready=read.flag("ready", True),
        restarts=read.integer("restarts", 0, at_least=0),
    )
    read.end()
    return pod


def _attachment(raw: Mapping[str, Any], place: str) -> Attachment:
    read = Reader(raw, place)
    attachment = Attachment(
        node=read.text("node", ""),
        volume=read.text("volume", ""),
        attacher=read.text("attacher", "openshift-storage.rbd.csi.ceph.com"),
        attached=read.flag("attached", True),
        error=read.optional_text("error"),
    )
    read.end()
    return attachment

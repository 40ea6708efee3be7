"""Pods of operators and drivers, and attached volumes, as the configuration has them: nobody changes them."""

from __future__ import annotations

from pytest_odfperf.sandbox.config.operator_rules import Attachment, OperatorPod
from pytest_odfperf.sandbox.config.parse_config import SandboxConfig
from pytest_odfperf.sandbox.reconcilers.api_client import Api, now
from pytest_odfperf.sandbox.reconcilers.conditions import condition, merged
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import NAMESPACE, POD, VOLUME_ATTACHMENT, Obj


async def create_operator_objects(api: Api, config: SandboxConfig) -> None:
    """Create all of them, with their namespaces, before any kubelet looks at pods."""
    for name, pod in config.operators.pods.items():
        await api.create(NAMESPACE, {"metadata": {"name": pod.namespace}})
        if await api.create(POD, _pod(name, pod, config)):
            await api.patch_status(POD, (pod.namespace, name), _pod_status(pod))
    for name, attachment in config.operators.attachments.items():
        if await api.create(VOLUME_ATTACHMENT, _attachment(name, attachment)):
            await api.patch_status(VOLUME_ATTACHMENT, ("", name), _attachment_status(attachment))


def _pod(name: str, pod: OperatorPod, config: SandboxConfig) -> Obj:
    container = {"name": "driver", "image": "sandbox/driver"}
    return {
        "metadata": {"name": name, "namespace": pod.namespace},
        "spec": {"nodeName": pod.node or config.nodes[0].name, "containers": [container]},
    }


def _pod_status(pod: OperatorPod) -> Obj:
    ready = "True" if pod.ready else "False"
    conditions = [condition("PodScheduled", "True"), condition("Ready", ready)]
    state = {
        "name": "driver",
        "ready": pod.ready,
        "started": pod.ready,
        "restartCount": pod.restarts,
        "image": "sandbox/driver",
        "imageID": "",
        "state": {"running": {"startedAt": now()}},
    }
    return {"phase": "Running", "conditions": merged([], conditions), "containerStatuses": [state]}


def _attachment(name: str, attachment: Attachment) -> Obj:
    return {
        "metadata": {"name": name},
        "spec": {
            "attacher": attachment.attacher,
            "nodeName": attachment.node,
            "source": {"persistentVolumeName": attachment.volume},
        },
    }


def _attachment_status(attachment: Attachment) -> Obj:
    status: Obj = {"attached": attachment.attached}
    if attachment.error is not None:
        status["attachError"] = {"time": now(), "message": attachment.error}
    return status

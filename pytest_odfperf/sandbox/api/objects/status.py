"""Refusals, as the ``Status`` objects that a real API server answers with."""

from __future__ import annotations

from typing import Any

from pytest_odfperf.sandbox.api.objects.resources import Resource

_TOLD_CAUSES = 10
#: The body of a `not_served` answer.
NOT_SERVED = "404 page not found\n"


class StatusError(Exception):
    """A refusal: HTTP code, machine-readable reason, text."""

    def __init__(self, code: int, reason: str, message: str, **details: Any) -> None:
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        super().__init__(message)

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "code": self.code,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details:
            body["details"] = self.details
        return body


def not_found(resource: str, name: str) -> StatusError:
    return StatusError(404, "NotFound", f'{resource} "{name}" not found', name=name, kind=resource)


def no_such_path() -> StatusError:
    return StatusError(404, "NotFound", "the server could not find the requested resource")


def not_served() -> StatusError:
    """A path of which no part of the server knows anything: an answer in plain text."""
    return StatusError(404, "NotFound", NOT_SERVED)


def not_allowed() -> StatusError:
    message = "the server does not allow this method on the requested resource"
    return StatusError(405, "MethodNotAllowed", message)


def already_exists(resource: str, name: str) -> StatusError:
    return StatusError(409, "AlreadyExists", f'{resource} "{name}" already exists', name=name, kind=resource)


def conflict(resource: str, name: str, why: str | None = None) -> StatusError:
    said = (
        why or "the object has been modified; please apply your changes to the latest version and try again"
    )
    message = f'Operation cannot be fulfilled on {resource} "{name}": {said}'
    return StatusError(409, "Conflict", message, name=name, kind=resource)


def cause(reason: str, field: str, message: str) -> dict[str, str]:
    return {"reason": reason, "message": message, "field": field}


def refused(
    resource: Resource, name: str, causes: list[dict[str, str]], *, by_resource: bool = False
) -> StatusError:
    """A 422 with one cause or more. ``by_resource``: told by the resource's name, not by the kind's."""
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    kind = resource.full_name if by_resource else kind
    told = [f"{one['field']}: {one['message']}" for one in causes]
    said = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    details = {"name": name, "group": resource.group, "kind": resource.kind, "causes": causes}
    return StatusError(422, "Invalid", f'{kind} "{name}" is invalid: {said}', **details)


def denied(webhook: str, name: str, kind: str, causes: list[dict[str, str]]) -> StatusError:
    """What a webhook of KubeVirt does not let in: up to ten causes, all of them in the message."""
    told = ", ".join(cause["message"] for cause in causes[:_TOLD_CAUSES])
    if len(causes) > _TOLD_CAUSES:
        told += f", and {len(causes) - _TOLD_CAUSES} more validation errors"
    message = f'admission webhook "{webhook}" denied the request: {told}'
    return StatusError(422, "Invalid", message, name=name, kind=kind, causes=causes[:_TOLD_CAUSES])


def undecodable(webhook: str, problem: str) -> StatusError:
    """What a webhook can not read into its own types; it gives no reason."""
    return StatusError(400, "", f'admission webhook "{webhook}" denied the request: {problem}')


def invalid(kind: str, name: str, field: str, problem: str) -> StatusError:
    cause = {"reason": "FieldValueInvalid", "message": problem, "field": field}
    return StatusError(
        422,
        "Invalid",
        f'{kind} "{name}" is invalid: {field}: {problem}',
        name=name,
        kind=kind,
        causes=[cause],
    )


def bad_request(message: str) -> StatusError:
    return StatusError(400, "BadRequest", message)


def forbidden(user: str, verb: str, resource: str, group: str, namespace: str, name: str = "") -> StatusError:
    where = f' in the namespace "{namespace}"' if namespace else " at the cluster scope"
    kind, _, sub = resource.partition("/")
    shown = f"{kind}.{group}" if group else kind
    shown = f"{shown}/{sub}" if sub else shown
    shown = f'{shown} "{name}"' if name else shown
    what = f'cannot {verb} resource "{resource}" in API group "{group}"{where}'
    message = f'{shown} is forbidden: User "{user}" {what}'
    return StatusError(403, "Forbidden", message, name=name, kind=resource, group=group)

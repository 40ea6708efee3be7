"""Answers in the form that the client's Accept header asks for: JSON, YAML or protobuf; whole, as a Table, or
metadata only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml as yaml_text
from aiohttp import web

from pytest_odfperf.sandbox.api.formats import protobuf
from pytest_odfperf.sandbox.api.formats.tables import answer_table
from pytest_odfperf.sandbox.api.objects.resources import Resource
from pytest_odfperf.sandbox.api.objects.status import StatusError, bad_request

Obj = dict[str, Any]

JSON, YAML = "application/json", "application/yaml"
_META = "meta.k8s.io"
#: What can be asked for in the place of the object, by its versions.
_VIEWS = {
    "Table": ("v1", "v1beta1"),
    "PartialObjectMetadata": ("v1", "v1beta1"),
    "PartialObjectMetadataList": ("v1", "v1beta1"),
}


@dataclass(frozen=True, slots=True)
class Form:
    """``media`` is the encoding; ``view`` and ``version`` what is shown, empty: the object itself."""

    media: str = JSON
    view: str = ""
    version: str = "v1"


def form_of(
    accept: str, *, custom: bool = False, views: bool = True, yaml: bool = True, stream: bool = False
) -> Form:
    """The first form in ``accept`` that there is. Raises a 406 `StatusError`.

    ``custom``: the kind has no protobuf, but its metadata has. ``views``: there are Tables and the like.
    ``yaml``: there is YAML. ``stream``: of a watch.
    """
    media = [JSON, *((YAML,) if yaml and not stream else ()), protobuf.CONTENT_TYPE]
    whole = media[:-1] if custom else media
    readable = False
    binary: Form | None = None
    for entry in accept.split(",") if accept else ():
        kind, *parameters = (part.strip() for part in entry.split(";"))
        given = dict(parameter.partition("=")[::2] for parameter in parameters)
        if kind == "*/*" or (custom and kind == "application/*"):
            return Form()
        if kind not in media:
            continue
        readable = True
        view = given.get("as", "")
        if not view:
            if kind not in whole:
                continue
            found = Form(kind)
        elif views and given.get("g") == _META and given.get("v") in _VIEWS.get(view, ()):
            found = Form(kind, view, given["v"])
        else:
            continue
        if kind != protobuf.CONTENT_TYPE:
            return found
        # Not all kinds can be written so here: text goes before it.
        binary = binary or found
    if binary is not None or not accept:
        return binary or Form()
    shown = ", ".join(f"{name};stream=watch" if stream else name for name in whole)
    if readable or stream:
        raise StatusError(406, "NotAcceptable", f"only the following media types are accepted: {shown}")
    raise StatusError(406, "NotAcceptable", f"406: Not Acceptable\n\nAvailable representations: {shown}")


def error_form(accept: str) -> Form:
    """The form of a refusal: that of the header as far as it can be read, else JSON."""
    try:
        return Form(form_of(accept).media)
    except StatusError:
        return Form()


def shown_as(form: Form, resource: Resource, read: Obj, query: Mapping[str, str]) -> Obj:
    """An object or a collection in its form. Raises a 400 or 406 `StatusError`."""
    version = f"{_META}/{form.version}"
    if form.view == "Table":
        include = query.get("includeObject") or "Metadata"
        if include not in ("Metadata", "Object", "None"):
            problem = f"Invalid value: \"{include}\": must be 'Metadata', 'Object', 'None', or empty"
            raise bad_request(f"Unable to convert to Table as requested: includeObject: {problem}")
        return {**answer_table(resource, read, include), "apiVersion": version}
    if form.view == "PartialObjectMetadataList":
        if "items" not in read:
            told = f"you requested {form.view}, but the requested object is not a list (*{resource.kind})"
            raise StatusError(406, "NotAcceptable", told)
        items = [metadata_only(item, version) for item in read["items"]]
        return {"kind": form.view, "apiVersion": version, "metadata": read["metadata"], "items": items}
    if form.view == "PartialObjectMetadata":
        if "items" in read:
            told = f"you requested {form.view}, but the requested object is a list (*{resource.kind}List)"
            raise StatusError(406, "NotAcceptable", told)
        return metadata_only(read, version)
    return read


def metadata_only(obj: Obj, version: str = f"{_META}/v1") -> Obj:
    return {"kind": "PartialObjectMetadata", "apiVersion": version, "metadata": obj["metadata"]}


def answer(
    body: Obj, code: int = 200, warnings: Sequence[str] = (), form: Form | None = None
) -> web.Response:
    """The HTTP answer of an object."""
    media = JSON if form is None else form.media
    if media == YAML:
        content = yaml_text.safe_dump(body).encode()
    elif media == protobuf.CONTENT_TYPE:
        content = protobuf.encode(body)
    else:
        content = json.dumps(body, separators=(",", ":")).encode()
    found = web.Response(body=content, status=code, content_type=media)
    for warning in dict.fromkeys(warnings):
        found.headers.add("Warning", _warning_header(warning))
    return found


def _warning_header(text: str) -> str:
    """The value of a Warning header (RFC 7234 5.5, as k8s.io/apimachinery writes it)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'299 - "{escaped}"'

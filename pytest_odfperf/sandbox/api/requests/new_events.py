"""``events.k8s.io/v1``: another view of the core events, with some fields under other names."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from pytest_odfperf.sandbox.api.formats.answer_forms import answer, form_of, shown_as
from pytest_odfperf.sandbox.api.objects.object_store import Obj, Store
from pytest_odfperf.sandbox.api.objects.paths import Target
from pytest_odfperf.sandbox.api.objects.resources import BY_PATH
from pytest_odfperf.sandbox.api.objects.selectors import field_selector, label_selector
from pytest_odfperf.sandbox.api.objects.status import StatusError, bad_request
from pytest_odfperf.sandbox.api.requests.bodies import decode
from pytest_odfperf.sandbox.api.requests.handlers import create
from pytest_odfperf.sandbox.api.requests.reads import is_yes, read_list, read_one, whole_number
from pytest_odfperf.sandbox.api.requests.watching import Watch, check_query
from pytest_odfperf.sandbox.api.requests.writes import read_write

EVENTS = BY_PATH["events.k8s.io", "v1", "events"]
_CORE = BY_PATH["", "v1", "events"]
#: The core name of each field and its name here; all others are called the same.
_NAMES = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
_CORE_NAMES = {new: core for core, new in _NAMES.items()}


def _renamed(event: Obj, names: dict[str, str], version: str) -> Obj:
    return {**{names.get(name, name): value for name, value in event.items()}, "apiVersion": version}


def as_new(event: Obj) -> Obj:
    """A core event as this API shows it."""
    return _renamed(event, _NAMES, EVENTS.api_version)


async def new_events(
    request: web.Request, store: Store, target: Target, query: dict[str, str]
) -> web.StreamResponse:
    """Answer a request: read, list, watch, create. Raises `StatusError`."""
    core = Target(resource=_CORE, namespace=target.namespace, name=target.name, sub="")
    if request.method == "POST" and not target.name:
        return await _create(request, store, core, query)
    if request.method != "GET":
        raise StatusError(
            405, "MethodNotAllowed", "the server does not allow this method on the requested resource"
        )
    watched = not target.name and is_yes(query, "watch")
    form = form_of(request.headers.get("Accept", ""), stream=watched)
    selector = query.get("fieldSelector", "")
    if "involvedObject." in selector:
        raise bad_request(f"field label not supported: {re.split('!?=', selector)[0]}")
    if selector:
        query["fieldSelector"] = selector.replace("regarding.", "involvedObject.")
    if not watched:
        read: dict[str, Any] = read_one(store, core, query) if target.name else read_list(store, core, query)
        if form.view:
            return answer(shown_as(form, _CORE, read, query), form=form)
        if not target.name:
            read |= {"apiVersion": EVENTS.api_version, "items": [as_new(event) for event in read["items"]]}
        return answer(as_new(read) if target.name else read, form=form)
    check_query(query)
    labels = label_selector(query.get("labelSelector", ""))
    fields = field_selector(query.get("fieldSelector", ""), _CORE)
    watch = Watch(store, _CORE, core.namespace, lambda event: labels(event) and fields(event))
    watch.include = query.get("includeObject", "Metadata") if form.view == "Table" else None
    watch.shown = as_new
    return await watch.stream(request, query, whole_number(query, "timeoutSeconds"))


async def _create(request: web.Request, store: Store, core: Target, query: dict[str, str]) -> web.Response:
    given = decode(await request.read(), request.content_type)
    if not isinstance(given, dict) or given.get("apiVersion", EVENTS.api_version) != EVENTS.api_version:
        raise bad_request(f"the body of the request is no Event of {EVENTS.api_version}")
    write = read_write(query, request.headers.get("User-Agent", ""))
    renamed = _renamed(given, _CORE_NAMES, _CORE.api_version)
    event = create(store, core, renamed, write, rules="NewEvent")
    return answer(as_new(event), 201, write.warnings)

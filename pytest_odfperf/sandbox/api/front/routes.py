"""What a request wants, whether its user may, and who answers it."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from pytest_odfperf.sandbox.api.access.rbac import Action, User, is_allowed
from pytest_odfperf.sandbox.api.access.tokens import CONTROLLERS, Tokens
from pytest_odfperf.sandbox.api.admission.virt_api import check_webhooks, is_away
from pytest_odfperf.sandbox.api.admission.webhooks import call_webhooks
from pytest_odfperf.sandbox.api.formats.answer_forms import answer, form_of, metadata_only, shown_as
from pytest_odfperf.sandbox.api.front.discovery import discovery
from pytest_odfperf.sandbox.api.front.openapi import openapi_v2, openapi_v3
from pytest_odfperf.sandbox.api.objects.object_store import Store
from pytest_odfperf.sandbox.api.objects.paths import SUBRESOURCES, Place, Target, place_of, target_of
from pytest_odfperf.sandbox.api.objects.selectors import field_selector, label_selector, named_by
from pytest_odfperf.sandbox.api.objects.status import (
    StatusError,
    bad_request,
    forbidden,
    no_such_path,
    not_allowed,
    not_served,
)
from pytest_odfperf.sandbox.api.requests.access_reviews import review
from pytest_odfperf.sandbox.api.requests.bodies import check_duplicates, decode
from pytest_odfperf.sandbox.api.requests.children import CREATED, create_below
from pytest_odfperf.sandbox.api.requests.handlers import create, update
from pytest_odfperf.sandbox.api.requests.new_events import EVENTS, new_events
from pytest_odfperf.sandbox.api.requests.passed_on.pod_exec import Kubelet, pod_exec
from pytest_odfperf.sandbox.api.requests.passed_on.service_proxy import is_proxy, service_proxy
from pytest_odfperf.sandbox.api.requests.patches import patch
from pytest_odfperf.sandbox.api.requests.pod_log import pod_log
from pytest_odfperf.sandbox.api.requests.reads import is_yes, read_list, read_one, whole_number
from pytest_odfperf.sandbox.api.requests.removals import remove, remove_collection
from pytest_odfperf.sandbox.api.requests.subresources import kubevirt
from pytest_odfperf.sandbox.api.requests.watching import Watch, check_query
from pytest_odfperf.sandbox.api.requests.writes import read_write
from pytest_odfperf.sandbox.api.shapes.patch import APPLY
from pytest_odfperf.sandbox.config.trouble_rules import Webhook

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "GET": "get", "HEAD": "get"}
_HEALTH = ("/healthz", "/livez", "/readyz", "/healthz/etcd", "/healthz/ping", "/readyz/ping", "/livez/ping")
#: The methods of a collection, of an object, and of a part of one.
_COLLECTION, _OBJECT = ("GET", "POST", "DELETE"), ("GET", "PUT", "PATCH", "DELETE")
_PART = ("GET", "PUT", "PATCH")


class Routes:
    """Answers requests whose users are known."""

    def __init__(
        self,
        store: Store,
        tokens: Tokens,
        logs: Path,
        webhooks: Sequence[Webhook],
        requests: Counter[tuple[str, str, str]],
        kubelet: Kubelet | None = None,
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._logs = logs
        self._webhooks = webhooks
        self._requests = requests
        self._kubelet = kubelet

    async def answer(self, request: web.Request, user: User) -> web.StreamResponse:
        """Raises `StatusError`."""
        query = dict(request.query)
        place = place_of(request.path)
        if place is None:
            return self._document(request, user)
        action = _action(request.method, place, query)
        self._requests[user.name, action.verb, action.resource] += 1
        if not is_allowed(self._store, user, action):
            raise forbidden(
                user.name, action.verb, action.resource, action.group, place.namespace, place.name
            )
        if is_proxy(place) and request.method == "GET":
            return await service_proxy(place, self._logs)
        target = target_of(place)
        if target.kubevirt:
            if is_away(self._store):
                return web.Response(status=503, text="service unavailable\n")
            options = decode(await request.read(), request.content_type)
            return await kubevirt(request, self._store, target, options if isinstance(options, dict) else {})
        if target.resource.plural == "pods" and target.sub == "log" and request.method == "GET":
            return pod_log(self._store, target, query, self._logs)
        if target.resource.plural == "pods" and target.sub == "exec" and request.method in ("GET", "POST"):
            return await pod_exec(request, self._store, target, self._kubelet)
        _check_method(request.method, target)
        if target.resource is EVENTS:
            return await new_events(request, self._store, target, query)
        if request.method == "GET":
            return await self._read(request, target, query)
        return await self._write(request, target, query, user)

    def _document(self, request: web.Request, user: User) -> web.Response:
        """An answer that is about no resource."""
        path, method = request.path, request.method
        action = Action(verb=_VERBS.get(method, method.lower()), group="", resource="", path=path)
        if not is_allowed(self._store, user, action):
            message = f'forbidden: User "{user.name}" cannot {action.verb} path "{path}"'
            raise StatusError(403, "Forbidden", message)
        if path in _HEALTH:
            return web.Response(text="ok")
        if path == "/openapi/v2":
            content, content_type = openapi_v2(request.headers.get("Accept", ""))
            return web.Response(body=content, headers={"Content-Type": content_type})
        document = openapi_v3(path) if path.startswith("/openapi/v3") else discovery(path)
        if document is None:
            if path.rstrip("/") == "/api/v1" or path.startswith("/api/"):
                raise no_such_path()
            raise not_served()
        if method != "GET" and path not in ("/", "/apis"):
            raise not_allowed()
        if path.startswith(("/api", "/apis", "/version")):
            accept = request.headers.get("Accept", "")
            if path.startswith("/version"):
                accept = accept.partition(";")[0]
            custom = path.startswith("/version")
            return answer(document, form=form_of(_plain(accept), custom=custom, yaml=not custom, views=False))
        return answer(document)

    async def _read(self, request: web.Request, target: Target, query: dict[str, str]) -> web.StreamResponse:
        store, resource = self._store, target.resource
        watched = is_yes(query, "watch") and not target.name
        form = form_of(request.headers.get("Accept", ""), custom=resource.custom, stream=watched)
        whole_number(query, "timeoutSeconds")
        if not watched:
            read = read_one(store, target, query) if target.name else read_list(store, target, query)
            return answer(shown_as(form, resource, read, query), form=form)
        check_query(query)
        labels = label_selector(query.get("labelSelector", ""))
        fields = field_selector(query.get("fieldSelector", ""), resource)
        watch = Watch(store, resource, target.namespace, lambda obj: labels(obj) and fields(obj))
        watch.include = query.get("includeObject", "Metadata") if form.view == "Table" else None
        if form.view.startswith("Partial"):
            watch.shown = metadata_only
        return await watch.stream(request, query, whole_number(query, "timeoutSeconds"))

    async def _write(
        self, request: web.Request, target: Target, query: dict[str, str], user: User
    ) -> web.StreamResponse:
        store, method, resource = self._store, request.method, target.resource
        form = form_of(request.headers.get("Accept", ""), custom=resource.custom)
        body = await request.read()
        if method != "DELETE" and user is not CONTROLLERS:
            check_webhooks(store, target)
        if method == "DELETE":
            options = decode(body, request.content_type)
            done = remove if target.name else remove_collection
            return answer(done(store, target, options, query), form=form)
        patched, applied = method == "PATCH", request.content_type == APPLY
        agent = request.headers.get("User-Agent", "")
        write = read_write(query, agent, user, apply=applied, patch=patched)
        if patched:
            code, obj = patch(store, target, body, request.content_type, write)
            return answer(shown_as(form, resource, obj, query), code, write.warnings, form)
        if not body:
            told = "couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)"
            raise bad_request(
                f"the object provided is unrecognized (must be of type {resource.kind}): {told}"
            )
        decoded = decode(body, request.content_type)
        if body[:1] == b"{" and write.validation == "Strict" and request.content_type.endswith("json"):
            check_duplicates(body, resource.kind)
        if target.sub and method == "POST":
            return answer(create_below(store, target, decoded, write, self._issue), 201, form=form)
        if resource.review:
            return answer(review(store, self._tokens, user, target, decoded), 201, form=form)
        if method == "POST":
            call_webhooks(self._webhooks, target, decoded)
            code, obj = 201, create(store, target, decoded, write)
        else:
            code, obj = update(store, target, decoded, write)
        return answer(shown_as(form, resource, obj, query), code, write.warnings, form)

    def _issue(self, name: str, seconds: float) -> str:
        return self._tokens.issue(name, seconds).token


def _plain(accept: str) -> str:
    """Discovery of all groups at once is not served; who takes plain documents too gets those."""
    entries = [entry for entry in accept.split(",") if "apidiscovery.k8s.io" not in entry]
    return ",".join(entries) if entries or not accept else accept


def _check_method(method: str, target: Target) -> None:
    """Raises a 404 or 405 `StatusError` for what can not be done with a target."""
    resource = target.resource
    if target.sub:
        made = (resource.plural, target.sub) in CREATED
        if not made and (target.sub != "status" or not resource.status):
            raise no_such_path()
        allowed: Sequence[str] = ("POST",) if made else _PART
    elif target.name:
        allowed = _OBJECT
    elif resource.namespaced and not target.namespace:
        # Nothing is made or removed in all namespaces at once. Groups of CRDs do not know such a path.
        allowed = ("GET",)
        if resource.custom and method in ("POST", "DELETE"):
            raise not_served()
    else:
        allowed = _COLLECTION if resource.deletes_all else _COLLECTION[:2]
    if resource.review:
        if target.name:
            raise no_such_path()
        allowed = ("POST",)
    elif resource.read_only:
        allowed = ("GET",)
    if method not in allowed:
        raise not_allowed()


def _action(method: str, place: Place, query: Mapping[str, str]) -> Action:
    """What a request wants, in RBAC's words."""
    name, sub = place.name, place.sub
    verb = _VERBS.get(method, "")
    if place.group == SUBRESOURCES:
        sub = sub.partition("/")[0]
        verb = "get" if method == "GET" else "update"
    elif is_proxy(place):
        sub = "proxy"
    elif method == "DELETE":
        verb = "delete" if name else "deletecollection"
    elif verb == "get" and not name:
        verb = "watch" if is_yes(query, "watch") else "list"
    if not name and verb in ("list", "watch"):
        # Who may see one object by its name may ask a collection for it.
        name = named_by(query.get("fieldSelector", ""))
    resource = f"{place.plural}/{sub}" if sub else place.plural
    # A Role may grant the rights on its own namespace: the request is then one in that namespace.
    namespace = place.name if place.plural == "namespaces" else place.namespace
    return Action(verb=verb, group=place.group, resource=resource, namespace=namespace, name=name)


async def described(request: web.Request) -> Action:
    """The action of any request, for the rules of faults: a new object's name is in its body."""
    place = place_of(request.path)
    if place is None:
        return Action(verb="get", group="", resource="")
    action = _action(request.method, place, request.query)
    if action.verb != "create" or action.name:
        return action
    with contextlib.suppress(ValueError, LookupError, TypeError):
        name = str(json.loads(await request.read())["metadata"]["name"])
        return replace(action, name=name)
    return action

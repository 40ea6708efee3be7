"""Whom a request speaks for (``kubectl --as``), and whether its sender may (as kube-apiserver does)."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from multidict import CIMultiDictProxy

from pytest_odfperf.sandbox.api.access.rbac import Action, User, is_allowed
from pytest_odfperf.sandbox.api.objects.object_store import Store
from pytest_odfperf.sandbox.api.objects.status import bad_request, forbidden

_USER, _UID, _GROUP, _EXTRA = "impersonate-user", "impersonate-uid", "impersonate-group", "impersonate-extra-"
_AUTHENTICATION = "authentication.k8s.io"
_SERVICE_ACCOUNT = "system:serviceaccount:"
_ALL, _NOBODY, _ANONYMOUS = "system:authenticated", "system:unauthenticated", "system:anonymous"


def impersonated(store: Store, user: User, headers: CIMultiDictProxy[str]) -> User:
    """Whom ``user`` speaks for; ``user`` itself without any of the headers.

    Raises a 400 `StatusError` for groups and the like without a user, and a 403 one without the right to any
    of what is asked for. A service account gets its groups if none is named, everybody but
    ``system:anonymous`` is ``system:authenticated``.
    """
    wanted = list(_wanted(headers))
    name = headers.get(_USER, "")
    if wanted and not name:
        asked = " ".join(f"{{{one.resource} {one.name}}}" for one in wanted)
        raise bad_request(f"requested [{asked}] without impersonating a user")
    for action in wanted:
        if not is_allowed(store, user, action):
            raise forbidden(
                user.name, action.verb, action.resource, action.group, action.namespace, action.name
            )
    if not name:
        return user
    groups = list(headers.getall(_GROUP, []))
    if (account := _account(name)) is not None and not groups:
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{account[0]}"]
    if name == _ANONYMOUS:
        groups += [] if _NOBODY in groups else [_NOBODY]
    elif not {_ALL, _NOBODY} & set(groups):
        groups.append(_ALL)
    return User(name, tuple(groups))


def _wanted(headers: CIMultiDictProxy[str]) -> Iterator[Action]:
    """All that must be allowed to take the user, groups, uid and extras that the headers name."""
    if name := headers.get(_USER, ""):
        if (account := _account(name)) is not None:
            yield Action(
                verb="impersonate",
                group="",
                resource="serviceaccounts",
                namespace=account[0],
                name=account[1],
            )
        else:
            yield Action(verb="impersonate", group="", resource="users", name=name)
    for group in headers.getall(_GROUP, []):
        yield Action(verb="impersonate", group="", resource="groups", name=group)
    for header, value in headers.items():
        if header.lower().startswith(_EXTRA):
            key = unquote(header.lower().removeprefix(_EXTRA))
            yield Action(verb="impersonate", group=_AUTHENTICATION, resource=f"userextras/{key}", name=value)
    if uid := headers.get(_UID, ""):
        yield Action(verb="impersonate", group=_AUTHENTICATION, resource="uids", name=uid)


def _account(name: str) -> tuple[str, str] | None:
    """Namespace and name of a service account; None for another user."""
    namespace, _, account = name.removeprefix(_SERVICE_ACCOUNT).partition(":")
    if not name.startswith(_SERVICE_ACCOUNT) or not namespace or not account or ":" in account:
        return None
    return namespace, account

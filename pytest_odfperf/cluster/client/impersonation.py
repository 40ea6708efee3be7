"""Whom a kubeconfig's user speaks for (``as``, ``as-groups``, ``as-uid``, ``as-user-extra``).

The official client reads none of these fields, and its own default headers can not repeat a name, as that of
several groups must be. So each request gets the headers where it leaves the client. Names and escapes:
client-go, ``transport/round_trippers.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

USER, UID, GROUP, EXTRA = "Impersonate-User", "Impersonate-Uid", "Impersonate-Group", "Impersonate-Extra-"

#: The bytes of a header's name (RFC 9110 section 5.6.2), but for the sign that escapes the others.
_PLAIN = frozenset(b"!#$&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

#: Names and values in the order in which they are sent; a name may be there more than once.
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Impersonation:
    """Whom to speak for; an empty ``user`` is nobody but oneself."""

    user: str = ""
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Impersonation:
        """The fields of a user of a kubeconfig. Raises `ValueError` with the field and what it must be."""
        user, uid = _text(entry, "as"), _text(entry, "as-uid")
        groups = _texts(entry.get("as-groups"), "as-groups is not a list of texts")
        wanted = "as-user-extra is not a mapping of names to lists of texts"
        named = entry.get("as-user-extra")
        if not isinstance(named, Mapping | None) or not all(isinstance(name, str) for name in named or ()):
            raise ValueError(wanted)
        extra = [(name, one) for name, values in (named or {}).items() for one in _texts(values, wanted)]
        if not user and (uid or groups or extra):
            raise ValueError("as-uid, as-groups and as-user-extra say nothing without as: the user's name")
        for name, value in (("as", user), ("as-uid", uid), *(("as-groups", one) for one in groups), *extra):
            if not value.isprintable():
                raise ValueError(f"{value!r:.60} of {name} can not be sent in a header")
        return cls(user, groups, uid, tuple(extra))

    @property
    def headers(self) -> Headers:
        """What is sent with each request."""
        if not self.user:
            return ()
        return (
            (USER, self.user),
            *(((UID, self.uid),) if self.uid else ()),
            *((GROUP, group) for group in self.groups),
            *((EXTRA + _escaped(name), value) for name, value in self.extra),
        )

    def __str__(self) -> str:
        return self.user


def impersonate(rest_client: Any, headers: Headers) -> None:
    """Send ``headers`` with all that the client's ``rest_client`` sends."""
    if not headers:
        return
    from urllib3._collections import HTTPHeaderDict  # in each version of urllib3

    send: Callable[..., Any] = rest_client.pool_manager.request

    def request(*arguments: Any, headers: Mapping[str, str] | None = None, **options: Any) -> Any:
        together = HTTPHeaderDict(headers or {})
        for name, value in own:
            together.add(name, value)
        return send(*arguments, headers=together, **options)

    # The HTTP library encodes headers as Latin-1; the API server reads UTF-8.
    own = [(name, value.encode().decode("latin-1")) for name, value in headers]
    rest_client.pool_manager.request = request


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str | None):
        raise ValueError(f"{name} is not a text")
    return value or ""


def _texts(value: object, wanted: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError(wanted)
    return tuple(value)


def _escaped(name: str) -> str:
    # The server would make it lower-case too, before it takes the escapes away.
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in name.encode().lower())

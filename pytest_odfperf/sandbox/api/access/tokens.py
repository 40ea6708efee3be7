"""Bearer tokens: those of the start, and those that an administrator issues for a time."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pytest_odfperf.sandbox.api.access.rbac import ADMIN, User, user_named

#: The user of every kubeconfig that the sandbox writes.
ADMIN_USER = User("admin", (ADMIN, "system:authenticated"))
#: The sandbox's own reconcilers, which no fault hits.
CONTROLLERS = User("system:sandbox-controllers", (ADMIN, "system:authenticated"))


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token; ``expires`` is RFC 3339, None: never."""

    token: str
    expires: str | None


class Tokens:
    """Which tokens are good now. Open watches and tunnels outlive their token, as with a real server."""

    def __init__(self, users: Mapping[str, User]) -> None:
        self._users = dict(users)
        self._ends_s: dict[str, float] = {}

    def valid(self) -> Mapping[str, User]:
        """Token to user."""
        now_s = time.monotonic()
        for token in [token for token, end_s in self._ends_s.items() if end_s <= now_s]:
            self._drop(token)
        return self._users

    def issue(self, user: str, lifetime_s: float | None) -> Issued:
        token = secrets.token_urlsafe(24)
        self._users[token] = ADMIN_USER if user == ADMIN_USER.name else user_named(user)
        if lifetime_s is None:
            return Issued(token, None)
        self._ends_s[token] = time.monotonic() + lifetime_s
        return Issued(token, f"{datetime.now(UTC) + timedelta(seconds=lifetime_s):%Y-%m-%dT%H:%M:%SZ}")

    def revoke(self, *, token: str = "", user: str = "") -> int:
        """Revoke one token, or all of a user; how many there were."""
        gone = [one for one, owner in self._users.items() if one == token or owner.name == user]
        for one in gone:
            self._drop(one)
        return len(gone)

    def _drop(self, token: str) -> None:
        self._users.pop(token, None)
        self._ends_s.pop(token, None)

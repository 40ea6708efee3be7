"""What a guest takes from its cloud-init user data."""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

GUEST_SCRIPT = "/usr/local/sbin/odfperf-guest"
GUEST_CONF = "/etc/odfperf/guest.conf"
JOB_FILE = "/etc/odfperf/job.fio"
_VARIABLE = re.compile(r"([A-Z_]+)=[\"']?([^\"']*)[\"']?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserData:
    #: Authorized keys by user, as lines of authorized_keys.
    authorized_keys: Mapping[str, tuple[str, ...]]
    #: Users that may use sudo without a password.
    sudoers: frozenset[str]
    #: The host key as OpenSSH writes it; None: the guest makes its own.
    host_key: str | None
    files: Mapping[str, bytes]

    @property
    def guest_conf(self) -> dict[str, str]:
        """The shell variables of guest.conf."""
        lines = self.files.get(GUEST_CONF, b"").decode("utf-8", "replace").splitlines()
        found = (_VARIABLE.fullmatch(line.strip()) for line in lines)
        return {match[1]: match[2] for match in found if match}


#: libyaml's, where there is one.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _content(entry: Mapping[str, Any]) -> bytes:
    content = entry.get("content", "")
    raw = content if isinstance(content, bytes) else str(content).encode()
    encoding = str(entry.get("encoding", "text/plain"))
    if encoding in ("b64", "base64", "gz+b64", "gzip+base64", "gz+base64", "gzip+b64"):
        raw = base64.b64decode(raw)
    return gzip.decompress(raw) if encoding.startswith("gz") else raw


def read_user_data(raw: bytes) -> UserData:
    """As cloud-init does it: what is not ``#cloud-config`` or not YAML configures nothing."""
    document: Any = None
    if raw.startswith(b"#cloud-config"):
        try:
            document = yaml.load(raw, _LOADER)  # noqa: S506 - a safe loader
        except yaml.YAMLError:
            document = None
    config: Mapping[str, Any] = document if isinstance(document, dict) else {}
    users = [user for user in config.get("users") or [] if isinstance(user, dict) and user.get("name")]
    keys = config.get("ssh_keys") or {}
    return UserData(
        authorized_keys={
            str(user["name"]): tuple(str(key) for key in user.get("ssh_authorized_keys") or [])
            for user in users
        },
        sudoers=frozenset(str(user["name"]) for user in users if "NOPASSWD" in str(user.get("sudo"))),
        host_key=keys.get("ed25519_private") if isinstance(keys, dict) else None,
        files={
            str(entry["path"]): _content(entry)
            for entry in config.get("write_files") or []
            if isinstance(entry, dict) and "path" in entry
        },
    )

"""Which context, cluster and user of one or more kubeconfigs hold, as kubectl reads them.

The official client reads them too, and takes another context, other folders and other tokens at times: see
`Entries.plain`. Rules: client-go, ``tools/clientcmd/loader.go`` and ``validation.go``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_odfperf.errors import ClusterError

_LARGEST_BYTES = 16 << 20
#: Fields that name a file; a relative path counts from the folder of the kubeconfig that has it.
_PATHS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
_LISTS = (("clusters", "cluster"), ("users", "user"), ("contexts", "context"))


class KubeconfigError(ClusterError):
    """What is wrong with a kubeconfig; says the file and the place in it."""


@dataclass(frozen=True, slots=True)
class Entries:
    """The context that holds, its cluster and its user, without empty fields and with absolute paths."""

    context: str
    cluster_name: str
    cluster: Mapping[str, Any]
    user_name: str
    user: Mapping[str, Any]

    @property
    def logs_in_by_file(self) -> bool:
        """Whether the client must have the file itself, in which it writes what a login gave."""
        return "auth-provider" in self.user

    def plain(self, token: str | None) -> dict[str, Any]:
        """A kubeconfig of these entries alone, which the client can not read in another way.

        ``token`` in place of a token and a token file.
        """
        user = {name: value for name, value in self.user.items() if name not in ("token", "tokenFile")}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": self.context,
            "contexts": [
                {"name": self.context, "context": {"cluster": self.cluster_name, "user": self.user_name}}
            ],
            "clusters": [{"name": self.cluster_name, "cluster": dict(self.cluster)}],
            "users": [{"name": self.user_name, "user": {**user, "token": token} if token else user}],
        }


def read_entries(places: str, context: str | None) -> Entries | None:
    """The entries of the files ``places`` (as in $KUBECONFIG) that hold. Raises `KubeconfigError`.

    The first file that has a value or a name wins, the whole entry of that name. Files that are not there are
    passed over; None if none is there.
    """
    named: dict[str, dict[str, dict[str, Any]]] = {plural: {} for plural, _ in _LISTS}
    current, read, empty = context, [], 0
    for place in dict.fromkeys(places.split(os.pathsep)):
        if place and (content := _read(place)) is not None:
            read.append(place)
            empty += not content
            _collect(place, content, named)
            here = content.get("current-context")
            if not isinstance(here, str | None):
                raise KubeconfigError(f"{place}: current-context is not a text")
            current = current or here
    if not read:
        return None
    if empty == len(read):
        raise KubeconfigError(f"{places}: the file is empty")
    if not current:
        raise KubeconfigError(f"{places}: has no current-context, and none is named")
    used = _find(named, "contexts", current, places)
    cluster, user = used.get("cluster"), used.get("user")
    for what, name in (("cluster", cluster), ("user", user)):
        if not isinstance(name, str) or not name:
            raise KubeconfigError(f"{places}: context {current!r:.60} names no {what}")
    return Entries(
        current,
        str(cluster),
        _find(named, "clusters", str(cluster), places),
        str(user),
        _find(named, "users", str(user), places),
    )


def _find(
    named: Mapping[str, Mapping[str, dict[str, Any]]], plural: str, name: str, places: str
) -> dict[str, Any]:
    if name not in named[plural]:
        known = ", ".join(sorted(named[plural])) or "none"
        raise KubeconfigError(f"{places}: there is no {plural[:-1]} {name!r:.60} (there: {known:.200})")
    return named[plural][name]


def _read(place: str) -> dict[str, Any] | None:
    """The mapping of one file, None if there is no file. Raises `KubeconfigError`."""
    import yaml

    try:
        file = Path(place).expanduser()
        found = file.stat()
        # Opening a FIFO would wait for its writer.
        if not stat.S_ISREG(found.st_mode):
            raise KubeconfigError(f"{place}: is not a file")
        if found.st_size > _LARGEST_BYTES:
            raise KubeconfigError(f"{place}: is larger than {_LARGEST_BYTES >> 20} MiB")
        content = yaml.safe_load(file.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KubeconfigError(f"{place}: can not be read: {error.strerror or error}") from error
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise KubeconfigError(f"{place}{line}: is not YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        raise KubeconfigError(f"{place}: is not YAML: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise KubeconfigError(f"{place}: is not a kubeconfig (a mapping with clusters, users and contexts)")
    return content


def _collect(place: str, content: dict[str, Any], named: dict[str, dict[str, dict[str, Any]]]) -> None:
    """Add the entries of one file; of two files with one name the first holds."""
    for plural, singular in _LISTS:
        entries = content.get(plural)
        if entries is not None and not isinstance(entries, list):
            raise KubeconfigError(f"{place}: {plural} is not a list")
        here: set[str] = set()
        for number, entry in enumerate(entries or ()):
            name = entry.get("name") if isinstance(entry, dict) else None
            if not isinstance(name, str):
                raise KubeconfigError(f"{place}: {plural}[{number}] has no name")
            if name in here:
                raise KubeconfigError(f"{place}: {singular} {name!r:.60} is there twice")
            here.add(name)
            inside = entry.get(singular)
            if not isinstance(inside, dict | None):
                raise KubeconfigError(f"{place}: {singular} {name!r:.60} is not a mapping")
            named[plural].setdefault(name, _settled(inside or {}, Path(place).expanduser().absolute().parent))


def _settled(entry: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """``entry`` without its empty fields, its paths absolute; what is not a text stays as it is."""
    settled = {name: value for name, value in entry.items() if value not in (None, "")}
    for name in _PATHS:
        if isinstance(value := settled.get(name), str):
            settled[name] = str(folder / value)
    if isinstance(run := settled.get("exec"), Mapping):
        command = run.get("command")
        # A plain name is looked for in $PATH.
        if isinstance(command, str) and os.sep in command:
            settled["exec"] = {**run, "command": str(folder / command)}
    return settled

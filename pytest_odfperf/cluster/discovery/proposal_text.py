"""A proposal as YAML. Texts of the cluster are quoted where they are values, and made harmless where not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_odfperf.cluster.discovery.proposed_pool import Proposal, ProposedPool, Setting
from pytest_odfperf.errors import one_line

#: Of a comment; what is longer was not made for people.
_LONGEST = 300
#: Words of our own that need no quotes.
_PLAIN = frozenset({"Block", "Filesystem", "CephBlockPool", "CephFilesystem", "ReadWriteMany"})
_KEY = re.compile(r"[a-z_]{1,40}", re.ASCII)


def proposal_text(proposal: Proposal) -> str:
    """ASCII only, so that it comes through any terminal and redirection."""
    lines = [*_comments(proposal.remarks), f"extends: {_scalar(proposal.extends)}", "", "pools:"]
    for pool in proposal.proposed:
        lines += ["", *_pool(pool)]
    if proposal.guest:
        lines += ["", "guest:", *(f"  {line}" for line in _settings(proposal.guest))]
    if proposal.left_out:
        lines += ["", "# Left out. Who wants one all the same moves it up to the others, without the #."]
        for pool in proposal.left_out:
            lines += ["#", *_comments([f"{_of(pool)} is left out: {pool.left_out}"])]
            lines += [f"# {line}" for line in _pool(pool)]
    return "\n".join(lines) + "\n"


def _of(pool: ProposedPool) -> str:
    return f"StorageClass {pool.settings['storage_class'].value}"


def _pool(pool: ProposedPool) -> Iterator[str]:
    yield from (f"  {line}" for line in _comments(pool.remarks))
    for number, line in enumerate(_settings(pool.settings)):
        yield f"  {'- ' if number == 0 else '  '}{line}"


def _settings(settings: Mapping[str, Setting]) -> Iterator[str]:
    for name, setting in settings.items():
        comment = f"  # {_harmless(setting.comment)}" if setting.comment else ""
        yield f"{name}: {_flow(setting.value)}{comment}"


def _comments(lines: Any) -> list[str]:
    return [f"# {_harmless(line)}" for line in lines]


def _harmless(text: str) -> str:
    return one_line(text, _LONGEST).encode("ascii", "backslashreplace").decode()


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(name)}: {_flow(item)}" for name, item in value.items()) + "}"
    return _scalar(value)


def _key(name: str) -> str:
    return name if _KEY.fullmatch(name) else _scalar(name)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}" if abs(value) < 1e6 else f"{value:.0f}"
    if value in _PLAIN:
        return str(value)
    import yaml

    # Of a text in double quotes YAML breaks lines at spaces unless they may be of any length.
    quoted: str = yaml.safe_dump(str(value), default_style='"', width=float("inf"), allow_unicode=False)
    return quoted.rstrip("\n")

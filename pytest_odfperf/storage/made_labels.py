"""How an object of storage is known to be of the plugin's making.

Such objects outlive the run that made them, so they carry no run id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_odfperf.vm.labels import MANAGED_BY, MANAGER, POOL

SELECTOR = f"{MANAGED_BY}={MANAGER}"
#: An annotation: ``user@host`` of who made it.
MADE_BY = "odfperf/made-by"


def made_labels(pool: str) -> dict[str, str]:
    """The labels of what is made for ``pool`` of a matrix."""
    return {MANAGED_BY: MANAGER, POOL: pool}


def is_ours(found: Mapping[str, Any]) -> bool:
    """Whether an object of storage carries the plugin's label."""
    return _metadata(found, "labels").get(MANAGED_BY) == MANAGER


def pool_of(found: Mapping[str, Any]) -> str:
    """The pool that it was made for; empty if nobody knows."""
    return str(_metadata(found, "labels").get(POOL, ""))


def maker_of(found: Mapping[str, Any]) -> str:
    """Who made it, in a message."""
    return str(_metadata(found, "annotations").get(MADE_BY, "") or "somebody")[:100]


def is_made_by(found: Mapping[str, Any], account: str) -> bool:
    """Whether ``account`` made it, as far as anybody knows: what says no maker is nobody else's."""
    return str(_metadata(found, "annotations").get(MADE_BY, account)) == account


def _metadata(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = (found.get("metadata") or {}).get(name)
    return value if isinstance(value, dict) else {}

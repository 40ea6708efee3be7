"""What the query of a write says about how it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_odfperf.sandbox.api.access.rbac import User
from pytest_odfperf.sandbox.api.access.tokens import ADMIN_USER
from pytest_odfperf.sandbox.api.objects.status import StatusError, cause
from pytest_odfperf.sandbox.api.requests.reads import is_yes

_LONGEST_MANAGER = 128


@dataclass(slots=True, kw_only=True)
class Write:
    """``manager`` is who the written fields belong to; ``warnings`` are for the answer's headers."""

    dry_run: bool = False
    #: Strict, Warn or Ignore.
    validation: str = "Warn"
    manager: str = "unknown"
    #: Server-side apply: take fields from other managers.
    force: bool = False
    warnings: list[str] = field(default_factory=list)
    #: Who writes.
    user: User = ADMIN_USER


def read_write(
    query: Mapping[str, str],
    user_agent: str,
    user: User = ADMIN_USER,
    *,
    apply: bool = False,
    patch: bool = False,
) -> Write:
    """The `Write` of a request. Raises a 422 `StatusError`."""
    dry_run = query.get("dryRun")
    if dry_run not in (None, "All"):
        raise _unsupported("dryRun", dry_run, '"All"')
    validation = query.get("fieldValidation") or "Warn"
    if validation not in ("Strict", "Warn", "Ignore"):
        raise _unsupported("fieldValidation", validation, '"", "Ignore", "Strict", "Warn"')
    manager = query.get("fieldManager", "")
    if len(manager) > _LONGEST_MANAGER or not manager.isprintable():
        problem = f"may not be longer than {_LONGEST_MANAGER} and must be printable"
        raise _options("fieldManager", "FieldValueTooLong", f"Invalid value: {manager!r}: {problem}")
    if apply and not manager:
        raise _options("fieldManager", "FieldValueRequired", "Required value: is required for apply patch")
    if query.get("force") is not None and patch and not apply:
        raise _options("force", "FieldValueForbidden", "Forbidden: may not be specified for non-apply patch")
    return Write(
        dry_run=dry_run == "All",
        validation=validation,
        manager=manager or user_agent.partition("/")[0][:_LONGEST_MANAGER] or "unknown",
        force=is_yes(query, "force"),
        user=user,
    )


def is_dry_run(query: Mapping[str, str], options: Mapping[str, Any]) -> bool:
    """Whether a deletion is only rehearsed; its options may say so in the query and in the body."""
    asked = options.get("dryRun") or ([query["dryRun"]] if query.get("dryRun") else [])
    if not asked:
        return False
    if asked != ["All"]:
        raise _unsupported("dryRun", str(asked), '"All"')
    return True


def _unsupported(field_name: str, value: str | None, known: str) -> StatusError:
    problem = f'Unsupported value: "{value}": supported values: {known}'
    return _options(field_name, "FieldValueNotSupported", problem)


def _options(field_name: str, reason: str, problem: str) -> StatusError:
    message = f"meta.k8s.io options are invalid: {field_name}: {problem}"
    return StatusError(422, "Invalid", message, causes=[cause(reason, field_name, problem)])

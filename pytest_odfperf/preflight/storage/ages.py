"""How old an object is, by the API server's clock."""

from __future__ import annotations

from datetime import UTC, datetime


def age_s(moment: object, now: datetime | None) -> float | None:
    """Seconds since ``moment``, as objects of the API have it; None if either is not known."""
    if now is None or not isinstance(moment, str):
        return None
    try:
        began = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    except ValueError:
        return None
    return (now - (began if began.tzinfo else began.replace(tzinfo=UTC))).total_seconds()


def minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min"

"""The time that all guests of a group have in common."""

from __future__ import annotations

from collections.abc import Sequence


def span_ms(instants_ns: Sequence[int]) -> float | None:
    """Between the first and the last of ``instants_ns``; None without any."""
    return (max(instants_ns) - min(instants_ns)) / 1e6 if instants_ns else None


def shared_ms(windows_ns: Sequence[tuple[int, int]]) -> float | None:
    """From the last start to the first end of windows (start, end): 0.0 if that is before it."""
    if not windows_ns:
        return None
    return max(0, min(end for _, end in windows_ns) - max(start for start, _ in windows_ns)) / 1e6

"""Figures as people read them: three significant digits."""

from __future__ import annotations

import math

MEBI = 1 << 20
NS_PER_MS = 1_000_000


def short(value: float) -> str:
    """Three significant digits, with k or M from a thousand on: ``61.5k``, ``497``, ``0.0123``."""
    for step, suffix in ((1e6, "M"), (1e3, "k")):
        # 999 600 rounds to 1000k, which is written 1M.
        if abs(value) >= step * 0.9995:
            return digits(value / step) + suffix
    return digits(value)


def digits(value: float, count: int = 3) -> str:
    """``count`` significant digits without an exponent; whole numbers keep all their digits."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.{count - 1}e}")
    decimals = max(0, count - 1 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:.{decimals}f}"

"""Student's t: its distribution function and its quantiles, to about 12 digits.

By the regularised incomplete beta function (Abramowitz and Stegun 26.7.1), whose continued fraction (26.5.8)
is taken by Lentz's method. scipy would be tens of megabytes for one number of a plain run.
"""

from __future__ import annotations

import math
from functools import lru_cache

_STEPS = 500
_TINY = 1e-300


def beta_share(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), for 0 <= x <= 1 and a, b > 0."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    # The fraction converges fast on one side of the mean.
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > _TINY else _TINY)
    found = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d, c = 1 + term * d, 1 + term / c
            d = 1 / (d if abs(d) > _TINY else _TINY)
            c = c if abs(c) > _TINY else _TINY
            found *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return found


def t_tail(t: float, freedom: float) -> float:
    """The probability of a value above ``t``, with ``freedom`` > 0 degrees of freedom."""
    square = t * t
    if square < freedom:
        # Near zero the other argument is 1 less something that no float shows.
        half = 0.5 - 0.5 * beta_share(square / (freedom + square), 0.5, freedom / 2)
    else:
        half = 0.5 * beta_share(freedom / (freedom + square), freedom / 2, 0.5)
    return half if t >= 0 else 1 - half


def two_sided(t: float, freedom: float) -> float:
    """The probability of a value as far from zero as ``t``, or further."""
    return min(1.0, 2 * t_tail(abs(t), freedom))


@lru_cache(maxsize=4096)
def t_quantile(share: float, freedom: float) -> float:
    """The value below which ``share`` of the distribution lies.

    Raises `ValueError` outside of 0 < share < 1.
    """
    if not 0 < share < 1 or not freedom > 0:
        raise ValueError(f"there is no t quantile of {share!r} with {freedom!r} degrees of freedom")
    if share < 0.5:
        return -t_quantile(1 - share, freedom)
    tail = 1 - share
    low, high = 0.0, 1.0
    while t_tail(high, freedom) > tail:
        low, high = high, high * 2
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return middle
        low, high = (middle, high) if t_tail(middle, freedom) > tail else (low, middle)

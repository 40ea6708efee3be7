"""Variances of many keys, each from few repeats, drawn towards what they have in common.

Smyth 2004 (Statistical Applications in Genetics and Molecular Biology 3, 3): each variance is a draw from a
scaled inverse chi-squared with ``prior_df`` degrees of freedom around ``prior``; both are estimated from the
logarithms of the variances by their mean and their own variance. A t test with the shrunk variance has
``df + prior_df`` degrees of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]

#: With fewer keys the spread of their variances says nothing.
LEAST_KEYS = 8
#: Where the keys' variances differ no more than by chance, their common one counts as this well known.
MOST_DF = 200.0
_LEAST_VARIANCE = 1e-10


@dataclass(frozen=True, slots=True)
class Shrunk:
    """``variance`` and ``df`` by key; the prior that they were drawn to."""

    variance: Array
    df: Array
    prior: float
    prior_df: float


def shrink(variance: Array, df: Array, assumed: float, assumed_df: float) -> Shrunk:
    """Shrink ``variance``, of which each has ``df`` degrees of freedom; 0: not known at all.

    With fewer than `LEAST_KEYS` variances the prior is ``assumed`` with ``assumed_df``.
    """
    known = df > 0
    prior, prior_df = assumed, assumed_df
    if known.sum() >= LEAST_KEYS:
        prior, prior_df = _prior(np.maximum(variance[known], _LEAST_VARIANCE), df[known])
    own = np.where(known, np.maximum(variance, _LEAST_VARIANCE), 0.0)
    total = prior_df + df
    return Shrunk((prior_df * prior + df * own) / total, total, prior, prior_df)


def _prior(variance: Array, df: Array) -> tuple[float, float]:
    e = np.log(variance) - special.digamma(df / 2) + np.log(df / 2)
    mean = float(e.mean())
    spread = float(e.var(ddof=1) - special.polygamma(1, df / 2).mean())
    if spread <= 0:
        # As good as equal: the pooled variance.
        return float((variance * df).sum() / df.sum()), MOST_DF
    half = _trigamma_inverse(spread)
    prior_df = min(2 * half, MOST_DF)
    return float(np.exp(mean + special.digamma(prior_df / 2) - np.log(prior_df / 2))), prior_df


def _trigamma_inverse(value: float) -> float:
    """By Newton's method on 1/trigamma, which is nearly linear (Smyth 2004, appendix)."""
    y = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(special.polygamma(1, y))
        step = trigamma * (1 - trigamma / value) / float(special.polygamma(2, y))
        y += step
        if -step / y < 1e-8:
            break
    return y

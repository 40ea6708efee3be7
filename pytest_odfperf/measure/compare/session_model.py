"""How far a run's figures may be from those of earlier runs if nothing has changed.

All on natural logarithms. The mean of one key in one session (one run) is

    level of the key + shift of the session + shift of the key in the session + mean of the repeats' noise

Repeats in one session say nothing of how sessions differ: taken for the whole of the noise they make false
alarms by the hundred. So each part has a variance of its own:

- noise: from the repeats within sessions, by key, shrunk over the keys (`variance_shrinkage`). Without
  repeats: from the differences between the sessions.
- the session's shift: from the means over a pool's keys, by session. It has but one degree of freedom for
  each session beyond the first, however many keys there are, so an assumption goes in with the weight of
  `ASSUMED_SESSIONS` sessions. One baseline session can not show it: then it is the assumption alone.
- the key's own shift in a session: what is left between sessions, pooled over keys. Of an assumed spread it
  is `ASSUMED_OWN`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pytest_odfperf.measure.compare.assumed_noise import ASSUMED_SESSIONS, Assumed
from pytest_odfperf.measure.compare.variance_shrinkage import Array, Shrunk, shrink

#: The share of the assumed spread that a key has for itself: controls do not take it off.
ASSUMED_OWN = 0.2
_ASSUMED_NOISE_DF = 4.0
#: Of a median absolute deviation of normal values to their standard deviation, and its efficiency.
_MAD, _MAD_EFFICIENCY = 1.4826, 0.37


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSamples:
    """One metric: K keys in H baseline sessions and in the current one, by mean logarithm.

    ``baseline`` and ``baseline_n`` (how many repeats) have the shape (K, H), nan and 0 where a session has
    no figure; the others (K,). ``squares`` and ``within_df`` are the sums of squares of repeats around the
    mean of their session, and their degrees of freedom, over all sessions. ``pool`` numbers the pools.
    """

    current: Array
    current_n: Array
    baseline: Array
    baseline_n: Array
    squares: Array
    within_df: Array
    pool: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Of each key or family: the logarithm of current / baseline, its variance and degrees of freedom."""

    effect: Array
    variance: Array
    df: Array

    @property
    def p_value(self) -> Array:
        """Two-sided."""
        return np.asarray(2 * stats.t.sf(np.abs(self.effect) / np.sqrt(self.variance), self.df))

    def half_width(self, level: float) -> Array:
        """Of the interval that holds the effect with probability ``level``."""
        return np.asarray(stats.t.ppf(0.5 + level / 2, self.df) * np.sqrt(self.variance))


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionModel:
    """The parts of the noise, and what follows."""

    samples: LogSamples
    #: The session's shift.
    session_variance: float
    session_df: float
    #: The key's own shift in a session.
    key_variance: float
    #: One repeat's, by key.
    noise_variance: Array
    noise_df: Array

    @property
    def session_sd(self) -> float:
        """How far a key's level differs between sessions."""
        return float(np.sqrt(self.session_variance + self.key_variance))

    @property
    def effect(self) -> Array:
        return np.asarray(self.samples.current - np.nanmean(self.samples.baseline, axis=1))

    def keys(self) -> Estimate:
        """Each key by itself."""
        return _summed(self.effect, [(self._shift_variance, self.session_df), *self.own_parts()])

    def own_parts(self) -> list[tuple[Array, Array | float]]:
        """Variance of each key's effect without the session's shift, and degrees of freedom, part by part."""
        s = self.samples
        sessions = (s.baseline_n > 0).sum(axis=1)
        with np.errstate(divide="ignore"):
            shares = np.where(s.baseline_n > 0, 1 / s.baseline_n, 0.0).sum(axis=1) / sessions**2
        noise = self.noise_variance * (1 / s.current_n + shares)
        return [(self.key_variance * (1 + 1 / sessions), np.inf), (noise, self.noise_df)]

    @property
    def _shift_variance(self) -> Array:
        sessions = (self.samples.baseline_n > 0).sum(axis=1)
        return np.asarray(self.session_variance * (1 + 1 / sessions), dtype=np.float64)

    def families(self, number: NDArray[np.int64]) -> Estimate:
        """The mean over the keys of each family; ``number`` (K,) counts families from 0."""
        count = np.bincount(number)
        effect = np.bincount(number, self.effect) / count
        own, _ = zip(*self.own_parts(), strict=True)
        noise = np.bincount(number, sum(own)) / count**2
        shift = np.bincount(number, self._shift_variance) / count
        df = np.full(len(count), np.inf)
        df[count == 1] = self.noise_df[np.isin(number, np.flatnonzero(count == 1))].min(initial=np.inf)
        return _summed(effect, [(shift, self.session_df), (noise, df)])

    def with_current(self, current: Array, current_n: Array) -> SessionModel:
        """The same noise, other figures of the current session."""
        return replace(self, samples=replace(self.samples, current=current, current_n=current_n))


def _summed(effect: Array, parts: list[tuple[Array, Array | float]]) -> Estimate:
    """Degrees of freedom of a sum of variances (Satterthwaite 1946)."""
    variance = np.sum([part for part, _ in parts], axis=0)
    share = np.sum([part**2 / df for part, df in parts], axis=0)
    with np.errstate(divide="ignore"):
        return Estimate(effect=effect, variance=variance, df=np.where(share > 0, variance**2 / share, np.inf))


def fit(samples: LogSamples, assumed: Assumed) -> SessionModel:
    """The model of one metric. Every key needs the current session and one of the baseline."""
    there = samples.baseline_n > 0
    sessions = there.sum(axis=1)
    rest = np.where(there, samples.baseline - np.nanmean(samples.baseline, axis=1)[:, None], np.nan)
    shift, keys = _session_shifts(rest, samples.pool)
    own = rest - shift[samples.pool]
    # A key that is the only one of its pool in a session has no difference from the pool's mean.
    own_df = np.maximum(sessions - 1, 0) * (1 - 1 / np.bincount(samples.pool)[samples.pool])
    own_squares = np.nansum(own**2, axis=1)
    prior = assumed.noise_sd**2
    if samples.within_df.sum() > 0:
        with np.errstate(divide="ignore", invalid="ignore"):
            within = np.where(samples.within_df > 0, samples.squares / samples.within_df, 0.0)
        noise = shrink(within, samples.within_df, prior, _ASSUMED_NOISE_DF)
        repeats = np.where(there, samples.baseline_n, 1).mean(axis=1)
        expected = float((noise.variance / repeats * own_df).sum())
        key_variance = max(0.0, (float(own_squares.sum()) - expected) / max(own_df.sum(), 1e-9))
        key_variance = key_variance if own_df.sum() > 0 else 0.0
    elif own_df.sum() > 0:
        with np.errstate(divide="ignore", invalid="ignore"):
            between = np.where(own_df > 0, own_squares / own_df, 0.0)
        noise, key_variance = shrink(between, own_df, prior, _ASSUMED_NOISE_DF), 0.0
    else:
        noise, key_variance = _from_differences(samples, prior), 0.0
    if (keys > 0).sum(axis=1).max() < 2:
        # Nothing can be learnt of sessions: taken as assumed, and said.
        key_variance = ASSUMED_OWN * assumed.session_sd**2
        session_variance, session_df = (1 - ASSUMED_OWN) * assumed.session_sd**2, np.inf
    else:
        session_variance, session_df = _session_variance(shift, keys, noise.variance, samples, assumed)
    return SessionModel(
        samples=samples,
        session_variance=session_variance,
        session_df=session_df,
        key_variance=key_variance,
        noise_variance=noise.variance,
        noise_df=noise.df,
    )


def _session_shifts(rest: Array, pool: NDArray[np.int64]) -> tuple[Array, Array]:
    """Of each pool and session the mean over its keys of what is beyond their level; how many keys."""
    pools = int(pool.max()) + 1
    shift, keys = np.zeros((pools, rest.shape[1])), np.zeros((pools, rest.shape[1]))
    for number in range(pools):
        # A key of a single session shows no difference between them.
        own = rest[(pool == number) & (np.isfinite(rest).sum(axis=1) > 1)]
        keys[number] = np.isfinite(own).sum(axis=0)
        shift[number] = np.nansum(own, axis=0) / np.maximum(keys[number], 1)
    return shift, keys


def _session_variance(
    shift: Array, keys: Array, noise: Array, samples: LogSamples, assumed: Assumed
) -> tuple[float, float]:
    # Pools of one cluster share what shifts a session, so more of them are no more sessions.
    own_df = np.maximum((keys > 0).sum(axis=1) - 1, 0)
    df = int(own_df.max())
    found = float((shift**2).sum() / own_df.sum())
    repeats = np.where(samples.baseline_n > 0, samples.baseline_n, 1).mean()
    found = max(0.0, found - float(noise.mean() / repeats / keys[keys > 0].mean()))
    total = ASSUMED_SESSIONS + df
    return (ASSUMED_SESSIONS * assumed.session_sd**2 + df * found) / total, total


def _from_differences(samples: LogSamples, assumed: float) -> Shrunk:
    """One session without repeats against another: how unlike the keys of a pool changed.

    A median, since a few keys may have changed indeed.
    """
    effect = samples.current - np.nanmean(samples.baseline, axis=1)
    pools = [effect[samples.pool == one] for one in np.unique(samples.pool)]
    rest = np.concatenate([own - np.median(own) for own in pools])
    df = max(0.0, (len(rest) - len(pools)) * _MAD_EFFICIENCY)
    found = (_MAD * float(np.median(np.abs(rest)))) ** 2 / 2
    total = _ASSUMED_NOISE_DF + df
    variance = (_ASSUMED_NOISE_DF * assumed + df * found) / total
    ones = np.ones(len(effect))
    return Shrunk(ones * variance, ones * total, assumed, _ASSUMED_NOISE_DF)

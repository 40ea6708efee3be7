"""What the form of a series says of its mean: steady, noisy, or unsteady in a way that has a name.

Two questions are asked one after the other. Is it far from level? As SNIA's Performance Test Specification
asks: of five rounds of equal length, the largest may be 20 % of the mean above the smallest, and the line
through them may rise or fall by 10 %. A noisy pool fails that by chance, so: is a simple form (a line, a
curve that settles, another level for a while) clear against the noise around it? Only then is it unsteady.
The noise is taken to be as slow as lasts 1.5 s, or slower where the series shows that, so that a short run
is not judged by its few seconds.

The limits are such that of stationary series (AR(1), coefficients of variation to 20 %, 10 to 120 s) at
most 0.5 % are called unsteady; ``tools/steadiness-figures`` prints how many are, and what is found of
planted forms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Literal, NamedTuple

Kind = Literal["steady", "noisy", "warm_up", "drift", "burst_then_cap", "outside_event"]

ROUNDS = 5
#: Of the mean of the rounds: what the largest may be above the smallest, and the line through them may
#: change.
RANGE, SLOPE = 0.20, 0.10
#: Noisy from this coefficient of variation on, if its mean is not known better than this (95 %, relative).
NOISY_CV, NOISY_ERROR = 0.15, 0.03
#: Noisy as well: far from level without a clear form, with a mean that is not known better than this.
UNTOLD_ERROR = 0.05
#: More samples say no more.
_MOST = 75
_LEAST = 10
#: Steps with fewer I/Os than these on the mean are put together; each worker and direction counts to a
#: whole I/O.
_LEAST_IOS, _OF_EACH = 10, 4
#: How much of the noise of a second ago is still there, at the least.
_PER_SECOND = 0.5
_MOST_CORRELATED = 0.95
_ALWAYS = 0.4
#: The strength of a form against the noise, from which it is one; it is larger for short series.
_STRENGTH, _SHORT = 25.0, 15.0
#: The shortest time at another level, as a share of the run.
_SEGMENT = 1 / 15
#: Times in which a curve settles, as shares of the run.
_SETTLES = (0.04, 0.07, 0.1, 0.14, 0.2)


class Steadiness(NamedTuple):
    kind: Kind
    #: Of the samples, without what their whole numbers of I/Os do.
    cv: float
    #: Largest less smallest round, and what the line through the rounds changes by, of their mean.
    spread: float
    excursion: float
    #: Half of the 95 % interval of the mean, relative; not looked at where it is steady anyway.
    error: float = 0.0
    #: Of a form that has a name: when it changed, as shares of the run, and the rates before and after (of
    #: an outside event that ended: outside and within it).
    changes: tuple[float, ...] = ()
    before: float = 0.0
    after: float = 0.0


class _Fit(NamedTuple):
    """A form through the series: the sum of squares that it leaves, its parameters, its values."""

    left: float
    parameters: int
    values: Sequence[float]
    about: tuple[float, ...]


def steadiness_of(
    rates: Sequence[float], sample_s: float, *, cap: float | None = None, alike: int = 1, streams: int = 1
) -> Steadiness:
    """The form of a series of IOPS in samples of ``sample_s``.

    ``cap``: a rate that the device is known to be limited to; ``alike``: how many series are looked at for
    one result, since of many one is odd by chance; ``streams``: how many workers and directions were added.
    A series of less than ten samples is steady.
    """
    least = _LEAST_IOS + _OF_EACH * (streams - 1)
    usual = math.fsum(rates) / max(1, len(rates)) * sample_s
    group = max(1, -(-len(rates) // _MOST), math.ceil(least / usual) if usual > 0 else 1)
    y = [math.fsum(rates[i : i + group]) / group for i in range(0, len(rates) - group + 1, group)]
    count = len(y)
    mean = math.fsum(y) / count if count else 0.0
    if count < _LEAST or mean <= 0:
        return Steadiness("steady", 0.0, 0.0, 0.0, 0.0)
    y = [rate / mean for rate in y]
    sample_s *= group
    spread, excursion = _rounds(y)
    level = _Fit(math.fsum((value - 1) ** 2 for value in y), 1, [1.0] * count, ())
    cv = _variation(y if usual < least else [rate / mean for rate in rates], mean * sample_s)
    if spread <= RANGE and excursion <= SLOPE and cv <= NOISY_CV:
        return Steadiness("steady", cv, spread, excursion)
    error = 1.96 * math.sqrt(_noise(y, level, sample_s) / count)
    noisy = cv > NOISY_CV and error > NOISY_ERROR
    if spread > RANGE or excursion > SLOPE:
        fit = min((make(y) for make in _FITS), key=lambda one: one.left / (count - one.parameters))
        explained = math.fsum((value - 1) ** 2 for value in fit.values)
        needed = (_STRENGTH + 2 * math.log(alike)) * (1 + _SHORT / count)
        if explained > needed * _noise(y, fit, sample_s):
            return _named(y, fit, mean, cap)._replace(cv=cv, spread=spread, excursion=excursion, error=error)
        noisy = noisy or error > UNTOLD_ERROR
    return Steadiness("noisy" if noisy else "steady", cv, spread, excursion, error)


def _variation(y: Sequence[float], ios: float) -> float:
    variance = math.fsum((value - 1) ** 2 for value in y) / (len(y) - 1)
    # Whole numbers of I/Os differ by one even if the rate does not.
    return math.sqrt(max(0.0, variance - 1 / max(1.0, ios)))


def _rounds(y: Sequence[float]) -> tuple[float, float]:
    ends = [number * len(y) // ROUNDS for number in range(ROUNDS + 1)]
    means = [math.fsum(y[a:b]) / (b - a) for a, b in pairwise(ends)]
    middle = (ROUNDS - 1) / 2
    slope = math.fsum((number - middle) * mean for number, mean in enumerate(means))
    slope /= math.fsum((number - middle) ** 2 for number in range(ROUNDS))
    return max(means) - min(means), abs(slope) * (ROUNDS - 1)


def _noise(y: Sequence[float], fit: _Fit, sample_s: float) -> float:
    """The variance of what is left, as if each sample were independent of the one before (AR(1))."""
    count = len(y)
    left = [a - b for a, b in zip(y, fit.values, strict=True)]
    variance = max(fit.left / (count - fit.parameters), 1e-12)
    follow = math.fsum(a * b for a, b in pairwise(left)) / (count - fit.parameters) / variance
    # Estimated from few values it comes out too small (Kendall 1954), the more so around a fitted form.
    follow += 2 * (1 + 3 * follow) / count
    slow: float = min(_PER_SECOND**sample_s, follow + 3 / math.sqrt(count))
    follow = min(max(follow, slow, _ALWAYS if fit.parameters > 1 else 0.0), _MOST_CORRELATED)
    return variance * (1 + follow) / (1 - follow)


def _line(y: Sequence[float]) -> _Fit:
    middle = (len(y) - 1) / 2
    return _along(y, [number - middle for number in range(len(y))], ())


def _curve(y: Sequence[float], settles: float) -> _Fit:
    raw = [math.exp(-number / (settles * len(y))) for number in range(len(y))]
    mean = math.fsum(raw) / len(raw)
    # After three times as long 95 % of the way are behind it.
    return _along(y, [value - mean for value in raw], (3 * settles,))


def _along(y: Sequence[float], base: Sequence[float], about: tuple[float, ...]) -> _Fit:
    """Least squares with the mean and one base whose values add up to 0."""
    factor = math.fsum(b * v for b, v in zip(base, y, strict=True)) / math.fsum(b * b for b in base)
    values = [1 + factor * b for b in base]
    return _Fit(math.fsum((v - f) ** 2 for v, f in zip(y, values, strict=True)), 2, values, about)


def _levels(y: Sequence[float]) -> _Fit:
    """Another level from one sample to another; it may begin with the series, or end with it."""
    count = len(y)
    shortest = max(2, math.ceil(count * _SEGMENT))
    sums = [0.0, *accumulate(value - 1 for value in y)]
    best, first, last = 0.0, 0, count
    for length in range(shortest, count - shortest + 1):
        weight = count / (length * (count - length))
        for start in range(count - length + 1):
            difference = sums[start + length] - sums[start]
            if (gain := difference * difference * weight) > best:
                best, first, last = gain, start, start + length
    within = 1 + (sums[last] - sums[first]) / (last - first)
    outside = 1 - (sums[last] - sums[first]) / max(1, count - (last - first))
    values = [within if first <= number < last else outside for number in range(count)]
    left = math.fsum((v - f) ** 2 for v, f in zip(y, values, strict=True))
    return _Fit(left, 3, values, (first, last, within, outside))


_FITS: tuple[Callable[[Sequence[float]], _Fit], ...] = (
    _levels,
    _line,
    *(lambda y, settles=settles: _curve(y, settles) for settles in _SETTLES),
)


def _named(y: Sequence[float], fit: _Fit, mean: float, cap: float | None) -> Steadiness:
    count = len(y)
    start, end = fit.values[0] * mean, fit.values[-1] * mean

    def form(kind: Kind, changes: tuple[float, ...], before: float, after: float) -> Steadiness:
        return Steadiness(kind, 0.0, 0.0, 0.0, 0.0, changes, max(0.0, before), max(0.0, after))

    if not fit.about:
        return form("drift", (), start, end)
    if len(fit.about) == 1:
        return form("warm_up" if start < end else "burst_then_cap", fit.about, start, end)
    first, last, within, outside = fit.about
    edge = max(1.0, count * _SEGMENT)
    if first >= edge and count - last >= edge:
        return form("outside_event", (first / count, last / count), outside * mean, within * mean)
    if first < edge:
        at, before, after = last / count, within * mean, outside * mean
    else:
        at, before, after = first / count, outside * mean, within * mean
    at_cap = cap is not None and abs(after - cap) <= 0.03 * cap
    if before > after and (at <= 0.5 or at_cap):
        return form("burst_then_cap", (at,), before, after)
    if before < after and at <= 1 / 3:
        return form("warm_up", (at,), before, after)
    return form("outside_event", (at,), before, after)

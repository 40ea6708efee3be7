"""What is assumed of noise that was not measured. Also for rankings, so without numpy or scipy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_odfperf.measure.compare.compared_figures import Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """What is taken where the runs themselves say nothing: standard deviations of logarithms."""

    session_sd: float
    noise_sd: float


#: Where one session can not show it: how sessions differ, or VM groups of one pool; and repeats without
#: repeats. p99 is noisier.
ASSUMED: Mapping[Metric, Assumed] = {
    "rate": Assumed(session_sd=0.03, noise_sd=0.05),
    "lat_p99": Assumed(session_sd=0.06, noise_sd=0.15),
}
#: How many sessions' worth the assumed spread of sessions counts for, beside what the sessions show.
ASSUMED_SESSIONS = 4.0

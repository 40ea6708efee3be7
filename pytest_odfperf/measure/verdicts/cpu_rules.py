"""CPU time that the host did not give a guest: what its latencies are then, the storage did not decide."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.measure.verdicts.evidence import Evidence

#: Of the time of all its CPUs, idle ones included. KubeVirt gives ten vCPUs a CPU, so a little is usual.
MOST_STOLEN = 0.2


def stolen_cpu(evidence: Evidence) -> Iterator[Doubt]:
    """``cpu_stolen``, by ``/proc/stat`` of each guest (proc(5): steal)."""
    for guest in evidence.guests:
        stolen = guest.witness.steal_part if guest.witness else None
        if stolen is not None and stolen > MOST_STOLEN:
            yield Doubt(
                code="cpu_stolen",
                level="suspect",
                text=f"guest {guest.name}: its host did not give it {stolen:.0%} of its CPUs' time "
                f"(limit {MOST_STOLEN:.0%})",
                figures={"steal_part": stolen},
            )

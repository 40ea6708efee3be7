"""Faults of a simulated cluster while it lives: those that a model can have."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from pytest_odfperf.errors import InputError
from pytest_odfperf.sandbox.ceph.osd_tree import Osd
from pytest_odfperf.sandbox.ceph.simulated.disturbed import Disturbed
from pytest_odfperf.sandbox.config.ceph_faults import CephFault
from pytest_odfperf.sandbox.config.disturbance_rules import ClientLoad, Disturbance

_OF_OSDS = ("kill", "hang", "continue", "start", "out", "in")
_KNOWN = (*_OF_OSDS, "noise", "quiet")
#: What one writer does in a second.
_WRITER_IOPS = 250.0


class SimulatedFaults:
    """What a simulated cluster has of `pytest_odfperf.sandbox.ceph.ceph.Disturbed`."""

    osds: tuple[Osd, ...]
    disturbed: Disturbed

    async def cause(self, fault: CephFault) -> str:
        """What was done, in words. Raises `InputError` for what no model does, or there is not."""
        if fault.kind not in _KNOWN:
            raise InputError(
                f"a simulated Ceph has no such fault (known: {', '.join(_KNOWN)}; a real one has all)",
                place=f"ceph-fault {fault.kind}",
            )
        if fault.kind in _OF_OSDS:
            self._check_osd(fault.daemon)
        self.disturbed.becomes(after(self.disturbed.now, fault))
        if fault.kind != "noise":
            return f"{fault.daemon}: {fault.kind}" if fault.daemon else "no noise"
        asyncio.get_running_loop().call_later(fault.seconds, self._end_noise, self.disturbed.now.clients)
        return f"{fault.pool}: noise for {fault.seconds} s"

    def _check_osd(self, daemon: str) -> None:
        known = [f"osd.{number}" for number in range(len(self.osds))]
        if daemon not in known:
            raise InputError(f"{daemon!r} is not one of {', '.join(known)}", place="ceph-fault.daemon")

    def _end_noise(self, clients: object) -> None:
        """Unless somebody made other noise meanwhile."""
        if self.disturbed.now.clients is clients:
            self.disturbed.becomes(replace(self.disturbed.now, clients={}))


def after(now: Disturbance, fault: CephFault) -> Disturbance:
    """What a cluster that is so does after ``fault``."""
    if fault.kind == "noise":
        load = ClientLoad(iops=_WRITER_IOPS * fault.writers, block_bytes=fault.block_bytes)
        return replace(now, clients={**now.clients, fault.pool: load})
    if fault.kind == "quiet":
        return replace(now, clients={})
    osd = (fault.osd,)
    without = {
        name: tuple(one for one in getattr(now, name) if one != fault.osd) for name in ("down", "hung", "out")
    }
    if fault.kind in ("out", "in"):
        return replace(now, out=without["out"] + (osd if fault.kind == "out" else ()))
    if fault.kind == "kill":
        return replace(now, down=without["down"] + osd, hung=without["hung"])
    if fault.kind == "hang":
        # What is down can not hang.
        return now if fault.osd in now.down else replace(now, hung=without["hung"] + osd)
    if fault.kind == "continue":
        return replace(now, hung=without["hung"])
    return replace(now, down=without["down"], hung=without["hung"])

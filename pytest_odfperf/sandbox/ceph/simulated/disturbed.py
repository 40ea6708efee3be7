"""A simulated cluster that is disturbed: what its counters show, its OSDs do, and its PGs suffer.

How each fault looks is what Ceph 16.2 showed on one machine: one OSD that is down leaves PGs undersized and
degraded, with two the PGs on both are not active, and health is HEALTH_WARN all the same; one that hangs is
up, its counter of operations stands still, and some PGs are laggy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_odfperf.sandbox.ceph.client_io import Client, ClientIo, Course, Done, steady
from pytest_odfperf.sandbox.ceph.simulated.health_checks import Check
from pytest_odfperf.sandbox.config.disturbance_rules import ClientLoad, Disturbance

#: What recovery moved is counted as if it were a client's; no pool has that name.
_RECOVERY = "\0recovery"


class Disturbed:
    """One per simulated cluster; it changes while the cluster lives."""

    def __init__(self, client_io: ClientIo, late_s: float) -> None:
        self._io = client_io
        self._late_s = late_s
        self._clients: list[Client] = []
        self._ops: dict[int, float] = {}
        self._counted = 0.0
        self.strangers: dict[str, None] = {}
        self.now = Disturbance()

    def becomes(self, wanted: Disturbance) -> None:
        """From now on, in place of what was."""
        for client in self._clients:
            self._io.ends(client)
        self._clients = [self._io.begins(pool, _course(load)) for pool, load in wanted.clients.items()]
        if wanted.recovery_bytes_per_s:
            moved = Done(0, 0, 1, wanted.recovery_bytes_per_s)
            self._clients.append(self._io.begins(_RECOVERY, steady(moved)))
        self.now = wanted
        #: The pools of other clients; Ceph does not forget one.
        self.strangers = dict.fromkeys([*self.strangers, *wanted.clients])

    def figures(self, pool: str) -> dict[str, float]:
        """By the end of a metric's name."""
        done = self._io.count(pool, self._late_s)
        return {
            "rd": int(done.reads),
            "rd_bytes": int(done.read_bytes),
            "wr": int(done.writes),
            "wr_bytes": int(done.written_bytes),
        }

    def recovered_bytes(self) -> int:
        return int(self._io.count(_RECOVERY, self._late_s).written_bytes)

    def osd_ops(self, osds: int, pools: tuple[str, ...]) -> Mapping[int, int]:
        """By OSD: all that clients did is spread evenly over those that work."""
        total = sum(self._io.count(pool, self._late_s).ios for pool in pools)
        idle = {*self.now.down, *self.now.out, *self.now.hung}
        working = [number for number in range(osds) if number not in idle]
        for number in working:
            more = max(0.0, total - self._counted) / len(working)
            self._ops[number] = self._ops.get(number, 0.0) + more
        self._counted = max(self._counted, total)
        return {number: int(self._ops.get(number, 0.0)) for number in range(osds)}

    def states(self, states: Mapping[str, int]) -> Mapping[str, int]:
        """Of a pool's PGs: a third of those that are clean suffer."""
        clean = states.get("active+clean", 0)
        hit = -(-clean // 3)
        down = len(set(self.now.down) - set(self.now.out))
        if not hit or not (down or self.now.hung):
            return states
        other = "active+clean+laggy"
        if down:
            other = "undersized+degraded+peered" if down > 1 else "active+undersized+degraded"
        return {**states, "active+clean": clean - hit, other: hit}

    def checks(self) -> Iterator[Check]:
        if count := len(set(self.now.down) - set(self.now.out)):
            yield Check(code="OSD_DOWN", severity="HEALTH_WARN", message=f"{count} osds down", count=count)


def _course(load: ClientLoad) -> Course:
    reads, writes = load.iops * load.read_part, load.iops * (1 - load.read_part)
    return steady(Done(reads, reads * load.block_bytes, writes, writes * load.block_bytes))

"""How far the VMs of a group are, from what the API shows: running, on the way, or failed and why."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_odfperf.cluster.causes.cause_table import CAUSES, Cause, Patience, Sighting, sightings
from pytest_odfperf.cluster.causes.seen import Found, condition, look_at, phase, status_of, words
from pytest_odfperf.cluster.client.calls import JsonObject
from pytest_odfperf.cluster.client.kinds import CLAIM, DATA_VOLUME, POD, VM, VMI, Kind
from pytest_odfperf.errors import GroupError, one_line
from pytest_odfperf.vm.names import data_claim_name, root_disk_name

LOGGER = logging.getLogger("odfperf.group")


#: A state that shows again within this has not healed: a controller that tries again hides it for a moment.
_HIDDEN_S = 10.0


@dataclass(slots=True)
class _Known:
    token: str
    since_s: float
    seen_s: float


@dataclass
class BootState:
    """Judges the objects of a group; called on every change of one of them."""

    group: str
    vm_names: tuple[str, ...]
    found: Found
    patience: Patience = field(default_factory=Patience)
    #: Why a pod fits no node at all; asked only for pods that the scheduler can not place.
    never_fits: Callable[[JsonObject], str | None] = lambda _: None
    #: Whether no other group of the run holds room on the nodes; asked only then, too.
    alone: Callable[[], bool] = lambda: False
    #: What is made, and what of it runs.
    kinds: tuple[Kind, Kind] = (VM, VMI)
    rows: tuple[Cause, ...] = CAUSES
    #: What is said of the group when a cause is final.
    verb: str = "could not be made"
    #: What is wrong, by cause and object.
    _known: dict[tuple[str, str], _Known] = field(default_factory=dict)
    _now: dict[str, list[Sighting]] = field(default_factory=dict)

    def running(self, now_s: float) -> dict[str, JsonObject] | None:
        """The instances by VM once all run, None while they do not; `GroupError` if one never will."""
        self.judge(now_s)
        instances = self.found(self.kinds[1])
        ready = {vm: instances[vm] for vm in self.vm_names if phase(instances.get(vm)) == "Running"}
        return ready if len(ready) == len(self.vm_names) else None

    def judge(self, now_s: float) -> None:
        """Note what is wrong; `GroupError` for the first cause of the table that has lasted too long."""
        instances = self.found(self.kinds[1]).values()
        waits = any(condition(instance, "PodScheduled", "False") for instance in instances)
        never_fits = self.never_fits if waits else (lambda _: None)
        alone = waits and self.alone()
        seen = look_at(self.found, self.vm_names, never_fits=never_fits, alone=alone)
        self._now = {one.name: sightings(one, self.rows) for one in seen}
        everything = [sighting for of_vm in self._now.values() for sighting in of_vm]
        self._remember(everything, now_s)
        final = [sighting for sighting in everything if self._lasted(sighting, now_s)]
        if final:
            first = min(final, key=lambda sighting: self.rows.index(sighting.cause))
            alike = len({one.object for one in final if one.cause is first.cause}) - 1
            raise self._error(first, alike, now_s)

    @property
    def last_cause(self) -> str | None:
        """The cause that is visible now, if it is one: the one that a wait which is over ends with."""
        everything = [one for of_vm in self._now.values() for one in of_vm if not one.cause.quiet]
        first = min(everything, key=lambda sighting: self.rows.index(sighting.cause), default=None)
        return first.cause.name if first else None

    def summary(self) -> str:
        """What the VMs that do not run wait for, in words of the API."""
        waiting = {vm: self._waits_for(vm) for vm in self.vm_names}
        waiting = {vm: state for vm, state in waiting.items() if state != "Running"}
        running = len(self.vm_names) - len(waiting)
        shown = "; ".join(f"{vm}: {state}" for vm, state in list(waiting.items())[:3])
        more = f"; and {len(waiting) - 3} more" if len(waiting) > 3 else ""
        return f"{running} of {len(self.vm_names)} VMs run; {shown}{more}" if waiting else "all VMs run"

    def _remember(self, everything: list[Sighting], now_s: float) -> None:
        for one in everything:
            place = (one.cause.name, one.object)
            known = self._known.get(place)
            if known is None:
                known = self._known[place] = _Known(one.token, now_s, now_s)
                if not one.cause.quiet:
                    self._tell(one)
            elif known.token != one.token:
                known.token, known.since_s = one.token, now_s
            known.seen_s = now_s
        for place, known in list(self._known.items()):
            if now_s - known.seen_s > _HIDDEN_S:
                del self._known[place]

    def _tell(self, one: Sighting) -> None:
        limit_s = self.patience.seconds(one.heals)
        waits = f" (waited out for {limit_s:.0f} s)" if limit_s else ""
        # Into pytest's captured log as it is: the words are the cluster's.
        said = one_line(f"{one.object}: {one.words}")
        LOGGER.warning("VM group %s: %s: %s%s", self.group, one.cause.name, said, waits)

    def _lasted(self, sighting: Sighting, now_s: float) -> bool:
        since_s = self._known[sighting.cause.name, sighting.object].since_s
        return now_s - since_s >= self.patience.seconds(sighting.heals)

    def _error(self, sighting: Sighting, alike: int, now_s: float) -> GroupError:
        since_s = self._known[sighting.cause.name, sighting.object].since_s
        lasted = f" (for {now_s - since_s:.0f} s)" if now_s - since_s >= 1 else ""
        more = f" (and {alike} more like it)" if alike else ""
        return GroupError(
            f"VM group {self.group} {self.verb}: {sighting.cause.name}: {sighting.object}: "
            f"{sighting.words}{lasted}{more}; next: {sighting.cause.next_step}",
            cause=sighting.cause.name,
        )

    def _waits_for(self, vm: str) -> str:
        machine, instance = (self.found(kind).get(vm) for kind in self.kinds)
        if phase(instance) == "Running":
            return "Running"
        if named := next((one for one in self._now.get(vm, ()) if not one.cause.quiet), None):
            return f"{named.cause.name}: {named.object}: {named.words}"
        volume = self.found(DATA_VOLUME).get(root_disk_name(vm))
        if volume and phase(volume) != "Succeeded":
            progress = status_of(volume).get("progress", "N/A")
            told = words(condition(volume, "Running", "False")) if phase(volume) else ""
            return f"root disk {phase(volume) or 'not begun'} ({progress}) {told}".rstrip()
        claim_phase = phase(self.found(CLAIM).get(data_claim_name(vm)))
        if claim_phase not in (None, "Bound"):
            return f"data disk {claim_phase}"
        if self.kinds[1] is POD:
            return f"pod {phase(instance) or 'not seen yet'}"
        shown = status_of(machine).get("printableStatus")
        return f"VM {shown or 'not seen yet'}, instance {phase(instance) or 'not there'}"

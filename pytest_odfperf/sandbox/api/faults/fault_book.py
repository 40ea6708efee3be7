"""What goes wrong with requests on demand: which rule hits which request, and the streams that can be cut.

The sandbox's own reconcilers are spared, so that a cluster in trouble still does its work.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from pytest_odfperf.sandbox.api.access.rbac import Action
from pytest_odfperf.sandbox.config.config_values import ApiFault

#: Faults of streams that are open already.
STREAM_FAULTS = ("cut", "expire")


@dataclass
class Rule:
    """A fault and how often it was there."""

    fault: ApiFault
    #: Matching requests, and those of them that were hit.
    seen: int = 0
    hits: int = 0
    _first_hit_s: float | None = None
    _random: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        self._random.seed(self.fault.seed)

    def covers(self, action: Action) -> bool:
        fault = self.fault
        return (
            (not fault.verbs or action.verb in fault.verbs)
            and (not fault.resources or action.resource in fault.resources)
            and fnmatchcase(action.name, fault.name)
            and fnmatchcase(action.namespace, fault.namespace)
        )

    def strikes(self) -> bool:
        """Whether it hits the request that it covers; counts it."""
        fault, now_s = self.fault, time.monotonic()
        self.seen += 1
        if self.seen <= fault.after or (fault.times is not None and self.hits >= fault.times):
            return False
        begun_s = now_s if self._first_hit_s is None else self._first_hit_s
        if fault.for_s is not None and now_s - begun_s >= fault.for_s:
            return False
        if self._random.random() >= fault.probability:
            return False
        self._first_hit_s = begun_s
        self.hits += 1
        return True

    def shown(self) -> dict[str, Any]:
        usual = asdict(ApiFault(kind=self.fault.kind))
        given = {name: value for name, value in asdict(self.fault).items() if value != usual[name]}
        return {"kind": self.fault.kind, **given, "seen": self.seen, "hits": self.hits}


@dataclass(eq=False)
class Stream:
    """An open watch or tunnel; ``struck`` is set to the fault that ends it."""

    action: Action
    struck: asyncio.Future[ApiFault]

    def strike(self, fault: ApiFault) -> None:
        if not self.struck.done():
            self.struck.set_result(fault)


class Faults:
    """The rules of one server. Used from its event loop only."""

    def __init__(self, faults: Iterable[ApiFault] = ()) -> None:
        self.rules = [Rule(fault) for fault in faults]
        #: Set anew by `clear`: what hangs is let go.
        self.cleared = asyncio.Event()
        #: Takes no connection for so many seconds. Set by the server.
        self.restart: Callable[[float], None] = lambda _: None
        self._streams: set[Stream] = set()
        self._thaw_s = 0.0

    def add(self, faults: Iterable[ApiFault]) -> None:
        """More rules; those for streams hit the open ones at once."""
        for fault in faults:
            rule = Rule(fault)
            self.rules.append(rule)
            if fault.kind in STREAM_FAULTS:
                for stream in list(self._streams):
                    if _may_strike(fault, stream.action) and rule.covers(stream.action) and rule.strikes():
                        self._strike_later(stream, fault)

    def clear(self) -> None:
        """No rules, no freeze; requests that hang lose their connection."""
        self.rules.clear()
        self._thaw_s = 0.0
        self.cleared.set()
        self.cleared = asyncio.Event()

    def freeze(self, seconds: float) -> None:
        """Nothing is answered and no event sent for so long."""
        self._thaw_s = max(self._thaw_s, time.monotonic() + seconds)

    async def thawed(self) -> None:
        """Wait for the end of a freeze."""
        while (left_s := self._thaw_s - time.monotonic()) > 0:
            await asyncio.sleep(min(left_s, 0.1))

    def hit(self, action: Action) -> ApiFault | None:
        """The fault of a new request, by the first rule that hits it."""
        for rule in self.rules:
            if _may_strike(rule.fault, action) and rule.covers(action) and rule.strikes():
                return rule.fault
        return None

    @contextmanager
    def stream(self, action: Action, fault: ApiFault | None) -> Iterator[Stream]:
        """An open stream, struck by ``fault`` in a moment if there is one."""
        stream = Stream(action, asyncio.get_running_loop().create_future())
        self._streams.add(stream)
        if fault is not None:
            self._strike_later(stream, fault)
        try:
            yield stream
        finally:
            self._streams.discard(stream)
            stream.struck.cancel()

    def _strike_later(self, stream: Stream, fault: ApiFault) -> None:
        # Not before the answer's head is on its way: it shall be a stream that breaks.
        asyncio.get_running_loop().call_later(max(0.05, fault.delay_s), stream.strike, fault)


def is_stream(action: Action) -> bool:
    return action.verb == "watch" or action.resource.endswith(("/portforward", "/exec"))


def _may_strike(fault: ApiFault, action: Action) -> bool:
    if fault.kind == "expire":
        return action.verb == "watch"
    return fault.kind != "cut" or is_stream(action)

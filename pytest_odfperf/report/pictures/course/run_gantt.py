"""The run in time: what each pool's VMs did, beside outages of the API server and events of the storage."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from pytest_odfperf.report.content.run_content import RunContent, RunFacts
from pytest_odfperf.report.pictures import spec_parts as parts
from pytest_odfperf.report.pictures.course.storage_bars import OSDS, OTHERS, RECOVERY, storage_bars
from pytest_odfperf.report.pictures.picture import Cell, Column, Picture, Slice
from pytest_odfperf.report.pictures.shown_figures import Shown, word

#: Bars of one run; those that follow each other closely are drawn as one.
MOST_BARS = 900
MOST_EVENTS = 200
#: Shorter texts of outages and events are drawn whole.
_MOST_TEXT = 160

_ACTIVITIES = (
    "booting", "preparing", "measuring", "no result", "deleting", "outage", "storage not healthy",
    RECOVERY, OTHERS, OSDS,
)  # fmt: skip
#: In pixels, so that colours are not alone in telling them apart.
_THICKNESS = {"booting": 6, "preparing": 10, "measuring": 18, "deleting": 3}
_LOADS = {"booting": "booting", "working": "preparing", "deleting": "deleting"}
_API, _STORAGE = "API server", "storage"
_COLUMNS = (
    parts.TEST,
    Column(field="lane", heading="pool"),
    Column(field="activity", heading="activity"),
    Column(field="from", heading="from (UTC)"),
    Column(field="to", heading="to (UTC)"),
    Column(field="seconds", heading="seconds"),
    Column(field="what", heading="what"),
)


@dataclass(slots=True)
class _Bar:
    lane: str
    activity: str
    began_ms: float
    ended_ms: float
    what: str = ""
    test: int | None = None
    count: int = 1

    @property
    def known(self) -> bool:
        """Whether its times can be, to the year 5138: somebody may have changed a file."""
        return 0 < self.began_ms <= self.ended_ms < 1e14

    def row(self) -> tuple[Cell, ...]:
        seconds = round(max(0.0, self.ended_ms - self.began_ms) / 1000, 1)
        what = self.what if self.count == 1 else f"{self.count} in a row"
        test = self.test if self.count == 1 else None
        return test, self.lane, self.activity, _time(self.began_ms), _time(self.ended_ms), seconds, what


def run_gantt(shown: Shown) -> Picture | None:
    """A slice for each run; None without any time."""
    content = shown.content
    slices = []
    cut = 0
    for run in content.runs:
        bars = [bar for bar in (*_measured(content, run), *_loads(run.loads)) if bar.known]
        if not bars:
            continue
        events = [*_outages(run.outages), *_events(run.health, max(bar.ended_ms for bar in bars))]
        events += [
            _Bar(_STORAGE, one.activity, 1000 * one.began_s, 1000 * one.ended_s, one.what)
            for one in storage_bars(run.counters, _own_pools(run))
        ]
        events = [event for event in events if event.known]
        cut += max(0, len(events) - MOST_EVENTS)
        drawn = [*_joined(bars), *events[:MOST_EVENTS]]
        lanes = {lane: number for number, lane in enumerate((*content.pools, _API, _STORAGE))}
        layers = {"no result": -1, "preparing": 0, "booting": 1, "deleting": 2, "measuring": 3}
        drawn.sort(key=lambda bar: (lanes.get(bar.lane, -1), layers.get(bar.activity, 9), bar.began_ms))
        rows = tuple(bar.row() for bar in drawn)
        slices.append(Slice(label=run.run_id, spec=_spec(drawn), columns=_COLUMNS, rows=rows))
    if not slices:
        return None
    sentence = (
        "Which pools ran beside each other, and what happened meanwhile? The thickest part of a pool's lane "
        "is the measured time; outages of the API server and what the storage told (troubles, recovery, I/O "
        "of others, OSDs that were away) have lanes of their own, and a dashed line through all pools where "
        "they began."
    )
    if cut:
        sentence += f" {cut} later events are left out."
    return Picture(name="course", title="Course of the run", sentence=sentence, slices=tuple(slices))


def _own_pools(run: RunFacts) -> frozenset[str]:
    """The storage's pools that the run's VMs used, as run.json tells them."""
    found = run.content.get("found")
    health = found.get("health") if isinstance(found, dict) else None
    storage = health.get("storage") if isinstance(health, dict) else None
    return frozenset(
        str(name)
        for one in (storage.values() if isinstance(storage, dict) else ())
        for part in ("data", "metadata", "root")
        if isinstance(one, dict) and isinstance(one.get(part), list | tuple)
        for name in one[part]
    )


def _measured(content: RunContent, run: RunFacts) -> Iterator[_Bar]:
    for number, test in enumerate(content.tests):
        record = test.record
        if record is not None and content.run_of(record) is run:
            what = f"{test.key}, {word(test)}" + (f", repeat {test.repeat}" if test.repeat > 1 else "")
            yield _Bar(
                test.key.pool,
                "measuring" if record.jobs else "no result",
                record.started_at_epoch_ms,
                record.ended_at_epoch_ms,
                what,
                number,
            )


def _loads(entries: Iterable[Mapping[str, Any]]) -> Iterator[_Bar]:
    """Each line of a pool holds until its next; one of a session that ended holds until that ended."""
    going: dict[str, tuple[float, str]] = {}
    last_ms = 0.0
    for entry in entries:
        at, pool, load = entry.get("at"), entry.get("pool"), entry.get("load")
        if not _is_time(at):
            continue
        at_ms = 1000.0 * at
        if entry.get("session"):
            yield from _ended(going, last_ms)
            going = {}
        elif isinstance(pool, str):
            yield from _ended({pool: going.pop(pool)} if pool in going else {}, at_ms)
            if isinstance(load, str) and load in _LOADS:
                going[pool] = at_ms, _LOADS[load]
        last_ms = at_ms
    yield from _ended(going, last_ms)


def _is_time(at: object) -> TypeGuard[float]:
    """Seconds since the epoch, to the year 5138."""
    return isinstance(at, int | float) and 0 < at < 1e11


def _ended(going: Mapping[str, tuple[float, str]], at_ms: float) -> Iterator[_Bar]:
    for pool, (began_ms, load) in going.items():
        if at_ms > began_ms:
            yield _Bar(pool, load, began_ms, at_ms)


def _outages(entries: Iterable[Mapping[str, Any]]) -> Iterator[_Bar]:
    for entry in entries:
        seconds = entry.get("seconds")
        try:
            began = datetime.datetime.fromisoformat(str(entry.get("began_at")))
            began_ms = 1000 * began.timestamp()
        except (ValueError, OverflowError):
            continue
        if isinstance(seconds, int | float) and 0 <= seconds < 1e7:
            text = f"{str(entry.get('text'))[:_MOST_TEXT]} (seen by {str(entry.get('process'))[:20]})"
            yield _Bar(_API, "outage", began_ms, began_ms + 1000 * seconds, text)


def _events(entries: Iterable[Mapping[str, Any]], ended_ms: float) -> Iterator[_Bar]:
    """The times in which an object of the storage was not healthy; states hold until the object's next."""
    going: dict[str, tuple[float, str]] = {}
    for entry in entries:
        at, name, state = entry.get("at"), entry.get("name"), entry.get("state")
        if entry.get("session"):
            going = {}
        if not _is_time(at) or not isinstance(name, str):
            continue
        text = _trouble(state, str(entry.get("of")))
        before = going.get(name)
        if before is not None and before[1] != text:
            yield _Bar(_STORAGE, "storage not healthy", before[0], 1000.0 * at, f"{name[:60]}: {before[1]}")
            del going[name]
        if text and name not in going:
            going[name] = 1000.0 * at, text
    for name, (began_ms, text) in going.items():
        yield _Bar(_STORAGE, "storage not healthy", began_ms, max(began_ms, ended_ms), f"{name[:60]}: {text}")


def _trouble(state: object, kind: str) -> str:
    """What is wrong in a line of the journal of health; empty: nothing."""
    if not isinstance(state, dict):
        return "gone, or not known any more"
    if kind == "ceph":
        checks = state.get("checks")
        codes = sorted(
            str(one.get("code"))
            for one in (checks if isinstance(checks, list) else ())
            if isinstance(one, dict)
        )
        words = [str(state.get("health")), *codes, str(state.get("trouble") or "")]
        return "" if words == ["HEALTH_OK", ""] else " ".join(words).strip()[:_MOST_TEXT]
    if kind == "pgs":
        states = state.get("states")
        found = [
            f"{one.get('count')} {one.get('state')}"
            for one in (states if isinstance(states, list) else ())
            if isinstance(one, dict) and one.get("state") not in ("active", "clean")
        ]
        return ", ".join(found)[:_MOST_TEXT]
    phase = str(state.get("phase"))
    return "" if phase == "Ready" else f"phase {phase}"[:_MOST_TEXT]


def _joined(bars: list[_Bar]) -> list[_Bar]:
    """At most `MOST_BARS`: those of a lane that do the same and follow each other closely become one."""
    if len(bars) <= MOST_BARS:
        return bars
    span_ms = max(bar.ended_ms for bar in bars) - min(bar.began_ms for bar in bars)
    gap_ms = span_ms / 2000
    while True:
        found: dict[tuple[str, str], list[_Bar]] = {}
        for bar in sorted(bars, key=lambda one: one.began_ms):
            lane = found.setdefault((bar.lane, bar.activity), [])
            if lane and bar.began_ms - lane[-1].ended_ms <= gap_ms:
                lane[-1].ended_ms = max(lane[-1].ended_ms, bar.ended_ms)
                lane[-1].count += bar.count
            else:
                lane.append(bar)
        bars = [bar for lane in found.values() for bar in lane]
        if len(bars) <= MOST_BARS:
            return bars
        gap_ms *= 2


def _time(at_ms: float) -> str:
    """As people and Vega read it."""
    at = datetime.datetime.fromtimestamp(at_ms / 1000, tz=datetime.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _clock(bars: Sequence[_Bar]) -> str:
    """How the axis tells times: as exactly as the length of the run needs."""
    minutes = (max(bar.ended_ms for bar in bars) - min(bar.began_ms for bar in bars)) / 60_000
    return "%H:%M:%S" if minutes < 15 else "%H:%M" if minutes < 20 * 60 else "%d %b %H:%M"


def _spec(bars: Sequence[_Bar]) -> parts.Spec:
    lanes = len({bar.lane for bar in bars})
    along = {
        "field": "from",
        "type": "temporal",
        "title": "time (UTC)",
        "scale": {"type": "utc"},
        "axis": {"labelOverlap": True, "tickCount": 6, "format": _clock(bars)},
    }
    colour = {
        "field": "activity",
        "type": "nominal",
        "title": None,
        "scale": {"domain": list(_ACTIVITIES), "range": "load"},
        "legend": {"symbolType": "square"},
    }
    event = " || ".join(f"datum.activity === {json.dumps(one)}" for one in _ACTIVITIES[5:])
    size = {
        "condition": [
            {"test": f"datum.activity === '{activity}'", "value": thickness}
            for activity, thickness in _THICKNESS.items()
        ],
        "value": 14,
    }
    clock = {
        "type": "temporal",
        "timeUnit": "utcyearmonthdatehoursminutesseconds",
        "format": "%Y-%m-%d %H:%M:%S",
    }
    tips = [{**one, **(clock if one["field"] in ("from", "to") else {})} for one in parts.tooltip(_COLUMNS)]
    return parts.view(
        "Gantt chart of the pools' activities, of outages and of events of the storage",
        {
            "mark": {"type": "bar", "minBandSize": 2, "cornerRadius": 1},
            "encoding": {
                "x": along,
                "x2": {"field": "to"},
                "y": parts.named("lane", None, axis={"grid": True, "tickBand": "extent"}),
                "color": colour,
                "size": size,
                "tooltip": tips,
            },
        },
        {
            "mark": {"type": "rule", "strokeDash": [3, 3]},
            "transform": [{"filter": event}],
            "encoding": {"x": along, "color": colour},
        },
        height=max(80, 30 * lanes),
    )

"""The record: what one test of one key came to, one JSON line. Everything people read is made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from pytest_odfperf.errors import InputError
from pytest_odfperf.json_reading import read_json
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.aggregate import DirectionMeasurement, JobMeasurement, LatencyMeasurement
from pytest_odfperf.measure.capacity.capacity_answer import CapacityAnswer
from pytest_odfperf.measure.fairness import Fairness
from pytest_odfperf.measure.limits.limit_outcome import BROKEN, LimitOutcome
from pytest_odfperf.measure.neighbours import Neighbour
from pytest_odfperf.measure.statistics.over_repeats import OverRepeats
from pytest_odfperf.measure.storage_health import StorageHealth
from pytest_odfperf.measure.storage_work import StorageWork
from pytest_odfperf.measure.verdicts.doubt import Doubt, Verdict
from pytest_odfperf.measure.witness import Witness
from pytest_odfperf.plain import from_plain, to_plain

SCHEMA = 1
DIRECTIONS = ("read", "write", "sync")

#: The marking of figures that the guests' page cache is in (``direct=0``).
BUFFERED = "BUFFERED"

#: Figures over repeats that JUnit has; the others are in results-keys.csv.
_SHOWN_OVER_REPEATS = ("iops", "bw", "p99")

Status = Literal["passed", "failed", "error", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestRecord:
    """One guest's own figures; ``node`` is where it ran."""

    name: str
    node: str | None
    #: By the clock of the machine that measured, from measured offsets of the guest's steady clock.
    started_at_epoch_ns: int
    ended_at_epoch_ns: int
    #: How far the guest's epoch clock was ahead of that, and the greatest error of it.
    clock_offset_ms: float | None = None
    clock_uncertainty_ms: float | None = None
    #: How far its epoch clock was set while fio ran.
    clock_jump_s: float | None = None
    #: How long after the instant that all guests were told it began.
    late_ms: float | None = None
    #: Connections that were lost and opened again while fio ran.
    reconnects: int = 0
    #: The node that it left while fio ran.
    migrated_from: str | None = None
    #: What it saw of its disks and memory while fio ran.
    witness: Witness | None = None
    jobs: tuple[JobMeasurement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedProperty:
    """What ``record_property`` was given, as text."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    key: Key
    run_id: str
    #: The node id of the test that measured or used it.
    test: str
    status: Status
    #: Why it did not pass.
    reason: str | None = None
    #: The same as one word of the failure catalogue or of the table of causes (docs/causes.md); None where a
    #: person's own test failed.
    reason_code: str | None = None
    #: The folder that shows the cluster at that moment, below the run's folder.
    diagnosis: str | None = None
    #: What happened that does not void the figures: a migration, a lost connection, a clock that was set.
    notes: tuple[str, ...] = ()
    #: Whether the figures are to be believed; None where none were measured, or by an earlier version.
    verdict: Verdict | None = None
    #: What the rules object to (docs/verdicts.md).
    doubts: tuple[Doubt, ...] = ()
    #: The pools that ran beside it, with the share of its window; none in a run of one pool after the other.
    beside: tuple[Neighbour, ...] = ()
    #: How Ceph was before, after and between; None: not known, or the storage is not Ceph's.
    health: StorageHealth | None = None
    #: What the storage did meanwhile, by its own counters; None: it is not Ceph's.
    storage: StorageWork | None = None
    #: Which measurement of its key it is, from 1.
    repeat: int = 1
    #: The pass over its group's keys that it was in, and its place there, from 1; None: the run had one pass,
    #: in the matrix's order.
    block: int | None = None
    order: int | None = None
    #: The round of new VMs that it was in, from 1; None: the run had one.
    round: int | None = None
    #: Of the last repeat of its key: what they say together, and what the key's limits come to.
    over_repeats: OverRepeats | None = None
    limits: tuple[LimitOutcome, ...] = ()
    #: Of ``--odf-ramp``: how many VMs the pool carries, with the figures of each step. The key's concurrency
    #: is the most that were to be tried.
    capacity: CapacityAnswer | None = None
    #: SHA-256 of everything that decides the number.
    definition: str | None = None
    #: The process that measured: ``gw0``, ``main``.
    worker: str | None = None
    #: ``SIMULATED`` where the figures are from a model, `BUFFERED`, or both; shown wherever they are.
    marking: str | None = None
    #: ``block`` where fio worked on the raw data disk; None: on files.
    target: str | None = None
    #: ``pod`` where it was measured in pods.
    machine: str | None = None
    started_at_epoch_ms: int
    ended_at_epoch_ms: int
    duration_s: float
    read: DirectionMeasurement | None = None
    write: DirectionMeasurement | None = None
    #: As `Measurement`: None also where sections differ that have the direction; ``jobs`` has them then.
    sync: LatencyMeasurement | None = None
    jobs: tuple[JobMeasurement, ...] = ()
    guests: tuple[GuestRecord, ...] = ()
    #: The guests' fio and kernel, each version once; empty where nothing is known.
    software: tuple[str, ...] = ()
    #: ``confirm``: measured again for the gate, so not one of the run's own results. None: it is one.
    stage: str | None = None
    #: Between the first and the last guest's start, and from the last one to the first guest's end.
    start_skew_ms: float | None = None
    shared_window_ms: float | None = None
    #: Of the section that served its guests the most unevenly; None for a single guest.
    fairness: Fairness | None = None
    #: Paths below the run's folder.
    artefacts: tuple[str, ...] = ()
    #: What a person's own test recorded with ``record_property``.
    recorded: tuple[RecordedProperty, ...] = ()
    #: How pytest shows the failure of a person's own test: with its lines, more than ``reason``.
    failure_text: str | None = None

    @property
    def usable(self) -> bool:
        """Whether its figures may be shown, ranked and compared: those of an invalid one never are."""
        return self.verdict != "invalid"

    @property
    def complete(self) -> bool:
        """Whether there is nothing to measure again: it passed, or failed at a limit only."""
        return self.status == "passed" or self.reason_code == BROKEN

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of its doubts, each once."""
        return tuple(dict.fromkeys(doubt.code for doubt in self.doubts))

    @property
    def buffered(self) -> bool:
        """Whether the guests' page cache is in its figures."""
        return BUFFERED in (self.marking or "").split(", ")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types only."""
        plain = {
            field.name: to_plain(getattr(self, field.name)) for field in fields(self) if field.name != "key"
        }
        return {"schema": SCHEMA, "key": str(self.key), **plain}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Record:
        """What `to_json` made. Raises `ValueError` that names what is wrong."""
        content = dict(plain)
        if (schema := content.pop("schema", None)) != SCHEMA:
            raise ValueError(f"schema {schema!r:.60} is not {SCHEMA}")
        text = content.pop("key", None)
        try:
            key = Key.parse(text) if isinstance(text, str) else None
        except InputError as error:
            raise ValueError(str(error)) from error
        if key is None:
            raise ValueError(f"key {text!r:.60} is not text")
        # What a later version added is not in the records of an earlier one.
        return from_plain(cls, content, "record", defaults=True, key=key)

    def properties(self) -> list[tuple[str, str]]:
        """The few figures for JUnit's ``<property>``; a direction that was not measured has none."""
        found = [("run_id", self.run_id), ("pool", self.key.pool)]
        if self.marking is not None:
            found.append(("marking", self.marking))
        if self.target is not None:
            found.append(("target", self.target))
        if self.machine is not None:
            found.append(("machine", self.machine))
        if self.verdict is not None:
            found.append(("verdict", self.verdict))
        if self.doubts:
            found.append(("doubts", "; ".join(f"{doubt.code}: {doubt.text}" for doubt in self.doubts)))
        if self.reason_code is not None:
            found.append(("reason_code", self.reason_code))
        if self.diagnosis is not None:
            found.append(("diagnosis", self.diagnosis))
        if self.beside:
            found.append(("beside", "; ".join(one.text for one in self.beside)))
        if self.health is not None:
            found.append(("storage_health", self.health.shown))
        if self.capacity is not None:
            found += [
                ("capacity_vms", str(self.capacity.kept_vms)),
                ("capacity", self.capacity.text),
            ]
            if self.capacity.broken_vms is not None:
                found.append(("capacity_broken_vms", str(self.capacity.broken_vms)))
        if self.notes:
            found.append(("notes", "; ".join(self.notes)))
        found += self._decisions()
        if not self.usable:
            return found
        found += _figures("", self)
        for job in self.jobs if self.apart else ():
            found += [(f"{job.name}.load", job.load), *_figures(f"{job.name}.", job)]
        return found

    def _decisions(self) -> list[tuple[str, str]]:
        found = []
        if self.block is not None:
            found += [("repeat", str(self.repeat)), ("block", str(self.block)), ("order", str(self.order))]
        if self.round is not None:
            found.append(("round", str(self.round)))
        if self.over_repeats is not None:
            found.append(("repeats", self.over_repeats.count_text))
            for one in self.over_repeats.figures:
                if one.metric in _SHOWN_OVER_REPEATS and one.low is not None and one.high is not None:
                    values = f"{one.geometric_mean:.6g} ({one.low:.6g} to {one.high:.6g})"
                    found.append((f"repeats.{one.name}", f"{values}, CV {one.cv:.2%}, {one.grade}"))
        for outcome in self.limits:
            name = f"limit.{outcome.limit}"
            if outcome.figure_name not in outcome.limit:
                name += f" [{outcome.figure_name}]"
            found.append((name, f"{outcome.outcome}: {outcome.why}"))
        return found

    @property
    def apart(self) -> bool:
        """Whether the sections of the profile are shown each by itself.

        They are where several do the same direction and are not alike, and where they ran beside each other.
        """
        if len(self.jobs) < 2:
            return False
        unlike = any(
            getattr(self, direction) is None
            and sum(getattr(job, direction) is not None for job in self.jobs) > 1
            for direction in DIRECTIONS
        )
        # Earlier versions did not tell the phase.
        phases = [job.phase for job in self.jobs if job.load]
        return unlike or len(set(phases)) < len(phases)


def _figures(prefix: str, of: Record | JobMeasurement) -> list[tuple[str, str]]:
    found = []
    for name in DIRECTIONS:
        part: LatencyMeasurement | None = getattr(of, name)
        if part is None:
            continue
        found.append((f"{prefix}{name}_iops_per_s", f"{part.iops_per_s:.1f}"))
        if isinstance(part, DirectionMeasurement):
            found.append((f"{prefix}{name}_bw_bytes_per_s", f"{part.bw_bytes_per_s:.0f}"))
        found.append((f"{prefix}{name}_lat_p99_ns", str(part.lat_p99_ns)))
        if not part.lat_p99_trusted:
            found.append((f"{prefix}{name}_lat_p99_trusted", "no"))
    return found


def read_records(
    lines: Iterable[str], lean: Callable[[dict[str, Any]], None] = lambda _: None
) -> tuple[list[Record], list[str]]:
    """The records of a results file, and one text for each line that is none (torn, alien).

    ``lean`` takes out of a record what its reader can do without: most of the time goes into guests.
    """
    records: list[Record] = []
    problems: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            plain = read_json(line)
            if not isinstance(plain, dict):
                raise ValueError("is not a JSON object")
            lean(plain)
            records.append(Record.from_json(plain))
        except (ValueError, RecursionError) as error:
            problems.append(f"line {number}: {error}")
    return records, problems

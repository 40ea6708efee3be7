"""The records of a made run: what each of its measurements came to, with its raw files."""

from __future__ import annotations

import json
import random
import zlib
from dataclasses import dataclass, field, replace

from pytest_odfperf.fio.answers.fio_result import FioResult
from pytest_odfperf.fio.job import Job, render
from pytest_odfperf.matrix.definition import definition
from pytest_odfperf.matrix.keys import SHIPPED_NODE, Key, param_id
from pytest_odfperf.measure.aggregate import JobMeasurement, Measurement, combine
from pytest_odfperf.measure.fairness import Fairness, fairness_of, least_fair
from pytest_odfperf.measure.key_decision import decided
from pytest_odfperf.measure.neighbours import Neighbour
from pytest_odfperf.measure.pooled_histograms import write_histograms
from pytest_odfperf.measure.record import GuestRecord, Record
from pytest_odfperf.measure.series.series_csv import write_series
from pytest_odfperf.measure.verdicts.doubt import Doubt, Level, verdict_of
from pytest_odfperf.measure.witness import DiskIdentity, DiskWork, Witness
from report_runs.figures import fio_results, pool_pace, series_of
from report_runs.plan import MadePlan, Turn, length_s

#: Doubts of made results: a rule's code and level, the form of its series, one line of text.
MadeDoubt = tuple[str, Level, str, str]
DOUBTS: tuple[MadeDoubt, ...] = (
    ("drift", "suspect", "drift", "rand-read read fell by 38 % over the run (limit 10 %)"),
    ("burst_then_cap", "suspect", "burst", "the first 25 s were 2.7 times the rest (limit 20 %)"),
    ("shared_backend", "suspect", "level", "rep2 used the same devices for 64 % of the window (limit 1 %)"),
    ("noisy", "suspect", "level", "its mean is known to 6.1 % (limit 5 %)"),
    ("stall", "invalid", "stall", "nothing completed for 18.2 s of 120 s (limit 20 %)"),
    ("above_cap", "invalid", "level", "4,120 IOPS of a volume, which is capped at 3,000 IOPS"),
)


@dataclass(frozen=True)
class Made:
    """A record, and the raw files of its key by name."""

    record: Record
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Body:
    """The figures of a key, its guests' by their number."""

    results: dict[str, FioResult]
    measurement: Measurement
    guests: tuple[tuple[JobMeasurement, ...], ...]
    fairness: Fairness | None
    histograms: str


def node_id(key: Key, repeat: int) -> str:
    return f"{SHIPPED_NODE}::test_storage[{param_id(key, repeat)}]"


class Maker:
    """Makes the records of one run, in the order of time."""

    def __init__(self, plan: MadePlan) -> None:
        self.plan = plan
        self.hashes = {str(key): definition(key, plan.matrix) for key in plan.keys}
        self._before: dict[Key, list[Record]] = {}
        self._jobs: dict[tuple[str, str], Job] = {}
        self._bodies: dict[str, Body] = {}

    def made(self, turn: Turn) -> Made:
        """What the measurement ``turn`` came to."""
        plan, key = self.plan, turn.key
        assert key is not None
        chance = random.Random(f"{plan.seed}/{key}/{turn.repeat}")
        state = _state(plan, key, turn.repeat)
        base = self._base(key, turn)
        if state == "skipped":
            why = f"pool {key.pool}: CephBlockPool perf-test-{key.pool} is not Ready: Failure"
            return Made(replace(base, status="skipped", reason=why))
        if state == "failed":
            why = f"VM group {key.group}: no node has room: 0/6 nodes are available: 6 Insufficient memory"
            return Made(replace(base, status="error", reason=why, reason_code="no_room"))
        wanted = [doubt for doubt in DOUBTS if doubt[1] == state]
        doubt = chance.choice(wanted) if wanted else None
        body = self._body(key, turn.repeat)
        files = self._files(key, body, doubt[2] if doubt else "level", chance)
        place = "/".join(key.fields) + (f"/repeat-{turn.repeat}" if turn.repeat > 1 else "")
        record = self._measured(base, turn, body, doubt, chance)
        record = self.decided(replace(record, artefacts=tuple(f"{place}/{name}" for name in files)))
        return Made(record, {f"{place}/{name}": text for name, text in files.items()})

    def decided(self, record: Record) -> Record:
        """With what repeats and limits come to, if it is the last of its key."""
        seen = self._before.setdefault(record.key, [])
        seen.append(record)
        if record.repeat < self.plan.repeats:
            return record
        del self._before[record.key]
        return decided(record, seen, self.plan.matrix.limits_of(record.key), self.plan.repeats)

    def _base(self, key: Key, turn: Turn) -> Record:
        plan, length = self.plan, length_s(self.plan, key)
        return Record(
            key=key,
            run_id=plan.run_id,
            test=node_id(key, turn.repeat),
            status="passed",
            definition=self.hashes[str(key)],
            worker=turn.worker,
            marking=plan.marking,
            repeat=turn.repeat,
            block=turn.repeat if plan.repeats > 1 else None,
            order=turn.order if plan.repeats > 1 else None,
            started_at_epoch_ms=round(1000 * turn.at_s),
            ended_at_epoch_ms=round(1000 * (turn.at_s + length)),
            duration_s=length,
        )

    def _body(self, key: Key, repeat: int) -> Body:
        plan = self.plan
        name = f"{key}/{repeat}"
        if plan.variety is not None:
            place = zlib.crc32(name.encode()) % plan.variety
            name = f"{key.pool}/{key.concurrency}/{key.profile}/{key.block_size}/{place}"
        if (found := self._bodies.get(name)) is None:
            if (job := self._jobs.get((key.profile, key.block_size))) is None:
                settings = plan.matrix.fio_of(key.profile)
                job = render(plan.matrix.profile(key.profile), settings, key.block_size)
                self._jobs[key.profile, key.block_size] = job
            pace = pool_pace(key.pool, 1).faster(plan.faster * plan.faster_pools.get(key.pool, 1.0))
            numbers = tuple(str(number) for number in range(1, key.concurrency + 1))
            chance = random.Random(f"{plan.seed}/{name}")
            results = fio_results(job, pace, numbers, plan.matrix.fio_of(key.profile).runtime_s, chance)
            found = Body(
                results=results,
                measurement=combine(results),
                guests=tuple(combine({number: result}).jobs for number, result in results.items()),
                fairness=least_fair(fairness_of(results)),
                histograms=write_histograms(results.values()),
            )
            if plan.variety is not None:
                self._bodies[name] = found
        return found

    def _measured(
        self, base: Record, turn: Turn, body: Body, doubt: MadeDoubt | None, chance: random.Random
    ) -> Record:
        key, length = base.key, base.duration_s
        starts = {
            number: base.started_at_epoch_ms * 1_000_000 + chance.randrange(900_000)
            for number in body.results
        }
        guests = tuple(
            GuestRecord(
                name=guest_name(key, number),
                node=f"worker-{1 + (int(number) + turn.order) % 6}",
                started_at_epoch_ns=starts[number],
                ended_at_epoch_ns=starts[number] + round(1e9 * length),
                clock_offset_ms=round(chance.gauss(0, 0.4), 3),
                clock_uncertainty_ms=0.31,
                late_ms=0.4,
                witness=_witness(body.results[number]),
                jobs=jobs,
            )
            for number, jobs in zip(body.results, body.guests, strict=True)
        )
        doubts = (
            (Doubt(code=doubt[0], level=doubt[1], text=doubt[3], figures={"found": 0.38}),) if doubt else ()
        )
        failed = doubt is not None and doubt[1] == "invalid"
        beside = Neighbour(pool="rep2", share=0.64, backend="shared", why="both are of backend odf")
        fair = body.fairness
        return replace(
            base,
            status="failed" if failed else "passed",
            reason=f"{doubt[0]}: {doubt[3]}" if failed and doubt else None,
            reason_code=doubt[0] if failed and doubt else None,
            verdict=verdict_of(doubts),
            doubts=doubts,
            beside=(beside,) if doubt and doubt[0] == "shared_backend" else (),
            read=body.measurement.read,
            write=body.measurement.write,
            sync=body.measurement.sync,
            jobs=body.measurement.jobs,
            guests=guests,
            start_skew_ms=round((max(starts.values()) - min(starts.values())) / 1e6, 3),
            shared_window_ms=1000 * length - 1,
            fairness=replace(fair, worst_guest=guest_name(key, fair.worst_guest)) if fair else None,
            software=("fio-3.39", "kernel 5.14.0-570.el9.x86_64"),
        )

    def _files(self, key: Key, body: Body, form: str, chance: random.Random) -> dict[str, str]:
        files: dict[str, str] = {}
        if self.plan.histograms:
            files["histograms.json"] = body.histograms
        if self.plan.raw:
            for number, result in body.results.items():
                name = guest_name(key, number)
                files[f"{name}-series.csv"] = write_series(series_of(result, chance, form))
                files[f"{name}-fio.log"] = "fio: this run is made\n"
                files[f"{name}-facts.json"] = json.dumps({"hostname": name, "fio_version": "fio-3.39"}) + "\n"
        return files


def guest_name(key: Key, number: str) -> str:
    return f"odf-{key.pool}-{key.size[0]}{key.pvc.lower()}-{number}"


def _state(plan: MadePlan, key: Key, repeat: int) -> str:
    if not plan.mixed:
        return "passed"
    if key.pool in plan.skipped_pools:
        return "skipped"
    if random.Random(f"{plan.seed}/group/{key.group}").random() < 0.012:
        return "failed"
    found = random.Random(f"{plan.seed}/state/{key}/{repeat}").random()
    return "invalid" if found < 0.012 else "suspect" if found < 0.05 else "passed"


def _witness(result: FioResult) -> Witness:
    done = {"read": 0, "write": 0}
    for job in result.jobs:
        for direction in done:
            if (part := getattr(job, direction)) is not None:
                done[direction] += round(part.bw_bytes_per_s * part.runtime_ms / 1000)
    identity = DiskIdentity(number="254:16", sectors="314572800", serial="odfperfdata")
    return Witness(
        disk="vdb",
        work=DiskWork(name="vdb", read_bytes=done["read"], written_bytes=done["write"]),
        before=identity,
        after=identity,
        mount_before="254:16 xfs /dev/vdb",
        mount_after="254:16 xfs /dev/vdb",
        swapped_pages=0,
        busy_part=0.31,
        steal_part=0.002,
    )

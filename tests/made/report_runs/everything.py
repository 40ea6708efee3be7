"""A run in which everything went wrong: each state, each doubt, hostile texts wherever one fits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path

from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.capacity.capacity_answer import CapacityAnswer
from pytest_odfperf.measure.capacity.step_outcome import StepOutcome
from pytest_odfperf.measure.neighbours import Neighbour
from pytest_odfperf.measure.record import Record, Status
from pytest_odfperf.measure.storage_health import StorageHealth
from pytest_odfperf.measure.verdicts.doubt import Doubt, verdict_of
from pytest_odfperf.measure.verdicts.rule_table import RULES, Rule
from report_runs.damage import spoil_files, tear
from report_runs.everything_beside import hostile_comparison, hostile_run_json, write_journals
from report_runs.folder import write_lines, write_records, write_run_json
from report_runs.hostile import ALL_AT_ONCE, TEXTS, text_of
from report_runs.plan import BEGAN_S, MadePlan, matrix_of, turns
from report_runs.records import Made, Maker

MATRIX = """
cluster: kubeconfig
namespace: perf
pools: [rep3, ec-2-1, cephfs-rep3, lost, {name: raw, storage_class: raw-sc, target: block}]
vm_sizes: {small: {vcpus: 2, memory: 4Gi}}
pvc_sizes: [150Gi]
concurrency: [1, 4]
profiles: [random-rw, mixed-70-30, db-oltp]
block_sizes: [4k, 64k]
fio: {runtime: 60s, ramp: 5s, iodepth: 8, numjobs: 2, file_size: 1G}
limits:
  "rep3:*:*:*:random-rw:4k": [read iops >= 10k, write p99 < 5ms]
  "ec-2-1:*:*:*:random-rw:*": [read iops >= 10M]
  "*:*:*:*:db-oltp:*": [sync p99 < 100ms]
"""


def everything_plan(run_id: str = "everything-1") -> MadePlan:
    matrix = matrix_of(MATRIX, "everything")
    return MadePlan(
        matrix=matrix, keys=expand(matrix), run_id=run_id, repeats=2, workers=2, mixed=False, raw=True
    )


def make_everything(results: Path, run_id: str = "everything-1") -> Path:
    """The folder of that run. Also records of an earlier definition, of users' own tests, and torn lines."""
    plan = everything_plan(run_id)
    folder = results / run_id
    folder.mkdir(parents=True)
    maker = Maker(plan)
    every = list(turns(plan))
    found = list(_records(plan, maker))
    write_records(folder, found)
    tear(folder, found)
    spoil_files(folder, found)
    loads = [turn for turn in every if turn.key is None]
    write_lines(
        folder / "loads.jsonl",
        [
            *(
                {"at": turn.at_s, "process": turn.worker, "pool": turn.pool, "load": turn.load}
                for turn in loads
            ),
            {
                "at": BEGAN_S + 99,
                "process": text_of(0, "process"),
                "pool": text_of(3, "pool"),
                "load": "working",
            },
            {"at": "never", "pool": 7, "load": text_of(2, "load")},
            {"at": BEGAN_S + 500, "session": True},
        ],
    )
    write_journals(folder)
    write_run_json(folder, hostile_run_json(plan, maker.hashes))
    (folder / "comparison.json").write_text(json.dumps(hostile_comparison(plan)))
    for pool in ("rep3", "ec-2-1"):
        (folder / pool / "pool.log").write_bytes(ALL_AT_ONCE.encode("utf-8", "backslashreplace"))
    return folder


def _records(plan: MadePlan, maker: Maker) -> Iterator[Made]:
    codes = cycle(RULES)
    hostile = 0
    for number, turn in enumerate(sorted((one for one in turns(plan) if one.key), key=lambda one: one.at_s)):
        assert turn.key is not None
        key = turn.key
        made = maker.made(turn)
        record = made.record
        hostile += 1
        if key.pool == "lost":
            why = f"pool lost: {TEXTS[number % len(TEXTS)]}"
            yield Made(_bare(record, "skipped", why, None))
            continue
        if number % 11 == 7:
            yield Made(_bare(record, "error", text_of(hostile, "reason"), "no_room"))
            continue
        if number % 13 == 5:
            # A worker that died.
            yield Made(_bare(record, "failed", f"the worker died while it measured {record.test}", None))
            continue
        if number % 17 == 9:
            continue  # not run
        if number % 3:
            record = _doubted(record, [next(codes), next(codes)], number)
        yield Made(_hostile(record, hostile), made.files)
    yield from _more(plan, maker)


def _doubted(record: Record, rules: list[Rule], number: int) -> Record:
    """``record`` with an objection of each of ``rules``; what can be either is suspect each second time."""
    levels = [rule.levels[number % len(rule.levels)] for rule in rules]
    doubts = tuple(
        Doubt(
            code=rule.code,
            level=level,
            text=text_of(number + place, "doubt"),
            figures={"iops": 1.5, "x_ns": 3e9},
        )
        for place, (rule, level) in enumerate(zip(rules, levels, strict=True))
    )
    record = replace(record, doubts=doubts, verdict=verdict_of(doubts))
    if record.usable:
        return record
    code = next(doubt.code for doubt in doubts if doubt.level == "invalid")
    status: Status = "skipped" if number % 7 == 0 else "failed"
    return replace(record, status=status, reason=f"{code}: {doubts[0].text}", reason_code=code, limits=())


def _bare(record: Record, status: Status, reason: str, code: str | None) -> Record:
    """Without a measurement."""
    return replace(
        record,
        status=status,
        reason=reason,
        reason_code=code,
        verdict=None,
        read=None,
        write=None,
        sync=None,
        jobs=(),
        guests=(),
        fairness=None,
        artefacts=(),
        limits=(),
        over_repeats=None,
        software=(),
        diagnosis="rep3/small/150Gi/1/diagnosis/1" if status == "error" else None,
    )


def _hostile(record: Record, number: int) -> Record:
    guests = tuple(
        replace(
            guest,
            name=text_of(number + place, guest.name),
            node=text_of(number + place, "node"),
            migrated_from=text_of(number, "left") if place == 0 else None,
            reconnects=place,
            clock_jump_s=-3.5 if place == 1 else None,
            witness=None if place == 2 else guest.witness,
        )
        for place, guest in enumerate(record.guests)
    )
    return replace(
        record,
        guests=guests,
        worker=text_of(number + 1, "worker"),
        notes=(text_of(number + 2, "note"), "guest x: it was migrated while fio ran"),
        software=(text_of(number + 3, "fio"), "kernel 5.14"),
        marking=("SIMULATED", "SIMULATED, BUFFERED")[number % 2],
        beside=(
            Neighbour(
                pool=text_of(number + 4, "pool"),
                share=None,
                backend="not_known",
                why=text_of(number + 5, "why"),
            ),
            Neighbour(pool="ec-2-1", share=0.4, backend="shared", why="backend odf", disks="root"),
        ),
        health=StorageHealth(
            before="HEALTH_OK",
            after=f"HEALTH_WARN {TEXTS[(number + 6) % len(TEXTS)]}",
            changed=(text_of(number + 7, "changed"),),
            checked_at=text_of(number + 8, "checked"),
            pgs=(text_of(number + 9, "pgs"),),
        ),
        target="block" if record.key.pool == "raw" else None,
    )


def _more(plan: MadePlan, maker: Maker) -> Iterator[Made]:
    """What a run has once: users' own tests, an older definition, odd figures, a capacity."""
    measured = [turn for turn in turns(plan) if turn.key and turn.key.pool == "rep3"]
    first = measured[0]
    again = Maker(replace(plan, repeats=1, run_id=plan.run_id))
    made = again.made(first)
    record = made.record
    yield Made(replace(record, test=f"test_mine.py::test_of_mine[{record.key}]", limits=()))
    yield Made(
        replace(
            record,
            test=f"test_mine.py::test_{TEXTS[0]}[{record.key}]",
            status="failed",
            reason=f"AssertionError: {ALL_AT_ONCE}",
            reason_code=None,
        )
    )
    yield Made(replace(record, definition="0" * 64, reason="an older definition", started_at_epoch_ms=1000))
    alien = Key.parse("rep3:small:150Gi:64:random-rw:4k")
    yield Made(replace(record, key=alien, test=f"odfperf::test_storage[{alien}]", definition=None))
    odd = measured[4]
    assert odd.key is not None
    strange = again.made(odd).record
    assert strange.jobs
    yield Made(replace(_odd(strange), test=f"test_mine.py::test_odd[{odd.key}]"))
    step = StepOutcome(
        vms=4,
        attempt=1,
        purpose="search",
        started_at_epoch_ms=record.started_at_epoch_ms,
        iops_per_s=800.0,
        asked_iops_per_s=4000.0,
        lat_p99_ns=31_000_000,
        worst_guest_lat_p99_ns=90_000_000,
        fairness=0.7,
        broke=(text_of(4, "broke"),),
    )
    capacity = CapacityAnswer(
        rate_iops=1000,
        lat_p99_limit_ns=20_000_000,
        kept_vms=3,
        broken_vms=4,
        broke_first=(text_of(1, "first"),),
        no_room_vms=None,
        most_vms=10,
        steps=(replace(step, vms=3, broke=()), step),
        drift=text_of(2, "drift"),
    )
    yield Made(replace(record, test=f"test_mine.py::test_capacity[{record.key}]", capacity=capacity))


def _odd(record: Record) -> Record:
    """The least and the largest that a figure can be; what is not carried; what is beyond the histogram."""
    job = record.jobs[0]
    part = job.read or job.write
    assert part is not None
    least = replace(
        part,
        iops_per_s=0.0001,
        bw_bytes_per_s=0.4,
        total_ios=1,
        lat_mean_ns=1e-9,
        lat_p50_ns=0,
        lat_p95_ns=0,
        lat_p99_ns=0,
        lat_p999_ns=None,
        lat_p99_trusted=False,
        guest_lat_p99_trusted=False,
        lat_stddev_ns=0.0,
        median_guest_lat_p99_ns=None,
    )
    most = replace(
        part,
        iops_per_s=1e15 / 3,
        bw_bytes_per_s=1e18,
        total_ios=2**53 + 1,
        lat_p99_ns=2**62,
        lat_max_ns=2**62,
        lat_saturated=True,
    )
    jobs = (replace(job, read=least, write=most),)
    guest = replace(record.guests[0], jobs=jobs)
    return replace(
        record, read=least, write=most, sync=None, jobs=jobs, guests=(guest,), limits=(), fairness=None
    )

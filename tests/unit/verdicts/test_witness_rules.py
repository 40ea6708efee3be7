"""Where the bytes went, by the guest's own counters: lies are told, and honest guests believed."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.fio.answers.output import parse
from pytest_odfperf.fio.job import Job, read_job
from pytest_odfperf.fio.raw_device import on_device
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import FioSettings
from pytest_odfperf.measure.verdicts.evidence import Evidence, GuestEvidence
from pytest_odfperf.measure.verdicts.rules.witness_rules import fio_bytes, most_bytes, stolen_cpu, witnessed
from pytest_odfperf.measure.witness import DiskWork, read_witness
from pytest_odfperf.sandbox.config.guest_faults import read_guest_faults
from pytest_odfperf.sandbox.config.parse_config import ModelConfig
from pytest_odfperf.sandbox.machines.base import Backend, DiskSpec
from pytest_odfperf.sandbox.machines.simulated.simulated_fio import answer
from pytest_odfperf.sandbox.machines.simulated.simulated_job import parse_job
from pytest_odfperf.sandbox.machines.simulated.simulated_witness import witness_text

GLOBAL = (
    "[global]\nioengine=libaio\ntime_based=1\ngroup_reporting=1\nlat_percentiles=1\nfilename=fio-testfile\n"
)
READS = "[a]\nrw=randread\nbs=4k\n"
RAW = "raw"


def job(
    sections: str = READS, *, direct: int = 1, ramp_s: int = 5, iodepth: int = 8, own_files: bool = False
) -> Job:
    head = GLOBAL.replace("filename=fio-testfile\n", "") if own_files else GLOBAL
    options = f"direct={direct}\niodepth={iodepth}\nsize=64m\nruntime=20\nramp_time={ramp_s}\n"
    return read_job(head + options + sections)


def disk(name: str, serial: str | None) -> DiskSpec:
    backend = Backend(name="sc", directory=None)  # type: ignore[arg-type]
    return DiskSpec(name=name, serial=serial, size_bytes=1 << 30, boot=False, backend=backend, volume=name)


def evidence(wanted: Job, *, ramp_s: int = 5, data_dir: str | None = "/mnt/data", **faults: Any) -> Evidence:
    settings = FioSettings(runtime_s=20, ramp_s=ramp_s, iodepth=8, numjobs=1, file_size_bytes=64 << 20)
    simulated = parse_job(wanted.text)
    document, logs = answer(simulated, ModelConfig(), [], Random(1), directory=data_dir)  # type: ignore[arg-type]
    disks = (disk("root", None), disk("data", "odfperfdata"))
    told = read_guest_faults(faults, "faults")
    text = witness_text(disks, disks[1], data_dir, document, simulated, told)
    result = parse(_json(document), wanted, settings, logs=logs)
    guest = GuestEvidence(
        name="vm-0",
        result=result,
        started_at_epoch_ns=0,
        ended_at_epoch_ns=25 * 10**9,
        ran_s=25.0,
        witness=read_witness(text),
    )
    return Evidence(key=Key.parse("p:s:1Gi:1:x:4k"), job=wanted, settings=settings, guests=(guest,))


def _json(document: dict[str, Any]) -> str:
    import json

    return json.dumps(document)


def said(of: Evidence) -> set[tuple[str, str]]:
    return {(doubt.code, doubt.level) for doubt in (*witnessed(of), *stolen_cpu(of))}


MIX = "[b]\nstonewall\nrw=randrw\nrwmixread=70\nbs=8k\n"
PHASES = f"[a]\nrw=write\nbs=64k\n{MIX}[c]\nstonewall\nrw=randread\nbs=4k\n"


@pytest.mark.parametrize(
    "sections",
    [
        READS,
        "[a]\nrw=randwrite\nbs=4k\nfsync=1\n",
        "[a]\nrw=write\nbs=1m\nnumjobs=4\n",
        "[a]\nrw=randrw\nbssplit=4k/50:64k/50\n",
        "[a]\nrw=randread\nbs=4k\nrate_iops=20\n",
        PHASES,
    ],
)
@pytest.mark.parametrize("ramp_s", [0, 5, 40])
def test_an_honest_guest_is_believed(sections: str, ramp_s: int) -> None:
    assert said(evidence(job(sections, ramp_s=ramp_s), ramp_s=ramp_s)) == set()


LIES = [
    ({"unseen_part": 1.0}, ("bytes_missing", "invalid")),
    ({"unseen_part": 0.25}, ("bytes_missing", "invalid")),
    ({"unseen_part": 0.15}, ("bytes_missing", "suspect")),
    ({"wrong_disk": True}, ("other_disk_worked", "invalid")),
    ({"disk_changes": True}, ("disk_changed", "invalid")),
    ({"mount_changes": True}, ("disk_changed", "invalid")),
    ({"swap_pages": 1}, ("swapped", "suspect")),
    ({"steal_part": 0.25}, ("cpu_stolen", "suspect")),
    ({"foreign_part": 0.3}, ("foreign_io", "suspect")),
    ({"foreign_part": 1.0}, ("foreign_io", "invalid")),
]


def test_a_little_stolen_time_is_usual() -> None:
    assert said(evidence(job(), steal_part=0.15)) == set()


@pytest.mark.parametrize(("fault", "doubt"), LIES)
def test_a_lie_is_told_with_its_level(fault: dict[str, Any], doubt: tuple[str, str]) -> None:
    assert doubt in said(evidence(job(), **fault))


@pytest.mark.parametrize("sections", ["[a]\nrw=randwrite\nbs=4k\n", PHASES])
@pytest.mark.parametrize(("fault", "doubt"), [LIES[0], LIES[2], LIES[3]])
def test_it_is_in_writes_and_in_several_phases_too(
    sections: str, fault: dict[str, Any], doubt: tuple[str, str]
) -> None:
    assert doubt in said(evidence(job(sections), **fault))


def test_on_the_raw_disk_nothing_is_mounted() -> None:
    raw = on_device(job(own_files=True), file_size_bytes=64 << 20, source="x")
    assert said(evidence(raw, data_dir=None)) == set()
    assert ("bytes_missing", "invalid") in said(evidence(raw, data_dir=None, unseen_part=0.5))
    assert ("disk_changed", "invalid") in said(evidence(raw, data_dir=None, disk_changes=True))
    # Files are on it, says the kernel, and the profile means files.
    assert ("disk_changed", "invalid") in said(evidence(job(), data_dir=None))


def test_of_the_page_cache_bytes_say_nothing_and_the_rest_does() -> None:
    buffered = job(direct=0)
    assert said(evidence(buffered, unseen_part=1.0)) == set()
    assert said(evidence(buffered, foreign_part=9.0)) == set()
    assert ("swapped", "suspect") in said(evidence(buffered, swap_pages=9))
    assert ("disk_changed", "invalid") in said(evidence(buffered, disk_changes=True))


def with_work(of: Evidence, **work: Any) -> Evidence:
    guest = of.guests[0]
    assert guest.witness is not None
    return replace(of, guests=(replace(guest, witness=replace(guest.witness, **work)),))


def test_reads_need_no_writes_and_files_of_its_own_may_be_laid_out() -> None:
    reads, own = evidence(job()), evidence(job(own_files=True))
    done = reads.guests[0].witness
    assert done is not None
    assert done.work is not None
    written = replace(done.work, written_bytes=48 << 20)
    assert said(with_work(reads, work=written)) == {("foreign_io", "suspect")}
    assert said(with_work(own, work=written)) == set()


def test_other_disks_and_counters_that_are_not_there() -> None:
    honest = evidence(job())
    big = DiskWork(name="vda", read_bytes=0, written_bytes=int(fio_bytes(honest.guests[0].result, "read")))
    assert said(with_work(honest, others=(big,))) == {("other_disk_busy", "suspect")}
    assert said(with_work(honest, work=None)) == {("disk_changed", "invalid")}
    gone = replace(honest, guests=(replace(honest.guests[0], witness=None, witness_problem="it sent none"),))
    assert said(gone) == {("no_witness", "suspect")}
    unknown = replace(honest, guests=(replace(honest.guests[0], witness=None),))
    assert said(unknown) == set()


@given(part=st.floats(0, 3), pace=st.floats(0.5, 2), missing=st.floats(0, 1))
def test_what_the_disk_did_is_judged_by_how_much_of_it(part: float, pace: float, missing: float) -> None:
    """A ramp of half to twice the pace of the rest is believed, if nothing is missing or foreign."""
    honest = HONEST
    result, settings = honest.guests[0].result, honest.settings
    counted = fio_bytes(result, "read")
    ramp = pace * counted * settings.ramp_s / settings.runtime_s
    read = int((counted + ramp) * (1 - missing) + part * counted)
    found = said(with_work(honest, work=DiskWork(name="vdb", read_bytes=read, written_bytes=0)))
    assert (("bytes_missing", "invalid") in found) == (read < 0.98 * counted)
    excess = read - most_bytes(honest.job, settings, result, "read")
    assert (("foreign_io", "suspect") in found) == (0 < excess <= counted)
    assert (("foreign_io", "invalid") in found) == (excess > counted)
    if part == 0 and missing == 0:
        assert found == set()


HONEST = evidence(job())

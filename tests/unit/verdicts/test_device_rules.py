"""Caps: where they are known from, and that a rate above one is invalid and no other is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.cluster.facts.caps import PARAMETERS, caps_of
from pytest_odfperf.errors import InputError
from pytest_odfperf.fio.answers.fio_result import DirectionResult, FioResult, JobResult
from pytest_odfperf.fio.histogram import Histogram
from pytest_odfperf.fio.job import read_job
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import FioSettings, Matrix
from pytest_odfperf.matrix.reading.load import load_text
from pytest_odfperf.matrix.serial import from_json, to_json
from pytest_odfperf.matrix.values.caps import CAPS
from pytest_odfperf.measure.verdicts.evidence import Evidence, GuestEvidence
from pytest_odfperf.measure.verdicts.rules.device_rules import BEYOND_SHARE, BURST_S, caps
from pytest_odfperf.sandbox.config.parse_config import parse_config
from pytest_odfperf.sandbox.reconcilers.start_objects import _storage_class

RUNTIME_S = 10
JOB = read_job(
    "[global]\ntime_based\ngroup_reporting\nlat_percentiles=1\nruntime=10\nsize=1m\nioengine=libaio\ndirect=1\n"
    "bs=4k\n[a]\nrw=randrw\n[b]\nstonewall\nrw=randrw\n"
)


def part(iops: float) -> DirectionResult | None:
    return DirectionResult(
        iops_per_s=iops,
        bw_bytes_per_s=4096 * iops,
        total_ios=int(iops * RUNTIME_S),
        runtime_ms=1000 * RUNTIME_S,
        lat_mean_ns=1e6,
        lat_stddev_ns=0.0,
        lat_min_ns=1_000_000,
        lat_max_ns=1_000_000,
        histogram=Histogram.from_values([1_000_000]),
    )


def evidence(guests: list[list[tuple[float, float]]], known: dict[str, float]) -> Evidence:
    """Each guest's reads and writes by phase."""
    found = []
    for number, phases in enumerate(guests):
        jobs = tuple(
            JobResult(name=name, phase=phase, read=part(reads), write=part(writes))
            for phase, (name, (reads, writes)) in enumerate(zip("ab", phases, strict=True))
        )
        found.append(
            GuestEvidence(
                name=f"vm-{number}",
                result=FioResult(fio_version="fio-3.33", jobs=jobs),
                started_at_epoch_ns=0,
                ended_at_epoch_ns=0,
                ran_s=RUNTIME_S,
            )
        )
    return Evidence(
        key=Key.parse("a:s:1Gi:1:p:4k"),
        job=JOB,
        settings=FioSettings(runtime_s=RUNTIME_S),
        guests=tuple(found),
        caps=known,
    )


RATES = st.floats(1, 1e6)


@given(
    guests=st.lists(st.lists(st.tuples(RATES, RATES), min_size=2, max_size=2), min_size=1, max_size=4),
    name=st.sampled_from(CAPS),
    factor=st.floats(0.5, 2),
)
def test_a_rate_above_a_cap_is_invalid_and_no_other_is(
    guests: list[list[tuple[float, float]]], name: str, factor: float
) -> None:
    def rate(reads: float, writes: float) -> float:
        iops = {"read": reads, "write": writes}.get(name.partition("_")[0], reads + writes)
        return iops * (4096 if name.endswith("bandwidth") else 1)

    each = [[rate(*one) for one in guest] for guest in guests]
    together = [sum(guest[phase] for guest in each) for phase in (0, 1)]
    largest = max(together) if name.startswith("backend") else max(max(guest) for guest in each)
    limit = 1 + BEYOND_SHARE + BURST_S / RUNTIME_S
    doubts = list(caps(evidence(guests, {name: largest * factor})))
    if factor * limit < 0.999:
        assert {(doubt.code, doubt.level) for doubt in doubts} == {("above_cap", "invalid")}
    elif factor * limit > 1.001:
        assert doubts == []


@pytest.mark.parametrize(
    ("provisioner", "parameters", "annotations", "known"),
    [
        (
            "ebs.csi.aws.com",
            {"iops": "3000", "throughput": "125"},
            {},
            {"iops": 3000, "bandwidth": 125 << 20},
        ),
        (
            "pd.csi.storage.gke.io",
            {"provisioned-iops-on-create": "10000", "provisioned-throughput-on-create": "400Mi"},
            {},
            {"iops": 10_000, "bandwidth": 400 << 20},
        ),
        ("disk.csi.azure.com", {"DiskIOPSReadWrite": "500"}, {}, {"iops": 500}),
        ("any", {"iops": "3000"}, {}, {}),
        ("any", {}, {"odfperf/iops": "200", "odfperf/backend-bandwidth": "1e6"}, {"iops": 200}),
        ("any", {}, {"odfperf/write-iops": "0", "odfperf/iops": "-5", "odfperf/bandwidth": "many"}, {}),
        ("openshift-storage.rbd.csi.ceph.com", {"BaseIops": "100"}, {}, {}),
    ],
)
def test_caps_are_what_a_storage_class_says(
    provisioner: str, parameters: dict[str, str], annotations: dict[str, str], known: dict[str, float]
) -> None:
    assert caps_of(provisioner, parameters, annotations) == known
    assert all(cap in CAPS for rows in PARAMETERS.values() for _, cap, _ in rows)


MATRIX = """
pools: [{name: a, caps: {iops: 500, bandwidth: 16Mi}}, b]
vm_sizes: {small: {vcpus: 2, memory: 4Gi}}
pvc_sizes: [10Gi]
concurrency: [1]
profiles: [random-rw]
block_sizes: [4k]
"""


def test_a_matrix_has_caps_of_its_own(tmp_path: Path) -> None:
    def load(text: str) -> Matrix:
        return load_text(text, source="m.yaml", folder=tmp_path, name="m")

    matrix = load(MATRIX)
    assert matrix.pool("a").caps == {"iops": 500.0, "bandwidth": float(16 << 20)}
    assert from_json(json.loads(json.dumps(to_json(matrix)))) == matrix
    for wrong in ("{iops: 0}", "{iops: many}", "{bandwidth: 0}", "{ipos: 5}", "[500]"):
        with pytest.raises(InputError, match=r"m\.yaml:2"):
            load(MATRIX.replace("{iops: 500, bandwidth: 16Mi}", wrong))


def test_the_sandbox_says_its_limits_as_annotations() -> None:
    config = parse_config(
        {
            "machine": "simulated",
            "backends": {"disks": {"iops": 9000}},
            "storage_classes": {"capped": {"backend": {"iops": 200}, "model": {"backend": "disks"}}},
        }
    )
    (made,) = [_storage_class(sc, config) for sc in config.storage_classes if sc.name == "capped"]
    found = caps_of(made["provisioner"], made["parameters"], made["metadata"]["annotations"])
    assert found == {"iops": 200, "backend_iops": 9000}

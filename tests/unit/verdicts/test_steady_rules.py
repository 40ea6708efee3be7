"""Simulated guests whose speed changes, and what the rules say of them: by kind, length, load and number."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from profile_texts import HEAD

from pytest_odfperf.fio.answers.output import parse
from pytest_odfperf.fio.job import render
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import FioSettings, Profile
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.measure.verdicts.evidence import Evidence, GuestEvidence
from pytest_odfperf.measure.verdicts.rules.guest_rules import uneven
from pytest_odfperf.measure.verdicts.rules.steady_rules import latencies, open_loop, steady
from pytest_odfperf.sandbox.config.parse_config import ModelConfig
from pytest_odfperf.sandbox.machines.simulated.simulated_fio import answer
from pytest_odfperf.sandbox.machines.simulated.simulated_job import parse_job
from pytest_odfperf.sandbox.machines.simulated.volume.pace import Pace
from pytest_odfperf.sandbox.machines.simulated.volume.storage_model import Limits

READS = "[a]\nrw=randread\n"
LOADS = {
    "reads": READS,
    "mix": "[a]\nrw=randrw\nrwmixread=70\n",
    "rare writes": "[a]\nrw=randrw\nrwmixread=98\n",
}


def evidence(
    paces: Sequence[Pace],
    body: str = READS,
    *,
    runtime_s: int = 10,
    workers: int = 1,
    iops: Sequence[float] = (2000,),
    late_s: Sequence[float] = (0,),
    jitter: float = 0.0,
) -> Evidence:
    """Guests, each with its pace; the last of ``iops`` and ``late_s`` hold for all after it."""
    settings = FioSettings(runtime_s=runtime_s, ramp_s=1, numjobs=workers, iodepth=16)
    job = render(
        Profile(name="p", template=f"{HEAD}bs=4k\n{body}", block_sizes=("native",)), settings, "native"
    )
    guests = []
    for number, pace in enumerate(paces):
        limit = Limits(iops=iops[min(number, len(iops) - 1)])
        model = ModelConfig(jitter=jitter)
        document, logs = answer(
            parse_job(job.text), model, [limit], Random(number), directory="/mnt/data", pace=pace
        )
        result = parse(json.dumps(document), job, settings, logs=logs)
        assert result.notes == ()
        start_ns = int(1e9 * (1_000_000 + late_s[min(number, len(late_s) - 1)]))
        guests.append(
            GuestEvidence(
                name=f"g{number + 1}",
                result=result,
                started_at_epoch_ns=start_ns,
                ended_at_epoch_ns=start_ns + int(1e9 * (runtime_s + 1)),
                ran_s=runtime_s + 1,
            )
        )
    key = Key.parse("pool:small:10Gi:1:p:native")
    return Evidence(key=key, job=job, settings=settings, guests=tuple(guests))


def said(found: Evidence) -> list[tuple[str, str]]:
    return [(doubt.code, doubt.level) for doubt in doubts(found)]


def doubts(found: Evidence) -> list[Doubt]:
    return [doubt for look in (steady, open_loop, uneven) for doubt in look(found)]


def forms(runtime_s: float) -> dict[str, tuple[Pace, tuple[str, str]]]:
    r = runtime_s
    return {
        "short stall": (Pace(steps=((0.3 * r, 0), (0.3 * r + 1.2, 1))), ("stall", "suspect")),
        "stall at the start": (Pace(steps=((0, 0), (1.5, 1))), ("stall", "suspect")),
        "stall at the end": (Pace(steps=((r - 1.9, 0),)), ("stall", "suspect")),
        "two stalls": (
            Pace(steps=((0.3 * r, 0), (0.3 * r + 1.2, 1), (0.6 * r, 0), (0.6 * r + 1.2, 1))),
            ("stall", "invalid" if r == 10 else "suspect"),
        ),
        "long stall": (Pace(steps=((0.3 * r, 0), (0.6 * r, 1))), ("stall", "invalid")),
        "burst": (Pace(steps=((0, 1.6), (0.25 * r, 1))), ("burst_then_cap", "suspect")),
        "great burst": (Pace(steps=((0, 8), (0.1 * r, 1))), ("burst_then_cap", "invalid")),
        "drop": (Pace(steps=((0.7 * r, 0.7),)), ("outside_event", "suspect")),
        "dip": (Pace(steps=((0.5 * r, 0.4), (0.7 * r, 1))), ("outside_event", "suspect")),
        "drift": (Pace(drift=-0.35), ("drift", "suspect")),
        "climb": (Pace(drift=0.5), ("drift", "suspect")),
        "warm-up": (Pace(warm_up_s=0.13 * r), ("warm_up", "suspect")),
    }


@pytest.mark.parametrize("runtime_s", [10, 60])
@pytest.mark.parametrize("name", forms(10))
@pytest.mark.parametrize(("load", "workers"), [("reads", 1), ("mix", 2)])
def test_each_form_is_told_by_its_name(name: str, runtime_s: int, load: str, workers: int) -> None:
    pace, wanted = forms(runtime_s)[name]
    assert said(evidence([pace], LOADS[load], runtime_s=runtime_s, workers=workers)) == [wanted]


@pytest.mark.parametrize("runtime_s", [1, 10, 120])
@pytest.mark.parametrize("load", ["reads", "mix", "rare writes"])
@pytest.mark.parametrize(("guests", "iops"), [(1, 2000), (5, 2000), (2, 16), (1, 200)])
def test_clean_guests_are_not_doubted(runtime_s: int, load: str, guests: int, iops: float) -> None:
    if load == "rare writes" and iops * runtime_s < 2000:
        load = "reads"
    iops = max(iops, 100 / runtime_s)
    found = evidence([Pace()] * guests, LOADS[load], runtime_s=runtime_s, workers=2, iops=[iops])
    assert said(found) == []


def test_a_jitter_of_5_percent_is_steady_and_one_of_25_percent_noisy() -> None:
    assert said(evidence([Pace()], runtime_s=60, jitter=0.05)) == []
    assert said(evidence([Pace()], runtime_s=60, jitter=0.25)) == [("noisy", "suspect")]


def test_a_stall_that_the_rate_made_up_for_is_found() -> None:
    pace = Pace(steps=((10, 0), (42, 1)))
    found = evidence([pace], f"{READS}rate_iops=20\n", runtime_s=60)
    assert found.guests[0].result.jobs[0].read is not None
    assert found.guests[0].result.jobs[0].read.iops_per_s == pytest.approx(20, rel=0.01)
    (doubt,) = doubts(found)
    assert (doubt.code, doubt.level) == ("stall", "invalid")
    assert doubt.figures["longest_ms"] == pytest.approx(32_000, rel=0.05)
    assert "\n" not in doubt.text


@pytest.mark.parametrize(
    ("options", "iops", "wanted"),
    [
        ("rate_iops=500", 2000, []),
        ("rate_iops=500", 400, [("saturated", "suspect")]),
        # 16 I/Os at 500 a second are 32 ms, and the full queue takes 16 / 510.
        ("rate_iops=500", 497, [("depth_exhausted", "suspect")]),
        ("rate=4m", 2000, []),
        ("rate=4m", 800, [("saturated", "suspect")]),
        ("rate_iops=1000\niodepth=1", 40_000, []),
        ("rate_iops=3000\niodepth=1", 40_000, [("depth_exhausted", "suspect")]),
        ("rate_iops=4000\niodepth=1", 40_000, [("saturated", "suspect")]),
    ],
)
def test_a_rate_is_held_or_told(options: str, iops: float, wanted: list[tuple[str, str]]) -> None:
    assert said(evidence([Pace()], f"{READS}{options}\n", iops=[iops])) == wanted


def test_a_rate_for_each_direction_is_held_or_told_for_each() -> None:
    body = "[a]\nrw=randrw\nrwmixread=70\nrate_iops=700,300\n"
    assert said(evidence([Pace()], body)) == []
    codes = said(evidence([Pace()], body, iops=[800]))
    assert codes == [("saturated", "suspect")] * 2


def test_at_a_fixed_rate_a_change_of_the_latency_is_told() -> None:
    body = f"{READS}rate_iops=200\n"
    found = evidence([Pace(steps=((4, 0.2),))], body)
    assert said(found) == []
    (doubt,) = latencies(found)
    assert (doubt.code, doubt.level) == ("latency_changed", "suspect")
    assert doubt.figures["after_lat_mean_ns"] > 4 * doubt.figures["before_lat_mean_ns"]
    assert list(latencies(evidence([Pace(steps=((4, 0.8),))], body))) == []
    assert list(latencies(evidence([Pace()] * 3, body, jitter=0.2))) == []
    # In closed loop the rate shows it.
    assert list(latencies(evidence([Pace(steps=((4, 0.2),))]))) == []


def test_a_level_at_a_known_cap_is_a_cap_whenever_it_begins() -> None:
    late = evidence([Pace(steps=((0, 1.6), (7, 1)))])
    assert [code for code, _ in said(late)] == ["outside_event"]
    assert [code for code, _ in said(replace(late, caps={"iops": 2000}))] == ["burst_then_cap"]
    assert [code for code, _ in said(replace(late, caps={"bandwidth": 2000 * 4096}))] == ["burst_then_cap"]
    assert [code for code, _ in said(replace(late, caps={"write_iops": 2000}))] == ["outside_event"]


def test_a_queue_that_fills_up_at_its_rate_is_told() -> None:
    # Slow for a while: the rate is made up for, but what waited for the full queue has no latency.
    pace = Pace(steps=((4, 0.2), (6, 1)))
    assert said(evidence([pace], f"{READS}rate_iops=1000\niodepth=4\n")) == [
        ("noisy", "suspect"),
        ("depth_exhausted", "suspect"),
    ]


@pytest.mark.parametrize(
    ("iops", "wanted"),
    [
        ([1200, 1000], []),
        ([1200, 1000, 1100, 1000], []),
        ([1000, 450], [("uneven_guests", "suspect")]),
        ([1000, 1000, 1000, 400], [("uneven_guests", "suspect")]),
        ([1000, 1000, 1000, 20], [("uneven_guests", "invalid")]),
        ([1000, 20], [("uneven_guests", "invalid")]),
        ([1000] * 49 + [20], [("uneven_guests", "invalid")]),
    ],
)
def test_guests_that_are_served_unevenly_are_told(iops: list[float], wanted: list[tuple[str, str]]) -> None:
    found = evidence([Pace()] * len(iops), iops=iops)
    assert said(found) == wanted
    for doubt in doubts(found):
        assert f"guest g{len(iops)} did" in doubt.text


def test_a_guest_that_runs_alone_at_the_end_is_not_uneven_for_that() -> None:
    # Together each has 500; the second began 5 s late, and has 1500 once it is alone.
    alone = Pace(steps=((5, 3),))
    found = evidence([Pace(), alone], iops=[500], late_s=[0, 5])
    assert [doubt.code for doubt in uneven(found)] == []
    assert [doubt.code for doubt in uneven(evidence([Pace(), alone], iops=[500]))] == []


def test_of_several_guests_the_one_that_stalls_is_named_and_a_common_change_is_told_once() -> None:
    stall = Pace(steps=((3, 0), (5, 1)))
    (doubt,) = doubts(evidence([Pace(), stall, Pace()]))
    assert doubt.code == "stall"
    assert doubt.text.startswith("guest g2, job a: nothing completed for 2.0 s, from 3.0 s on, of 10 s")
    drop = Pace(steps=((6, 0.6),))
    (doubt,) = doubts(evidence([drop] * 5))
    assert (doubt.code, doubt.text[:6]) == ("outside_event", "job a:")
    # One of five: the sum hardly changes, the guest does.
    (doubt,) = doubts(evidence([Pace(), Pace(), drop, Pace(), Pace()]))
    assert (doubt.code, doubt.text[:15]) == ("outside_event", "guest g3, job a")

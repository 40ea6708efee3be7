from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.sandbox.config.parse_config import ModelConfig
from pytest_odfperf.sandbox.machines.simulated.volume.storage_model import Limits, Load, rates

QUIET = ModelConfig(noise=0.0)


def load(**changes: object) -> Load:
    usual: dict[str, object] = {"outstanding": 128, "read_part": 1.0, "block_bytes": 4096}
    return Load(**{**usual, **changes})  # type: ignore[arg-type]


loads = st.builds(
    Load,
    outstanding=st.integers(1, 4096),
    read_part=st.floats(0, 1),
    block_bytes=st.sampled_from([512, 4096, 65536, 1 << 20]),
    read_rate_iops=st.none() | st.floats(1, 1e5),
    write_rate_iops=st.none() | st.floats(1, 1e5),
)


@given(st.lists(loads, min_size=1, max_size=4), st.integers(1, 100_000), st.integers(1 << 16, 1 << 33))
def test_no_load_gets_more_than_peaks_and_limits(
    asked: list[Load], iops: int, bandwidth_bytes_per_s: int
) -> None:
    got = rates(QUIET, asked, [Limits(iops=iops, bandwidth_bytes_per_s=bandwidth_bytes_per_s)], Random(0))
    total = sum(rate.read_iops + rate.write_iops for rate in got)
    moved = sum((r.read_iops + r.write_iops) * a.block_bytes for r, a in zip(got, asked, strict=True))
    assert total <= iops * 1.000001
    assert moved <= bandwidth_bytes_per_s * 1.000001
    assert sum(rate.read_iops for rate in got) <= QUIET.read_iops * 1.000001
    for rate, wanted in zip(got, asked, strict=True):
        if wanted.read_rate_iops and wanted.read_part > 0:
            assert rate.read_iops <= wanted.read_rate_iops * 1.000001


@given(loads)
def test_latency_is_never_longer_than_the_queue_explains_nor_shorter_than_the_floor(asked: Load) -> None:
    (rate,) = rates(QUIET, [asked], [], Random(0))
    mean_ns = rate.read_lat_mean_ns * asked.read_part + rate.write_lat_mean_ns * (1 - asked.read_part)
    in_flight = (rate.read_iops + rate.write_iops) * mean_ns / 1e9
    assert in_flight <= asked.outstanding * 1.000001
    if asked.read_part > 0:
        assert rate.read_lat_mean_ns >= QUIET.read_lat_us * 1000 * 0.999999


def test_a_single_read_takes_the_latency_of_the_idle_volume() -> None:
    (rate,) = rates(QUIET, [load(outstanding=1, block_bytes=512)], [], Random(0))
    assert rate.read_lat_mean_ns == pytest.approx(QUIET.read_lat_us * 1000, rel=0.01)
    assert rate.read_iops == pytest.approx(1e6 / QUIET.read_lat_us, rel=0.01)
    assert rate.write_iops == 0


def test_a_deep_queue_waits_for_the_peak() -> None:
    (rate,) = rates(QUIET, [load()], [], Random(0))
    assert rate.read_iops == pytest.approx(QUIET.read_iops)
    assert rate.read_lat_mean_ns == pytest.approx(128 / QUIET.read_iops * 1e9)


def test_large_blocks_are_held_by_bandwidth() -> None:
    (rate,) = rates(QUIET, [load(block_bytes=1 << 20)], [], Random(0))
    assert rate.read_iops * (1 << 20) == pytest.approx(QUIET.read_bandwidth)


def test_a_share_of_a_backend_shrinks_with_the_volumes_on_it() -> None:
    alone, eighth = (
        rates(QUIET, [load()], [Limits(iops=16_000).shared_by(volumes)], Random(0))[0].read_iops
        for volumes in (1, 8)
    )
    assert alone == pytest.approx(16_000)
    assert eighth == pytest.approx(2_000)


def test_jobs_that_run_at_once_share_the_volume() -> None:
    first, second = rates(QUIET, [load(), load()], [], Random(0))
    assert first.read_iops + second.read_iops == pytest.approx(QUIET.read_iops)


def test_a_rate_limit_below_the_peak_keeps_latency_low() -> None:
    (rate,) = rates(QUIET, [load(read_rate_iops=500)], [], Random(0))
    assert rate.read_iops == pytest.approx(500)
    assert rate.read_lat_mean_ns < 1.1 * QUIET.read_lat_us * 1000


def test_noise_comes_from_the_seed_alone() -> None:
    noisy = ModelConfig(noise=0.05)
    again = [rates(noisy, [load()], [], Random(7)) for _ in range(2)]
    assert again[0] == again[1]
    assert again[0] != rates(noisy, [load()], [], Random(8))


@pytest.mark.parametrize(
    ("iops", "bandwidth", "block", "expected"),
    [(500, 32 << 20, 4096, 500), (3000, 188 << 20, 1 << 20, 188)],
)
def test_file_shares_give_what_was_published(iops: int, bandwidth: int, block: int, expected: int) -> None:
    limits = [Limits(iops=iops, bandwidth_bytes_per_s=bandwidth)]
    (rate,) = rates(QUIET, [load(block_bytes=block)], limits, Random(0))
    assert rate.read_iops == pytest.approx(expected)


@given(st.integers(0, 1000), st.sampled_from([200, 500, 1000, 2000]))
def test_noise_is_the_volumes_and_not_its_limits(seed: int, iops: int) -> None:
    (rate,) = rates(ModelConfig(noise=0.05), [load()], [Limits(iops=iops)], Random(seed))
    assert rate.read_iops == pytest.approx(iops)

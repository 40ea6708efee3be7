"""The composite against the published ranking of 2026-02-27 (11 pools), and what it must not do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.measure.ranking.composite_score import WEIGHTS, Dimensions, composites, dimensions

# Pool; read and write: random IOPS, sequential MiB/s, mixed IOPS, random p99 ms (as published); score.
PUBLISHED = """
rep2 61034 10932 5996 2310 37480 16094 1.66 97.0 94.5
rep3 54222 10282 5250 2367 34418 14785 1.93 104.3 85.4
rep3-virt 54755 9728 5326 2273 34024 14617 1.91 104.3 85.1
rep3-enc 52285 10417 4250 2423 39371 16912 1.93 106.4 83.3
cephfs-rep2 55357 4599 4505 869 31567 13559 2.97 434.1 69.8
ec-2-1 42822 6236 3445 2369 21957 9448 2.64 177.2 61.5
cephfs-rep3 41471 4086 3879 930 26408 11354 3.52 442.5 56.9
bench-pool 38529 14977 1025 1025 24124 10378 1.96 61.6 55.7
file-3000 2996 2843 187.5 187.5 2095 901 26.6 27.1 6.5
file-1000 997 987 63.4 62.4 697 300 81.3 76.0 2.0
file-500 497 492 32.2 31.2 345 151 181.4 175.1 1.0
"""


def published() -> tuple[dict[str, Dimensions], dict[str, float]]:
    pools, scores = {}, {}
    for line in PUBLISHED.split("\n"):
        if line:
            name, *rest = line.split()
            v = [float(text) for text in rest]
            pools[name] = Dimensions(
                random_iops_per_s=v[0] + v[1],
                sequential_bytes_per_s=(v[2] + v[3]) * 2**20,
                mixed_iops_per_s=v[4] + v[5],
                random_p99_ns=(v[6] + v[7]) / 2 * 1e6,
            )
            scores[name] = v[8]
    return pools, scores


def test_the_published_scores_are_found_from_the_published_figures() -> None:
    pools, scores = published()
    found = composites(pools)
    assert {one.pool: one.score for one in found} == scores
    assert [one.pool for one in found] == list(scores)
    shares = {one.pool: one.shares for one in found}
    # The published p99 are rounded, and so are 0.1 off at most.
    for pool, parts in (("rep2", (100.0, 100.0, 95.2, 54.5)), ("rep3", (89.6, 91.7, 87.4, 45.4))):
        assert [shares[pool][name] for name in WEIGHTS] == pytest.approx(parts, abs=0.101)


@given(
    st.sampled_from(list(published()[0])),
    st.sets(
        st.sampled_from(["random_iops_per_s", "sequential_bytes_per_s", "mixed_iops_per_s", "random_p99_ns"]),
        min_size=1,
    ),
)
def test_a_pool_that_lacks_a_dimension_has_no_score_and_stands_last(pool: str, lacks: set[str]) -> None:
    pools, _ = published()
    pools[pool] = replace(pools[pool], **dict.fromkeys(lacks))
    found = composites(pools)
    assert found[-1].pool == pool
    assert found[-1].score is None
    assert all(one.score is not None for one in found[:-1])


def test_latencies_are_not_halved_and_other_vm_sizes_are_not_added(make_record, make_measurement) -> None:
    read, write = make_measurement(1000.0), make_measurement(500.0, lat_p99_ns=15_000_000)
    records = [
        make_record(f"rep3:{size}:10Gi:1:random-rw:4k", read=read, write=write, artefacts=(size,))
        for size in ("small", "large")
    ]
    found = dimensions(records)
    assert set(found) == {"small:10Gi:1", "large:10Gi:1"}
    one = found["small:10Gi:1"]["rep3"]
    assert (one.random_iops_per_s, one.random_p99_ns) == pytest.approx((1500.0, 10_000_000.0))
    assert dimensions([replace(records[0], verdict="invalid")]) == {}


def test_a_rate_of_zero_is_no_dimension_and_ends_nothing(make_record, make_measurement) -> None:
    nothing, some = make_measurement(0.0), make_measurement(1000.0)
    key = "rep3:small:10Gi:1:random-rw:4k"
    # Of two repeats the one that has a rate is the pool's; of a single one without there is nothing.
    both = [
        make_record(key, read=one, write=one, artefacts=(str(at),), repeat=at)
        for at, one in enumerate((nothing, some), 1)
    ]
    of_both = dimensions(both)["small:10Gi:1"]["rep3"]
    assert (of_both.random_iops_per_s, of_both.random_p99_ns) == pytest.approx((2000.0, some.lat_p99_ns))
    of_none = dimensions(both[:1])["small:10Gi:1"]["rep3"]
    assert of_none.random_iops_per_s is None
    assert composites({"rep3": of_none})[0].score is None

"""When placement groups are settled: not while they are made, split or unknown, nor one for a whole pool."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.prometheus_text import read_samples
from pytest_odfperf.storage.csi_handle import location_of
from pytest_odfperf.storage.pg_settling import METRICS, PgLook, Settling, look_of


def look(total: int, autoscaler: int | None = 1, **states: int) -> PgLook:
    states = {"active": total, "clean": total, **states}
    lines = ['ceph_pool_metadata{pool_id="7",name="p"} 1.0', f'ceph_pg_total{{pool_id="7"}} {total}.0']
    lines += [f'ceph_pg_{name}{{pool_id="7"}} {count}.0' for name, count in states.items()]
    # Another pool's states are not ours.
    lines += [
        'ceph_pool_metadata{pool_id="8",name="q"} 1.0',
        'ceph_pg_total{pool_id="8"} 9',
        'ceph_pg_unknown{pool_id="8"} 9',
    ]
    if autoscaler is not None:
        lines.append(f'ceph_mgr_module_status{{name="pg_autoscaler"}} {autoscaler}')
    return look_of(read_samples("\n".join(lines).encode() + b"\n", METRICS))


NOT_CLEAN = [
    {"clean": 31},
    {"active": 3, "clean": 3, "creating": 29},
    {"active": 0, "clean": 0, "unknown": 32},
]


@pytest.mark.parametrize("states", NOT_CLEAN)
def test_pgs_that_are_not_all_active_and_clean_are_not_settled_however_long(states: dict[str, int]) -> None:
    settling = Settling(["p"], ["p"])
    for now_s in (0.0, 1e3, 1e6):
        assert "32 PGs (" in settling.unsettled(look(32, **states), now_s)["p"]


def test_a_pool_that_the_manager_does_not_know_is_not_settled() -> None:
    assert Settling(["r"], []).unsettled(look(32), 0.0) == {"r": "the manager does not know it yet"}


def test_the_number_must_stay_for_longer_than_the_autoscaler_sleeps() -> None:
    settling = Settling(["p"], [])
    assert settling.unsettled(look(1), 0.0)
    assert settling.unsettled(look(8), 60.0)
    assert settling.unsettled(look(32), 110.0)
    assert settling.unsettled(look(32), 170.0)
    assert settling.unsettled(look(32), 176.0) == {}


def test_a_fixed_number_is_settled_as_soon_as_it_is_clean() -> None:
    assert Settling(["p"], ["p"]).unsettled(look(1), 0.0) == {}


def test_one_pg_is_never_settled_unless_somebody_said_so() -> None:
    settling = Settling(["p"], [])
    settling.unsettled(look(1), 0.0)
    assert "say pg_num in its recipe" in settling.unsettled(look(1), 1e5)["p"]


def test_an_autoscaler_that_does_not_run_is_not_waited_for() -> None:
    settling = Settling(["p"], [])
    assert settling.unsettled(look(32, autoscaler=0), 0.0) == {}
    assert settling.is_hopeless(look(1, autoscaler=0), 0.0)
    assert not settling.is_hopeless(look(1, autoscaler=1), 0.0)
    # What is being made will be there.
    assert not settling.is_hopeless(look(8, autoscaler=0, clean=2), 0.0)


@given(st.lists(st.tuples(st.sampled_from([1, 8, 32]), st.floats(0.1, 200)), min_size=1, max_size=12))
def test_settled_means_the_same_number_for_the_whole_time(steps: list[tuple[int, float]]) -> None:
    settling, now_s, since = Settling(["p"], []), 0.0, (0, 0.0)
    for total, pause_s in steps:
        now_s += pause_s
        if since[0] != total:
            since = total, now_s
        settled = not settling.unsettled(look(total), now_s)
        assert settled == (total > 1 and now_s - since[1] >= 65.0)


@pytest.mark.parametrize(
    ("handle", "number"),
    [
        ("0001-0011-openshift-storage-0000000000000002-7b1c2ad0-3a1e-4d6b-9b0c-1f2e3d4c5b6a", 2),
        ("0001-0009-rook-ceph-00000000000000ff-7b1c2ad0-3a1e-4d6b-9b0c-1f2e3d4c5b6a", 255),
        ("0001-0002-rook-ceph-00000000000000ff-7b1c2ad0-3a1e-4d6b-9b0c-1f2e3d4c5b6a", None),
        ("pvc-7b1c2ad0-3a1e-4d6b-9b0c-1f2e3d4c5b6a", None),
        ("", None),
    ],
)
def test_handles_of_ceph_csi_name_their_pool(handle: str, number: int | None) -> None:
    assert location_of(handle) == number

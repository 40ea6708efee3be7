"""A run's time and peak are known before it starts, stonewalled jobs, root disks and copies included."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odfperf.errors import InputError
from pytest_odfperf.fio.timing import deadline_s
from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.matrix.overrides import override_fio
from pytest_odfperf.matrix.reading.load import load_matrix
from pytest_odfperf.schedule.estimate import (
    GROUP_CREATE_S,
    GROUP_DELETE_S,
    KEY_OVERHEAD_S,
    group_s,
    key_s,
    makespan_s,
    peak,
    pool_estimates_s,
)
from pytest_odfperf.schedule.jobs import check_fit, groups_of, job_of, layout_bytes, render_jobs

GIB = 1 << 30


def key(text: str) -> Key:
    return Key.parse(text)


def seconds_of(matrix: Matrix, text: str) -> float:
    return key_s(matrix, render_jobs(matrix, [key(text)]), key(text))


@pytest.mark.parametrize(
    ("profile", "phases"), [("sequential-rw:4k", 2), ("random-rw:1M", 2), ("mixed-70-30:64k", 1)]
)
def test_each_stonewalled_job_takes_its_own_ramp_and_runtime(profile: str, phases: int) -> None:
    seconds = seconds_of(load_matrix("full"), f"rep2:small:150Gi:1:{profile}")
    assert seconds == KEY_OVERHEAD_S + phases * 130


@pytest.mark.parametrize(("profile", "phases"), [("db-oltp", 4), ("app-server", 4), ("data-pipeline", 5)])
def test_files_that_fio_lays_out_itself_are_counted(profile: str, phases: int) -> None:
    matrix = load_matrix("full")
    seconds = seconds_of(matrix, f"rep2:small:150Gi:1:{profile}:native")
    assert seconds > KEY_OVERHEAD_S + phases * 130
    small = override_fio(matrix, ["file_size=1M"])
    assert seconds_of(small, f"rep2:small:150Gi:1:{profile}:native") == pytest.approx(
        KEY_OVERHEAD_S + phases * 130, abs=1
    )


def test_what_a_section_does_at_its_end_is_in_estimate_and_deadline() -> None:
    matrix = load_matrix("full")
    cell = key("rep2:small:150Gi:1:random-rw:4k")

    def of(line: str) -> tuple[float, float]:
        profiles = tuple(replace(p, template=p.template.replace("direct=1", line)) for p in matrix.profiles)
        changed = replace(matrix, profiles=profiles)
        job = job_of(render_jobs(changed, [cell]), cell)
        return seconds_of(changed, str(cell)), deadline_s(job, changed.fio, changed.timeouts)

    plain_s, plain_deadline_s = of("direct=1")
    paused_s, paused_deadline_s = of("direct=1\nthinktime=3s")
    # Reads have nothing to write back; four workers write 4 GiB each.
    buffered_s, buffered_deadline_s = of("direct=0")
    assert paused_s - plain_s == paused_deadline_s - plain_deadline_s == 2 * 3
    assert buffered_s - plain_s == pytest.approx(4 * 4 * 1024 / 200)
    assert buffered_deadline_s - plain_deadline_s == pytest.approx(4 * 4 * 1024 / 20)


def test_a_pool_of_the_rank_matrix_takes_what_was_measured_on_bare_metal() -> None:
    matrix = load_matrix("rank")
    keys = expand(matrix)
    estimates = pool_estimates_s(matrix, render_jobs(matrix, keys), keys)
    assert len(estimates) == 15
    assert all(seconds == pytest.approx(8.5 * 60, rel=0.05) for seconds in estimates.values())


def test_a_group_is_made_and_deleted_once_for_all_its_keys() -> None:
    matrix = load_matrix("quick")
    keys = [k for k in expand(matrix) if k.pool == "rep2"]
    jobs = render_jobs(matrix, keys)
    layout_s = (
        group_s(matrix, jobs, keys)
        - sum(key_s(matrix, jobs, k) for k in keys)
        - GROUP_CREATE_S
        - GROUP_DELETE_S
    )
    assert layout_s == pytest.approx(4 * 1024 / 200)


def test_a_group_without_the_test_file_lays_none_out() -> None:
    matrix = load_matrix("full")
    keys = [key("rep2:small:150Gi:1:db-oltp:native"), key("rep2:small:150Gi:1:random-rw:4k")]
    jobs = render_jobs(matrix, keys)
    assert layout_bytes(matrix, jobs, keys[:1]) == 0
    assert layout_bytes(matrix, jobs, keys) == 4 * GIB


def test_guests_that_lay_out_their_files_together_share_the_pool() -> None:
    matrix = load_matrix("full")
    keys = [key(f"rep2:small:150Gi:{guests}:random-rw:4k") for guests in (1, 10)]
    jobs = render_jobs(matrix, keys)
    one, ten = (group_s(matrix, jobs, [k]) for k in keys)
    assert ten - one == pytest.approx(9 * 4 * 1024 / 200)


def test_a_job_is_rendered_once_for_all_pools() -> None:
    matrix = load_matrix("full")
    assert len(render_jobs(matrix, expand(matrix))) == 12


def test_the_makespan_is_that_of_longest_first() -> None:
    estimates = {"a": 5.0, "b": 4.0, "c": 3.0, "d": 3.0, "e": 3.0}
    assert makespan_s(estimates, 1) == 18
    assert makespan_s(estimates, 2) == 10
    assert makespan_s(estimates, 99) == 5


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1e6), min_size=1), st.integers(1, 20))
def test_the_makespan_is_within_grahams_bound(estimates: dict[str, float], workers: int) -> None:
    share, longest = sum(estimates.values()) / workers, max(estimates.values())
    makespan = makespan_s(estimates, workers)
    assert max(share, longest) - 1e-3 <= makespan <= share + (1 - 1 / workers) * longest + 1e-3


def test_rounds_cost_their_groups_again_and_a_pool_waits_for_the_round_that_runs() -> None:
    matrix = load_matrix("quick")
    keys = [k for k in expand(matrix) if k.pool == "rep2"]
    jobs = render_jobs(matrix, keys)
    made_s = group_s(matrix, jobs, keys) - sum(key_s(matrix, jobs, k) for k in keys)
    assert group_s(matrix, jobs, keys, 3) == pytest.approx(group_s(matrix, jobs, keys) + 2 * made_s)
    once = pool_estimates_s(matrix, jobs, keys)
    thrice = pool_estimates_s(matrix, jobs, keys, dict.fromkeys(groups_of(keys), 3))
    assert thrice["rep2"] == pytest.approx(once["rep2"] + 2 * made_s)
    # Three alike on two workers: by pools 2 of 3 times, by rounds they share it.
    three = dict.fromkeys("abc", 6.0)
    assert makespan_s(three, 2) == 12
    assert makespan_s(three, 2, rounds=dict.fromkeys("abc", 2)) == 9
    # What runs has another round to do when it ends.
    assert makespan_s({"a": 3.0}, 2, None, {"a": 2.0}, {"a": 1}) == 5


def test_pools_that_are_kept_apart_take_as_long_as_their_queue() -> None:
    def apart(one: str, other: str) -> bool:
        return one[0] != other[0]

    estimates = {"a1": 2.0, "a2": 2.0, "a3": 2.0, "b1": 3.0, "c1": 3.0}
    assert makespan_s(estimates, 5, apart) == 6
    # The longest queue goes first: one worker has it, the other the two that are alone.
    assert makespan_s(estimates, 2, apart) == 6
    assert makespan_s(estimates, 3, lambda one, other: False) == 12
    assert makespan_s({"a2": 2.0, "b1": 3.0}, 2, apart, {"a1": 5.0}) == 7


@given(st.dictionaries(st.sampled_from(["a1", "a2", "a3", "b1", "b2", "c1"]), st.integers(1, 99), min_size=1))
def test_keeping_pools_apart_never_ends_before_the_longest_queue(estimates: dict[str, int]) -> None:
    def apart(one: str, other: str) -> bool:
        return one[0] != other[0]

    queues: dict[str, int] = {}
    for pool, seconds in estimates.items():
        queues[pool[0]] = queues.get(pool[0], 0) + seconds
    assert makespan_s(estimates, 9, apart) == max(queues.values())


def test_the_peak_is_the_largest_group_of_the_largest_pools() -> None:
    matrix = load_matrix("full")
    groups = groups_of(expand(matrix))
    one = peak(matrix, groups, 1)
    assert (one.vms, one.vcpus, one.memory_bytes) == (10, 80, 160 * GIB)
    assert (one.data_bytes, one.root_bytes) == (10_000 * GIB, 300 * GIB)
    # Three copies of the data on rep3, and of the root disks, which are on rep3's StorageClass.
    assert one.stored_bytes == 3 * 10_300 * GIB
    seven = peak(matrix, groups, 7)
    assert (seven.vms, seven.vcpus) == (70, 560)
    assert seven.stored_bytes == (4 * 3 + 3 * 2) * 10_000 * GIB + 7 * 3 * 300 * GIB


def test_more_workers_than_pools_do_not_raise_the_peak() -> None:
    matrix = load_matrix("quick")
    groups = groups_of(expand(matrix))
    assert peak(matrix, groups, 99) == peak(matrix, groups, 15)


def test_root_disks_of_an_unknown_storage_class_are_counted_once() -> None:
    matrix = load_matrix("quick")
    matrix = replace(matrix, guest=replace(matrix.guest, root_storage_class=None))
    top = peak(matrix, groups_of(expand(matrix)), 1)
    assert not top.root_overhead_known
    assert top.stored_bytes == 3 * 150 * GIB + 30 * GIB


def test_files_that_do_not_fit_are_refused_before_anything_runs() -> None:
    matrix = override_fio(load_matrix("full"), ["file_size=16G"])
    keys = expand(matrix)
    with pytest.raises(InputError) as refused:
        check_fit(matrix, render_jobs(matrix, keys), keys)
    assert str(refused.value).startswith(
        "rep3:small:150Gi:1:db-oltp:native needs 176Gi of files, but a PVC of 150Gi"
    )
    assert "lower fio file_size or numjobs" in str(refused.value)


def test_the_test_file_stays_beside_the_files_of_other_jobs() -> None:
    """db-oltp alone needs 10 files of 13 GiB; with the test file of random-rw it is one too many."""
    matrix = override_fio(load_matrix("full"), ["file_size=13G"])
    alone = [key("rep2:small:150Gi:1:db-oltp:native")]
    jobs = render_jobs(matrix, alone)
    check_fit(matrix, jobs, alone)
    both = [key("rep2:small:150Gi:1:random-rw:4k"), *alone]
    with pytest.raises(InputError, match="needs 143Gi of files"):
        check_fit(matrix, render_jobs(matrix, both), both)

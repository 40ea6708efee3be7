"""Counts, pool ends and the estimate of the time that is left."""

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.run.controller.progress import Progress


def keys(pool, number):
    return [Key(pool, "small", "10Gi", 1, "random-rw", f"{4 << index}k") for index in range(number)]


def test_a_pool_starts_with_its_first_key_and_ends_with_its_last():
    a = keys("a", 2)
    progress = Progress(a, {"a": 100.0}, workers=1)
    assert progress.key_started(a[0], 0.0)
    assert not progress.key_ended(a[0], "passed", 50.0)
    assert not progress.key_started(a[1], 50.0)
    assert progress.key_ended(a[1], "failed", 90.0)
    assert progress.done == progress.total == 2
    assert progress.left_s(90.0) == 0.0


def test_pools_that_wait_go_to_the_worker_that_is_free_first():
    a, b, c = keys("a", 1), keys("b", 1), keys("c", 1)
    progress = Progress([*a, *b, *c], {"a": 100.0, "b": 60.0, "c": 30.0}, workers=2)
    assert progress.left_s(0.0) == 100.0
    progress.key_started(a[0], 0.0)
    progress.key_started(b[0], 0.0)
    assert progress.left_s(0.0) == 100.0
    assert progress.left_s(40.0) == 60.0


def test_the_heartbeat_names_what_runs_and_for_how_long():
    a = keys("a", 2)
    progress = Progress(a, {"a": 100.0}, workers=1)
    progress.key_started(a[0], 10.0)
    assert progress.heartbeat(22.0) == "odfperf: 0/2 keys, ETA 88 s | a 0/2 small:10Gi:1:random-rw:4k 12s"


def test_a_pool_starts_and_ends_in_each_round_and_its_time_is_that_of_its_rounds():
    a, b = keys("a", 1), keys("b", 1)
    progress = Progress(
        [*a, *b, *a, *b], {"a": 40.0, "b": 40.0}, 1, repeats=2, rounds=2, numbers=[1, 1, 2, 2]
    )
    assert progress.left_s(0.0) == 80.0
    now_s = 0.0
    for number in (1, 2):
        for key in (*a, *b):
            assert progress.key_started(key, now_s, number, number)
            now_s += 20.0
            assert progress.key_ended(key, "passed", now_s, number)
            # What other pools did in between is no time of its own.
            assert progress.left_s(now_s) == 80.0 - now_s
    assert progress.pools["a"].ended
    assert progress.part_text(2) == "round 2 of 2"
    assert Progress(a, {}, 1).part_text(1) == ""

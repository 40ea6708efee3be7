"""The command line may change fio's settings and add pools; what it can not mean is refused."""

from __future__ import annotations

import pytest

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.overrides import add_storage_classes, allow_not_ready, override_fio
from pytest_odfperf.matrix.reading.load import load_matrix


def test_settings_are_overridden_one_by_one() -> None:
    # None of the demo's settings is the default.
    matrix = load_matrix("demo")
    fio = override_fio(matrix, ["runtime=5s", "file_size=64M"]).fio
    assert (fio.runtime_s, fio.file_size_bytes) == (5, 64 << 20)
    assert (fio.ramp_s, fio.iodepth, fio.numjobs) == (1, 16, 1)


def test_a_value_equal_to_the_default_still_overrides_the_matrix() -> None:
    assert override_fio(load_matrix("rank"), ["runtime=120"]).fio.runtime_s == 120


def test_the_later_of_two_wins() -> None:
    assert override_fio(load_matrix("rank"), ["ramp=1", "ramp=2m"]).fio.ramp_s == 120


def test_nothing_given_changes_nothing() -> None:
    matrix = load_matrix("rank")
    assert override_fio(matrix, []) is matrix


def test_pools_that_are_not_ready_are_allowed_by_name() -> None:
    matrix = add_storage_classes(load_matrix("demo"), ["ec"])
    allowed = {pool.name for pool in allow_not_ready(matrix, ["ec"]).pools if pool.allow_not_ready}
    assert allowed == {"ec"}
    assert all(pool.allow_not_ready for pool in allow_not_ready(matrix, ["*"]).pools)
    assert allow_not_ready(matrix, []) is matrix
    with pytest.raises(InputError, match=r"--odf-allow-not-ready: unknown pool 'ecc' \(did you mean 'ec'"):
        allow_not_ready(matrix, ["ecc"])


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        (
            "runtime",
            "'--odf-fio runtime' is not written KEY=VALUE (known: runtime, ramp, iodepth,",
        ),
        ("=5", "--odf-fio: unknown fio setting ''"),
        (
            "run_time=5",
            "--odf-fio: unknown fio setting 'run_time' (did you mean 'runtime'? known: runtime, ramp,",
        ),
        ("runtime=", "--odf-fio: fio runtime is empty"),
        ("runtime=-1", "--odf-fio: fio runtime '-1' is not written as 120s, 2m, 1h or seconds"),
        ("runtime=0", "--odf-fio: fio runtime 0 is 0, not from 1 to 86400"),
        ("iodepth=many", "--odf-fio: fio iodepth must be a whole number, not 'many', a text"),
        ("iodepth=\u0661", "--odf-fio: fio iodepth must be a whole number"),
        ("numjobs=99999999999999999999", "--odf-fio: fio numjobs must be a whole number"),
        ("file_size=1Ti", "--odf-fio: fio file_size of 1099511627776 bytes does not fit on a PVC of 150Gi"),
        ("file_size=512", "--odf-fio: fio file_size 512 is 512, not from"),
    ],
)
def test_what_can_not_be_meant_is_refused(assignment: str, expected: str) -> None:
    with pytest.raises(InputError) as refused:
        override_fio(load_matrix("rank"), [assignment])
    assert str(refused.value).startswith(expected)


def test_a_file_smaller_than_a_block_is_refused() -> None:
    matrix = load_matrix("rank")
    assert override_fio(matrix, ["file_size=1M"]).fio.file_size_bytes == 1 << 20
    with pytest.raises(InputError, match="not a multiple of 4096"):
        override_fio(matrix, ["file_size=1048577"])


def test_a_storage_class_becomes_a_pool_of_its_name() -> None:
    matrix = add_storage_classes(load_matrix("rank"), ["fast.nvme", "slow"])
    assert [pool.name for pool in matrix.pools[-2:]] == ["fast.nvme", "slow"]
    assert matrix.pools[-1].storage_class == "slow"
    assert matrix.pools[-1].volume_mode is None
    assert len(expand(matrix)) == 17 * 3


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Fast", "--odf-extra-sc: StorageClass 'Fast' is not a DNS-1123 subdomain"),
        ("", "--odf-extra-sc: StorageClass '' is not a DNS-1123 subdomain"),
        ("a:b", "--odf-extra-sc: StorageClass 'a:b' is not"),
        ("a" * 64, "--odf-extra-sc: pool 'aaaa"),
        ("rep2", "--odf-extra-sc: the matrix already has a pool 'rep2'"),
    ],
)
def test_a_name_that_can_be_no_pool_is_refused(name: str, expected: str) -> None:
    with pytest.raises(InputError) as refused:
        add_storage_classes(load_matrix("rank"), [name])
    assert str(refused.value).startswith(expected)


def test_the_same_storage_class_twice_is_refused() -> None:
    with pytest.raises(InputError, match="already has a pool 'x'"):
        add_storage_classes(load_matrix("rank"), ["x", "x"])

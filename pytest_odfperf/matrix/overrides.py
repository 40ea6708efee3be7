"""What the command line changes of a matrix."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.keys import check_name
from pytest_odfperf.matrix.model import FioSettings, Matrix, Pool
from pytest_odfperf.matrix.reading.fields import check_subdomain, did_you_mean, listed
from pytest_odfperf.matrix.reading.load import check_blocks_fit, check_file_fits
from pytest_odfperf.matrix.reading.settings import FIO, read_fio, read_lists
from pytest_odfperf.matrix.reading.yaml_marks import Marked
from pytest_odfperf.matrix.values.capacity_settings import CapacitySettings
from pytest_odfperf.matrix.variants import LISTED, check_different, without

#: In --odf-ramp: I/Os of so many times the latency limit fit the queue, within these bounds.
_LATE = 10
_SHALLOWEST, _DEEPEST = 64, 4096


def override_fio(matrix: Matrix, assignments: Iterable[str]) -> Matrix:
    """``matrix`` with the fio settings of ``--odf-fio KEY=VALUE``; of two equal keys the later wins.

    Values are written as in the matrix file, a list as ``iodepth=1,32``. What a profile says itself of
    iodepth and numjobs is overridden too. Raises `InputError`.
    """
    given: dict[str, Marked] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        source = f"--odf-fio {assignment[:80]}"
        if not equals:
            raise InputError(f"{source!r} is not written KEY=VALUE (known: {listed(FIO)})")
        if name not in FIO:
            raise InputError(f"--odf-fio: unknown fio setting {name[:40]!r}{did_you_mean(name, FIO)}")
        parts = [_marked(part, source) for part in value.split(",")]
        is_list = name in LISTED and len(parts) > 1
        given[name] = Marked(parts, source, 0) if is_list else _marked(value, source)
    if not given:
        return matrix
    try:
        read = read_fio(Marked(given, "--odf-fio", 0))
        profiles = without(
            matrix.profiles, [name for name in given if name in LISTED], read_lists(given, "--odf-fio")
        )
        check_different(profiles)
        for profile in profiles:
            check_name("profile", profile.name)
    except InputError as error:
        raise InputError(f"--odf-fio: {error.problem}") from error
    changed = asdict(read)
    usual = asdict(FioSettings())
    names = {_attribute(name) for name in given}
    fio = replace(matrix.fio, **{name: changed[name] for name in usual if name in names})
    for pvc in matrix.pvc_sizes:
        check_file_fits(fio.file_size_bytes, pvc, place="--odf-fio")
    for profile in matrix.profiles:
        check_blocks_fit(profile, fio.file_size_bytes, place="--odf-fio")
    known = {name for profile in profiles for name in (profile.base, profile.name)}
    for pool in matrix.pools:
        for name in pool.only.profiles or ():
            if name not in known:
                raise InputError(
                    f"--odf-fio: pool {pool.name!r} is restricted to profile {name!r}, which is gone then "
                    f"(known: {listed(profile.name for profile in profiles)})"
                )
    return replace(matrix, fio=fio, profiles=profiles)


def _marked(value: str, source: str) -> Marked:
    whole = value.isascii() and value.isdigit() and len(value) < 16
    return Marked(int(value) if whole else value, source, 0, text=value)


def add_storage_classes(matrix: Matrix, names: Iterable[str]) -> Matrix:
    """``matrix`` with one more pool for each StorageClass of ``--odf-extra-sc``, named by it.

    Raises `InputError` for a name that can not be one, or that a pool already has.
    """
    pools = list(matrix.pools)
    for name in names:
        place = "--odf-extra-sc"
        check_subdomain("StorageClass", name, place=place)
        check_name("pool", name, place=place)
        if any(pool.name == name for pool in pools):
            raise InputError(f"the matrix already has a pool {name!r}", place=place)
        pools.append(Pool(name=name, storage_class=name))
    return replace(matrix, pools=tuple(pools))


def allow_not_ready(matrix: Matrix, names: Iterable[str]) -> Matrix:
    """``matrix`` whose pools ``names`` (``*``: all) are measured also while Ceph does not call them Ready.

    Raises `InputError`.
    """
    wanted = tuple(names)
    known = [pool.name for pool in matrix.pools]
    for name in wanted:
        if name not in (*known, "*"):
            raise InputError(f"--odf-allow-not-ready: unknown pool {name[:80]!r}{did_you_mean(name, known)}")
    chosen = known if "*" in wanted else wanted
    pools = [replace(pool, allow_not_ready=True) if pool.name in chosen else pool for pool in matrix.pools]
    return replace(matrix, pools=tuple(pools)) if wanted else matrix


def for_capacity(matrix: Matrix) -> Matrix:
    """``matrix`` for ``--odf-ramp``: its keys have the largest number of VMs that is tried.

    Each profile is there once, at the rate of ``capacity:`` for each VM, with a queue for what is late.
    Raises `InputError`.
    """
    asked = matrix.capacity
    if asked is None:
        raise InputError(
            "--odf-ramp: the matrix does not say what is asked; give it capacity: {rate_iops: 250, p99: 5ms}",
            place=matrix.source,
        )
    profiles = without(matrix.profiles, LISTED, {})
    base = {profile.name: profile.base or profile.name for profile in matrix.profiles}
    kept = []
    for pool in matrix.pools:
        named = pool.only.profiles
        if named is not None:
            named = tuple(dict.fromkeys(base.get(name, name) for name in named))
        kept.append(replace(pool, only=replace(pool.only, concurrency=None, profiles=named)))
    fio = replace(matrix.fio, numjobs=1, rate_iops=asked.rate_iops, open_loop_depth=depth_at_rate(asked))
    return replace(matrix, pools=tuple(kept), profiles=profiles, concurrency=(asked.most_vms,), fio=fio)


def depth_at_rate(asked: CapacitySettings) -> int:
    """A queue that holds the I/Os of ten times the latency limit, so that a late one holds up no other."""
    late = -(-asked.rate_iops * asked.lat_p99_ns * _LATE // 1_000_000_000)
    return min(_DEEPEST, max(_SHALLOWEST, late))


def _attribute(name: str) -> str:
    return {"runtime": "runtime_s", "ramp": "ramp_s", "file_size": "file_size_bytes"}.get(name, name)

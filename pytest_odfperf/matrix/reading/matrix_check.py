"""A matrix that was not read from a matrix file (but from a run's folder) must still be one that could be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.expand import count_keys
from pytest_odfperf.matrix.keys import check_name
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.matrix.pattern import Pattern
from pytest_odfperf.matrix.reading.entries import MOST_VMS
from pytest_odfperf.matrix.reading.fields import check_dns_label, check_subdomain
from pytest_odfperf.matrix.reading.load import MOST_KEYS
from pytest_odfperf.matrix.reading.machine_fields import read_machine
from pytest_odfperf.matrix.reading.ranking_settings import LEAST
from pytest_odfperf.matrix.reading.ranking_settings import MOST as MOST_WEIGHT
from pytest_odfperf.matrix.reading.recipe_entry import read_recipe
from pytest_odfperf.matrix.reading.settings import (
    MOST,
    MOST_LATENCY_NS,
    MOST_RATE,
    MOST_REPEATS,
    check_fio_version,
    check_package,
    check_user,
)
from pytest_odfperf.matrix.reading.vm_settings import read_api_name, read_vm
from pytest_odfperf.matrix.reading.yaml_marks import marked
from pytest_odfperf.matrix.values.limit import parse_limit
from pytest_odfperf.matrix.variants import listed_numbers


def check(matrix: Matrix) -> Matrix:
    """``matrix`` if its names are safe, its numbers in their limits and its parts all there.

    Raises `InputError`.
    """
    _names(matrix)
    _numbers(matrix)
    for pool in matrix.pools:
        check_subdomain(f"StorageClass of pool {pool.name}", pool.storage_class)
        for part, known in (
            ("vm_sizes", [size.label for size in matrix.vm_sizes]),
            ("pvc_sizes", [size.label for size in matrix.pvc_sizes]),
            ("concurrency", matrix.concurrency),
            ("profiles", [name for profile in matrix.profiles for name in (profile.base, profile.name)]),
        ):
            for value in getattr(pool.only, part) or ():
                if value not in known:
                    raise InputError(f"pool {pool.name}: only {part} {value!r:.60} is not declared")
    _vms(matrix)
    for pool in matrix.pools:
        if (recipe := pool.recipe) is not None:
            again = read_recipe(marked(recipe.written(), recipe.place), pool.name)
            if again != recipe:
                raise InputError(f"recipe of pool {pool.name} is not as a matrix says it")
    for one in matrix.limits:
        Pattern.parse(one.pattern, option="limits pattern", place=one.place)
        for text in one.texts:
            parse_limit(text, place=one.place)
    if (keys := count_keys(matrix)) > MOST_KEYS:
        raise InputError(f"the matrix has {keys} keys, more than {MOST_KEYS}")
    return matrix


def _vms(matrix: Matrix) -> None:
    """The settings of the VMs are read again, as a file's are."""
    sections = [("the matrix", matrix.vm)]
    sections += [(f"VM size {size.label}", size.vm) for size in matrix.vm_sizes]
    sections += [(f"pool {pool.name}", pool.vm) for pool in matrix.pools]
    for of, section in sections:
        said = {name: value for name, value in asdict(section).items() if value is not None}
        if read_vm(marked(said), of) != section:
            raise InputError(f"vm of {of} is not as a matrix says it")
    for size in matrix.vm_sizes:
        if size.instancetype is not None:
            read_api_name(marked(asdict(size.instancetype)), f"VM size {size.label}", "instancetype")
        said = {name: value for name in ("machine", "image") if (value := getattr(size, name)) is not None}
        if size.instancetype is not None:
            said["instancetype"] = size.instancetype.name
        read_machine(marked(said).value, f"VM size {size.label}", size.vm, None)


def _names(matrix: Matrix) -> None:
    _different("pool", [pool.name for pool in matrix.pools])
    _different("VM size", [size.label for size in matrix.vm_sizes])
    _different("PVC size", [size.label for size in matrix.pvc_sizes])
    _different("profile", [profile.name for profile in matrix.profiles])
    for profile in matrix.profiles:
        _different(f"block size of profile {profile.name}", profile.block_sizes)
        listed_numbers(profile)
    check_dns_label("namespace", matrix.namespace)
    guest = matrix.guest
    check_subdomain("guest data_source", guest.data_source)
    check_dns_label("guest data_source_namespace", guest.data_source_namespace)
    if guest.root_storage_class is not None:
        check_subdomain("guest root_storage_class", guest.root_storage_class)
    if guest.fio_version is not None:
        check_fio_version(guest.fio_version)
    check_user(guest.user)
    for package in guest.packages:
        check_package(package)


def _different(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        check_name(what, name)
        if name in seen:
            raise InputError(f"{what} {name!r} is there twice")
        seen.add(name)
    if not seen:
        raise InputError(f"there is no {what}")


def _weights(matrix: Matrix) -> dict[str, float]:
    """Of a run's folder, so any values."""
    weights = matrix.ranking.weights
    known = {name for profile in matrix.profiles for name in (profile.base, profile.name)}
    for name, weight in weights.items():
        if name not in known or isinstance(weight, bool) or not isinstance(weight, int | float):
            raise InputError(f"ranking weight of {name!r:.60} is not a number for a profile of the matrix")
    return dict(weights)


def _capacity(matrix: Matrix) -> list[tuple[str, float, float, float]]:
    """What is asked of the pools' capacity, and the rates of fio; with the limits of each."""
    found: list[tuple[str, float, float, float]] = []
    fio, asked = matrix.fio, matrix.capacity
    if fio.rate_iops is not None:
        found.append(("fio rate_iops", fio.rate_iops, 1, MOST_RATE))
    if fio.open_loop_depth is not None:
        found.append(("fio open_loop_depth", fio.open_loop_depth, 1, MOST["iodepth"]))
    if asked is not None:
        found += [
            ("capacity rate_iops", asked.rate_iops, 1, MOST_RATE),
            ("capacity p99", asked.lat_p99_ns, 1000, MOST_LATENCY_NS),
            ("capacity max_vms", asked.most_vms, 1, MOST_VMS),
            ("capacity start_vms", asked.start_vms, 1, asked.most_vms),
            ("capacity repeats", asked.repeats, 1, MOST_REPEATS),
        ]
    return found


def _numbers(matrix: Matrix) -> None:
    largest = 1 << 60
    limits = [
        *((f"vcpus of {size.label}", size.vcpus, 1, 1024) for size in matrix.vm_sizes),
        *((f"memory of {size.label}", size.memory_bytes, 1, largest) for size in matrix.vm_sizes),
        *((f"PVC size {size.label}", size.size_bytes, 1, largest) for size in matrix.pvc_sizes),
        *(("concurrency", count, 1, MOST_VMS) for count in matrix.concurrency),
        *((f"overhead of {pool.name}", pool.overhead, 1, 100) for pool in matrix.pools),
        *(
            (f"timeout {name}", getattr(matrix.timeouts, name), 1, 86_400)
            for name in matrix.timeouts.__slots__
        ),
        *(
            (f"{name} of profile {profile.name}", getattr(profile, name) or MOST[name], 1, MOST[name])
            for profile in matrix.profiles
            for name in MOST
        ),
        *(
            (f"ranking weight of {name}", value, LEAST, MOST_WEIGHT)
            for name, value in _weights(matrix).items()
        ),
        *_capacity(matrix),
        ("guest root size", matrix.guest.root_size_bytes, 1, largest),
    ]
    for what, value, low, high in limits:
        if not low <= value <= high:
            raise InputError(f"{what} {value:g} is not from {low} to {high}")
    if len(set(matrix.concurrency)) != len(matrix.concurrency) or not matrix.concurrency:
        raise InputError("concurrency is empty or has a number twice")

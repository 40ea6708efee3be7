"""The model of a Ceph: capacity, placement groups, health, rates, as a real one has them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.errors import InputError
from pytest_odfperf.sandbox.ceph.ceph import CephError, FilesystemWanted, ImageWanted, PoolWanted
from pytest_odfperf.sandbox.ceph.client_io import ClientIo, Done
from pytest_odfperf.sandbox.ceph.simulated.pg_states import PoolPlacement, pg_num, pg_states
from pytest_odfperf.sandbox.ceph.simulated.pool_rates import modelled
from pytest_odfperf.sandbox.ceph.simulated.simulated_ceph import SimulatedCeph
from pytest_odfperf.sandbox.config.ceph_faults import read_fault
from pytest_odfperf.sandbox.config.disturbance_rules import Disturbance
from pytest_odfperf.sandbox.config.parse_config import parse_config

GIB = 1 << 30
ZONES = [{"name": f"n{i}", "labels": {"topology.kubernetes.io/zone": f"z{i % 2}"}} for i in range(4)]


class Clock:
    """The model's time, and what its clients do."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.io = ClientIo(self)

    def __call__(self) -> float:
        return self.now_s

    def write(self, pool: str, written_bytes: int) -> None:
        self.io.did(pool, Done(written_bytes=written_bytes))


def ceph_of(nodes: Any = None, **ceph: Any) -> tuple[SimulatedCeph, Clock]:
    usual = {"capacity": "300Gi", "used": 0, "settle_s": 0.001, "split_s": 20}
    config = parse_config({"nodes": nodes or {"count": 3}, "ceph": {**usual, **ceph}})
    assert config.ceph.model is not None
    clock = Clock()
    return SimulatedCeph(config, config.ceph.model, clock.io, clock), clock


def make(ceph: SimulatedCeph, clock: Clock, *pools: PoolWanted) -> None:
    for pool in pools:
        # Their PGs are given the time that they need.
        asyncio.run(ceph.create_pool(pool))
    clock.now_s += 1


def replicated(size: int, **more: Any) -> PoolWanted:
    return PoolWanted(name=f"rep{size}", replicas=size, require_safe_size=False, **more)


def coded(data: int, parity: int, **more: Any) -> PoolWanted:
    return PoolWanted(name=f"ec-{data}-{parity}", replicas=None, coding=(data, parity), **more)


def stats(ceph: SimulatedCeph) -> dict[str, Mapping[str, float]]:
    return {pool["name"]: pool["stats"] for pool in asyncio.run(ceph.df())["pools"]}


def health(ceph: SimulatedCeph) -> tuple[str, dict[str, str]]:
    found = asyncio.run(ceph.status())["health"]
    return found["status"], {code: check["summary"]["message"] for code, check in found["checks"].items()}


def states(ceph: SimulatedCeph) -> dict[str, int]:
    return {s["state_name"]: s["count"] for s in asyncio.run(ceph.status())["pgmap"]["pgs_by_state"]}


def test_what_is_available_goes_by_what_a_pool_keeps_of_each_byte() -> None:
    ceph, clock = ceph_of()
    make(ceph, clock, replicated(3), replicated(2), replicated(1), coded(2, 1))
    free = {name: found["max_avail"] for name, found in stats(ceph).items()}
    # Of real ones 1 : 1.5 : 2 was measured for three copies, two, and 2+1 chunks; 95 % is full.
    assert free["rep3"] == pytest.approx(300 * GIB * 0.95 / 3)
    assert [free[name] / free["rep3"] for name in ("rep2", "ec-2-1", "rep1")] == pytest.approx([1.5, 2, 3])


@given(
    written=st.lists(st.integers(0, 20 * GIB), min_size=1, max_size=6),
    pool=st.sampled_from([replicated(1), replicated(2), replicated(3), coded(2, 1)]),
)
def test_what_is_written_is_stored_and_used_and_no_longer_available(
    written: list[int], pool: PoolWanted
) -> None:
    ceph, clock = ceph_of()
    make(ceph, clock, replicated(3) if pool.coding else pool, pool)
    header = "rep3" if pool.coding else pool.name
    free = stats(ceph)[pool.name]["max_avail"]
    for number, size_bytes in enumerate(written):
        wanted = ImageWanted(
            pool=header,
            name=f"i{number}",
            size_bytes=10 * GIB,
            data_pool=pool.name if pool.coding else None,
        )
        asyncio.run(ceph.create_image(wanted))
        clock.write(pool.name, size_bytes)
    stored = min(sum(written), 10 * GIB * len(written))
    found = stats(ceph)[pool.name]
    factor = sum(pool.coding) / pool.coding[0] if pool.coding else float(pool.replicas or 0)
    assert found["stored"] == stored
    assert found["bytes_used"] == pytest.approx(stored * factor, abs=1)
    assert found["max_avail"] == pytest.approx(max(0, free - stored), rel=1e-6, abs=10)
    for number in range(len(written)):
        asyncio.run(ceph.delete_image(header, f"i{number}"))
    assert stats(ceph)[pool.name]["stored"] == 0
    assert stats(ceph)[pool.name]["max_avail"] == pytest.approx(free)


@pytest.mark.parametrize(
    ("pool", "nodes", "state", "codes", "serves"),
    [
        (replicated(3), 3, "active+clean", [], True),
        (replicated(1), 3, "active+clean", ["POOL_NO_REDUNDANCY"], True),
        (replicated(3), 2, "active+undersized+degraded", ["PG_DEGRADED"], True),
        (replicated(3), 1, "undersized+peered", ["PG_AVAILABILITY", "PG_DEGRADED"], False),
        (replicated(2), 1, "active+undersized+degraded", ["PG_DEGRADED"], True),
        (replicated(4), 3, "active+undersized+degraded", ["PG_DEGRADED"], True),
        (coded(2, 1), 3, "active+clean", [], True),
        (coded(2, 1), 2, "active+undersized+degraded", ["PG_DEGRADED"], True),
        (coded(2, 2), 3, "active+undersized+degraded", ["PG_DEGRADED"], True),
        (coded(2, 2), 2, "undersized+peered", ["PG_AVAILABILITY", "PG_DEGRADED"], False),
        (coded(4, 2), 3, "incomplete", ["PG_AVAILABILITY"], False),
        (replicated(3, failure_domain="osd"), 3, "active+clean", [], True),
        (replicated(3, failure_domain="zone"), 3, "unknown", ["PG_AVAILABILITY"], False),
    ],
)
def test_too_few_failure_domains(
    pool: PoolWanted, nodes: int, state: str, codes: list[str], serves: bool
) -> None:
    ceph, clock = ceph_of({"count": nodes}, release=16.2)
    if serves:
        make(ceph, clock, pool)
    else:
        with pytest.raises(CephError, match="timeout"):
            make(ceph, clock, pool)
        clock.now_s += 1
    assert states(ceph) == {state: 32}
    # Ceph says nothing of PGs before they have been so for a minute, but for objects that lack copies.
    early = [code for code in codes if code in ("POOL_NO_REDUNDANCY", "PG_DEGRADED") and serves]
    assert list(health(ceph)[1]) == early or state == "incomplete"
    clock.now_s += 60
    assert list(health(ceph)[1]) == codes
    assert health(ceph)[0] == ("HEALTH_WARN" if codes else "HEALTH_OK")


def test_failure_domains_are_those_of_the_nodes_labels() -> None:
    ceph, clock = ceph_of(ZONES)
    make(ceph, clock, PoolWanted(name="a", replicas=2, failure_domain="zone"))
    make(ceph, clock, PoolWanted(name="b", replicas=3, failure_domain="zone"))
    clock.now_s += 90
    assert states(ceph) == {"active+clean": 32, "active+undersized+degraded": 32}
    assert health(ceph)[1]["PG_DEGRADED"] == (
        "Degraded data redundancy: 1/5 objects degraded (20.000%), 32 pgs degraded, 32 pgs undersized"
    )


@pytest.mark.parametrize(
    ("release", "pg_num", "first", "last"),
    [(16.2, None, 32, 32), (18.2, None, 1, 32), (20.2, None, 1, 32), (20.2, 64, 64, 64)],
)
def test_pgs_come_at_once_or_are_split_later(
    release: float, pg_num: int | None, first: int, last: int
) -> None:
    ceph, clock = ceph_of(release=release, split_s=20, settle_s=0.001)
    make(ceph, clock, replicated(3, pg_num=pg_num))
    assert states(ceph) == {"active+clean": first}
    clock.now_s += 21
    while_split = states(ceph)
    assert (sum(while_split.values()) not in (first, last)) == (first != last)
    assert ("active+remapped+backfilling" in while_split) == (first != last)
    clock.now_s += 30
    assert states(ceph) == {"active+clean": last}


@given(
    size=st.integers(1, 10),
    domains=st.integers(0, 12),
    asked=st.none() | st.integers(1, 4096),
    starts_at_one=st.booleans(),
    age_s=st.floats(0, 30),
    settle_s=st.floats(0, 20),
)
def test_all_pgs_of_a_pool_are_in_some_state(
    size: int, domains: int, asked: int | None, starts_at_one: bool, age_s: float, settle_s: float
) -> None:
    placement = PoolPlacement(
        size=size,
        min_size=max(1, size - size // 2),
        data_chunks=0,
        domains=domains,
        holds_objects=False,
        pg_num=asked,
        starts_at_one=starts_at_one,
    )
    found = pg_states(placement, age_s, settle_s, split_s=20.0)
    count = pg_num(placement, age_s, 20.0)
    assert sum(found.values()) == count >= 1
    assert min(found.values()) > 0
    assert asked is None or count == asked
    if domains >= size and age_s >= settle_s and age_s > 25.0:
        assert found == {"active+clean": count}
    if domains < placement.min_size:
        assert not any("active" in state.split("+") for state in found)


def test_a_fresh_pool_is_not_clean_and_health_says_ok() -> None:
    ceph, clock = ceph_of(settle_s=10, release=16.2)
    asyncio.run(ceph.create_pool(replicated(3, application=None)))
    seen = []
    for _ in range(11):
        seen.append(states(ceph))
        assert health(ceph) == ("HEALTH_OK", {})
        clock.now_s += 1
    assert seen[0] == {"unknown": 32}
    assert {"creating+peering": 16, "unknown": 16} in seen
    assert seen[-1] == {"active+clean": 32}


@pytest.mark.parametrize(
    ("used", "status", "codes"),
    [
        (0.5, "HEALTH_OK", []),
        (0.86, "HEALTH_WARN", ["OSD_NEARFULL", "POOL_NEARFULL"]),
        (0.91, "HEALTH_WARN", ["OSD_BACKFILLFULL", "POOL_BACKFILLFULL"]),
        (0.96, "HEALTH_ERR", ["OSD_FULL", "POOL_FULL"]),
    ],
)
def test_how_full_osds_are_is_told(used: float, status: str, codes: list[str]) -> None:
    ceph, clock = ceph_of(used=used)
    make(ceph, clock, replicated(3))
    assert health(ceph)[0] == status
    assert list(health(ceph)[1]) == codes


def test_a_quota_fills_its_pool_alone() -> None:
    ceph, clock = ceph_of()
    make(ceph, clock, replicated(3, quota_bytes=GIB), replicated(2))
    asyncio.run(ceph.create_image(ImageWanted(pool="rep3", name="a", size_bytes=4 * GIB)))
    clock.write("rep3", GIB - 1)
    assert health(ceph) == ("HEALTH_OK", {})
    clock.write("rep3", 1)
    assert health(ceph) == ("HEALTH_WARN", {"POOL_FULL": "1 pool(s) full"})
    assert {pool.name: pool.full for pool in asyncio.run(ceph.pools())} == {"rep3": True, "rep2": False}


@pytest.mark.parametrize(
    ("pool", "words"),
    [
        (replicated(3, device_class="hdd"), "Error EINVAL: device class hdd does not exist"),
        (PoolWanted(name="one", replicas=1), "Error EPERM: WARNING: setting pool size 1"),
        (PoolWanted(name="many", replicas=11), "Error EINVAL: pool size must be between 1 and 10"),
        (PoolWanted(name="rep2", replicas=None, coding=(2, 1)), "pool 'rep2' cannot change to type erasure"),
        (PoolWanted(name="ec-2-1"), "can not change the size of an erasure-coded pool"),
    ],
)
def test_what_ceph_refuses(pool: PoolWanted, words: str) -> None:
    ceph, clock = ceph_of()
    make(ceph, clock, replicated(2), coded(2, 1))
    with pytest.raises(CephError) as caught:
        asyncio.run(ceph.create_pool(pool))
    assert words in caught.value.said


def test_what_is_there_is_made_again_without_harm() -> None:
    ceph, clock = ceph_of()
    make(ceph, clock, replicated(3), coded(2, 1))
    image = ImageWanted(pool="rep3", name="a", size_bytes=GIB)
    asyncio.run(ceph.create_image(image))
    make(ceph, clock, replicated(3), coded(2, 1))
    asyncio.run(ceph.create_image(image))
    assert asyncio.run(ceph.images("rep3")) == ("a",)
    assert [pool.pool_id for pool in asyncio.run(ceph.pools())] == [1, 2]
    with pytest.raises(CephError, match="Operation not supported"):
        asyncio.run(ceph.create_image(ImageWanted(pool="ec-2-1", name="b", size_bytes=GIB)))


def test_a_file_system_has_its_pools_and_takes_them_along() -> None:
    ceph, _ = ceph_of()
    metadata, data = (PoolWanted(name=f"fs-{part}", application="cephfs") for part in ("metadata", "data0"))
    asyncio.run(
        ceph.create_filesystem(FilesystemWanted(name="fs", metadata_pool=metadata, data_pools=(data,)))
    )
    assert asyncio.run(ceph.filesystems()) == ("fs",)
    assert [pool.name for pool in asyncio.run(ceph.pools())] == ["fs-metadata", "fs-data0"]
    with pytest.raises(CephError, match="in use by CephFS"):
        asyncio.run(ceph.delete_pool("fs-data0"))
    asyncio.run(ceph.delete_filesystem("fs"))
    assert asyncio.run(ceph.pools()) == ()


def test_rates_go_by_how_much_a_pool_keeps() -> None:
    writes = [
        modelled(pool).write_iops for pool in (replicated(1), replicated(2), replicated(3), coded(2, 1))
    ]
    assert writes == sorted(writes, reverse=True)
    assert writes[1] / writes[2] == pytest.approx(43_326 / 34_544)
    assert modelled(coded(4, 2)).write_iops < modelled(coded(2, 1)).write_iops
    assert modelled(replicated(3), cephfs=True).write_iops < modelled(replicated(3)).write_iops
    assert {modelled(pool).backend for pool in (replicated(2), coded(2, 1))} == {"ceph"}


@pytest.mark.parametrize(
    ("faults", "left"),
    [
        (("kill osd.0", "kill osd.1"), Disturbance(down=(0, 1))),
        (("kill osd.0", "start osd.0"), Disturbance()),
        (("hang osd.1", "kill osd.1"), Disturbance(down=(1,))),
        (("kill osd.1", "hang osd.1"), Disturbance(down=(1,))),
        (("hang osd.1", "hang osd.1", "continue osd.1"), Disturbance()),
        (("out osd.2", "out osd.2", "kill osd.2", "in osd.2"), Disturbance(down=(2,))),
    ],
)
def test_a_fault_by_command_is_that_of_a_change(faults: tuple[str, ...], left: Disturbance) -> None:
    ceph, _ = ceph_of()
    for fault in faults:
        kind, daemon = fault.split()
        asyncio.run(ceph.cause(read_fault({"kind": kind, "daemon": daemon})))
    assert ceph.disturbed.now == left


def test_noise_ends_by_itself_or_by_command_and_what_no_model_does_is_refused() -> None:
    ceph, _ = ceph_of()

    async def noise() -> None:
        await ceph.cause(read_fault({"kind": "noise", "pool": "p", "seconds": 1, "writers": 4}))
        assert ceph.disturbed.now.clients["p"].iops == 1000
        await asyncio.sleep(1.1)
        assert not ceph.disturbed.now.clients
        await ceph.cause(read_fault({"kind": "noise", "pool": "p", "seconds": 60}))
        await ceph.cause(read_fault({"kind": "quiet"}))
        assert not ceph.disturbed.now.clients

    asyncio.run(noise())
    for refused in (
        {"kind": "full", "pool": "p"},
        {"kind": "kill", "daemon": "osd.9"},
        {"kind": "kill", "daemon": "mgr.a"},
    ):
        with pytest.raises(InputError):
            asyncio.run(ceph.cause(read_fault(refused)))

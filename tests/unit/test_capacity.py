"""Auto-scale chooses the number that the bash suite chose, and says how."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odfperf.errors import ClusterError
from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.reading.load import load_matrix
from pytest_odfperf.schedule.capacity import GroupDemand, NodeCapacity, auto_scale, demands

GIB = 1 << 30


def node(name: str = "w0", **changed: Any) -> NodeCapacity:
    return NodeCapacity(
        **{"name": name, "cpu": "96", "memory": "512Gi", "ready": True, "schedulable": True, **changed}
    )


def three(**changed: Any) -> list[NodeCapacity]:
    return [node(f"w{number}", **changed) for number in range(3)]


def demands_of(name: str) -> tuple[GroupDemand, ...]:
    matrix = load_matrix(name)
    return demands(matrix, (key.group for key in expand(matrix)))


def test_the_documented_example_comes_out_to_the_digit() -> None:
    scale = auto_scale(three(), demands_of("quick"), 9)
    assert str(scale) == (
        "nodes 3 Ready: 1536 GiB, 288 cores; 60 %: 921 GiB, 172 cores; average group 4 GiB, 2 cores; "
        "fit: 230 by memory, 86 by CPU, 9 pools -> 9"
    )
    assert scale.workers == 9


def test_the_full_matrix_asks_on_average_for_what_the_bash_suite_computed() -> None:
    # 448 GiB and 224 vCPUs over 9 combinations of VM size and concurrency.
    scale = auto_scale(three(cpu="95500m", memory="395000000Ki"), demands_of("full"), 15)
    assert (scale.average_memory_gib, scale.average_cores) == (49, 24)
    assert (scale.total_memory_gib, scale.total_cores) == (1130, 286)
    assert (scale.usable_memory_gib, scale.usable_cores) == (678, 171)
    assert (scale.fit_by_memory, scale.fit_by_cpu, scale.workers) == (13, 7, 7)


@pytest.mark.parametrize(
    ("matrix", "memory_gib", "cores"), [("quick", 4, 2), ("overview", 4, 2), ("rank", 8, 4)]
)
def test_the_small_matrices_are_limited_by_their_pools(matrix: str, memory_gib: int, cores: int) -> None:
    scale = auto_scale(three(cpu="95500m", memory="395000000Ki"), demands_of(matrix), 15)
    assert (scale.average_memory_gib, scale.average_cores, scale.workers) == (memory_gib, cores, 15)


def test_only_nodes_that_can_take_a_vm_count() -> None:
    nodes = [node("a"), node("b", ready=False), node("c", schedulable=False)]
    scale = auto_scale(nodes, demands_of("quick"), 99)
    assert (scale.nodes, scale.total_cores) == (1, 96)
    assert scale.left_out == ("b: not Ready", "c: not schedulable")
    assert str(scale).startswith("nodes 1 Ready (2 left out): 512 GiB")


def test_without_a_usable_node_the_error_names_each_and_why() -> None:
    nodes = [node("a", ready=False, schedulable=False), node("b", schedulable=False)]
    with pytest.raises(ClusterError) as refused:
        auto_scale(nodes, demands_of("quick"), 9)
    assert "a: not Ready and not schedulable; b: not schedulable" in str(refused.value)
    assert "--odf-parallel=N" in str(refused.value)


def test_a_cluster_without_workers_is_an_error() -> None:
    with pytest.raises(ClusterError, match="has no worker node"):
        auto_scale([], demands_of("quick"), 9)


def test_an_allocatable_that_is_no_quantity_names_its_node() -> None:
    with pytest.raises(ClusterError, match=r"node w0: allocatable memory: '512GB'"):
        auto_scale([node(memory="512GB")], demands_of("quick"), 9)


@pytest.mark.parametrize("memory", ["549755813888", "536870912Ki", "0.5Ti", "549755813888000m", "524288Mi"])
def test_allocatable_may_be_written_in_any_unit(memory: str) -> None:
    assert auto_scale([node(memory=memory)], demands_of("quick"), 9).total_memory_gib == 512


def test_a_cluster_that_is_too_small_runs_one_pool() -> None:
    scale = auto_scale([node(cpu="2", memory="4Gi")], demands_of("full"), 15)
    assert (scale.fit_by_memory, scale.fit_by_cpu, scale.workers) == (0, 0, 1)


def test_groups_below_one_gib_count_as_one() -> None:
    scale = auto_scale([node(cpu="8", memory="16Gi")], [GroupDemand(1, 1, 512 << 20)], 20)
    assert (scale.average_memory_gib, scale.workers) == (1, 4)


def test_a_group_counts_once_however_many_keys_it_has() -> None:
    matrix = load_matrix("full")
    keys = expand(matrix)
    assert len(demands(matrix, (key.group for key in keys))) == 405


def test_filtered_groups_change_the_average() -> None:
    matrix = load_matrix("full")
    large = [key.group for key in expand(matrix) if key.size == "large" and key.concurrency == 10]
    scale = auto_scale(three(), demands(matrix, large), 15)
    assert (scale.average_memory_gib, scale.average_cores, scale.workers) == (160, 80, 2)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 256), st.integers(1, 4096)), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(1, 64), st.integers(1, 512)), min_size=1, max_size=9),
    st.integers(1, 40),
)
def test_the_number_is_the_scarcest_of_memory_cpu_and_pools(
    sizes: list[tuple[int, int]], groups: list[tuple[int, int]], pools: int
) -> None:
    nodes = [node(f"w{n}", cpu=str(cpu), memory=f"{gib}Gi") for n, (cpu, gib) in enumerate(sizes)]
    scale = auto_scale(nodes, [GroupDemand(1, cpu, gib * GIB) for cpu, gib in groups], pools)
    assert scale.workers == max(1, min(scale.fit_by_memory, scale.fit_by_cpu, pools))
    assert scale.fit_by_cpu * scale.average_cores <= sum(cpu for cpu, _ in sizes) * 0.6
    more = auto_scale([*nodes, node("more")], [GroupDemand(1, cpu, gib * GIB) for cpu, gib in groups], pools)
    assert more.workers >= scale.workers

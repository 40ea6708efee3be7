from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.matrix.keys import GroupKey
from pytest_odfperf.vm import labels, names

FIELD = st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", fullmatch=True)
RUN = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?", fullmatch=True)
GROUP = st.builds(GroupKey, FIELD, FIELD, FIELD, st.integers(1, 500))
IDENTITY = st.tuples(RUN, GROUP, st.integers(1, 9), st.integers(1, 99999))
DNS_LABEL = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")


@given(IDENTITY)
def test_names_are_short_dns_labels(identity: tuple[str, GroupKey, int, int]) -> None:
    vm = names.vm_name(*identity)
    for name in (vm, names.root_disk_name(vm), names.data_claim_name(vm), names.secret_name(vm)):
        assert DNS_LABEL.fullmatch(name)
        assert len(name) <= names.LONGEST


@given(st.sets(IDENTITY, min_size=2, max_size=8))
def test_different_vms_have_different_names(identities: set[tuple[str, GroupKey, int, int]]) -> None:
    vms = [names.vm_name(*identity) for identity in identities]
    made = [
        f(vm) for vm in vms for f in (str, names.root_disk_name, names.data_claim_name, names.secret_name)
    ]
    assert len(set(made)) == 4 * len(identities)


def test_pools_that_begin_alike_and_fields_that_could_be_shifted_do_not_meet() -> None:
    long = "ibmc-vpc-block-metro-retain-10iops-tier"
    groups = [
        GroupKey(long, "medium", "1000Gi", 1),
        GroupKey(long + "2", "medium", "1000Gi", 1),
        GroupKey("a", "b", "c", 11),
        GroupKey("a", "b", "c1", 1),
        GroupKey("A", "b", "c1", 1),
    ]
    assert len({names.vm_name("r", group, 1, 1) for group in groups}) == len(groups)
    assert names.vm_name("r", groups[2], 1, 11) != names.vm_name("r", groups[2], 11, 1)


def test_a_name_is_the_same_each_time_and_ends_in_its_number() -> None:
    group = GroupKey("rep3", "small", "150Gi", 2)
    assert names.vm_name("run", group, 1, 2) == names.vm_name("run", group, 1, 2)
    assert names.vm_name("run", group, 1, 2).endswith("-2")
    assert names.vm_name("run", group, 1, 2) != names.vm_name("run", group, 2, 2)


@pytest.mark.parametrize("index", [0, -1, 100000])
def test_a_number_that_would_not_fit_is_refused(index: int) -> None:
    with pytest.raises(ValueError, match="at most 99999"):
        names.vm_name("run", GroupKey("p", "s", "1Gi", 1), 1, index)


def test_selectors_refuse_an_empty_run_id() -> None:
    group = GroupKey("p", "s", "1Gi", 1)
    for select in (
        lambda: labels.run_selector(""),
        lambda: labels.pool_selector("", "p"),
        lambda: labels.pool_selector("r", ""),
        lambda: labels.group_selector("", group),
    ):
        with pytest.raises(ValueError, match="would select everything"):
            select()


@given(RUN, GROUP)
def test_label_values_are_what_the_api_takes(run_id: str, group: GroupKey) -> None:
    for value in labels.group_labels(run_id, group).values():
        assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", value)

"""Label and field selectors of the sandbox's API server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.sandbox.api.objects.resources import BY_PATH
from pytest_odfperf.sandbox.api.objects.selectors import field_selector, label_selector
from pytest_odfperf.sandbox.api.objects.status import StatusError

PODS = BY_PATH["", "v1", "pods"]
NODES = BY_PATH["", "v1", "nodes"]
VMS = BY_PATH["kubevirt.io", "v1", "virtualmachines"]
VALUES = st.from_regex(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,5}[A-Za-z0-9])?", fullmatch=True)
LABELS = st.dictionaries(st.sampled_from(["a", "odfperf/run-id", "x.y/z"]), VALUES)


def labelled(labels: dict[str, str]) -> dict[str, object]:
    return {"metadata": {"name": "o", "labels": labels}}


@given(LABELS)
def test_an_object_is_selected_by_all_its_own_labels(labels: dict[str, str]) -> None:
    text = ",".join(f"{key}={value}" for key, value in labels.items())
    assert label_selector(text)(labelled(labels))


@given(LABELS, st.sampled_from(["a", "x.y/z"]), VALUES)
def test_equal_and_unequal_are_each_other_s_opposite(labels: dict[str, str], key: str, value: str) -> None:
    obj = labelled(labels)
    assert label_selector(f"{key}={value}")(obj) != label_selector(f"{key}!={value}")(obj)
    assert label_selector(f"{key} in ({value},q)")(obj) != label_selector(f"{key} notin ({value},q)")(obj)
    assert label_selector(key)(obj) != label_selector(f"!{key}")(obj)


def test_no_selector_selects_an_object_without_labels() -> None:
    assert label_selector("")({"metadata": {"name": "o"}})


@pytest.mark.parametrize("text", ["a=x:y", "a=b c", "a in x", "a=" + "x" * 64, "=b", "a=-b", "a in (b:c)"])
def test_selectors_that_no_label_could_match_are_refused(text: str) -> None:
    with pytest.raises(StatusError) as caught:
        label_selector(text)
    assert caught.value.code == 400


def test_fields_are_compared_as_text_and_absent_ones_as_empty() -> None:
    pod = {"metadata": {"name": "p", "namespace": "n"}, "spec": {"nodeName": "a"}}
    assert field_selector("spec.nodeName=a,status.phase!=Failed", PODS)(pod)
    assert not field_selector("metadata.namespace=other", PODS)(pod)
    assert field_selector("spec.unschedulable=false", NODES)({"metadata": {"name": "n"}})
    assert field_selector("spec.unschedulable=true", NODES)({"spec": {"unschedulable": True}})


@pytest.mark.parametrize("text", ["spec.running=true", "status.phase=Running", "nonsense"])
def test_fields_of_a_custom_resource_are_no_selectors(text: str) -> None:
    with pytest.raises(StatusError) as caught:
        field_selector(text, VMS)
    assert caught.value.code == 400

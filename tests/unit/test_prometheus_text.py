"""Prometheus' text, as Ceph's manager and hostile ones write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.prometheus_text import Sample, read_samples

TEXT = rb"""
# HELP ceph_pg_total PG Total Count per Pool
# TYPE ceph_pg_total gauge
ceph_pg_total{pool_id="1"} 32.0
ceph_pg_total{pool_id="2"} 1.0 1700000000000
ceph_pg_totally{pool_id="3"} 7
ceph_health_status 1.0
ceph_pool_metadata{pool_id="2",name="a\"}, b\\\n",type="replicated",description="replica:3"} 1.0
ceph_osd_up{ceph_daemon="osd.0"} NaN
ceph_osd_up{ceph_daemon="osd.1"} +Inf
ceph_osd_up{ceph_daemon="osd.2"} one
ceph_osd_up{ceph_daemon="osd.3"} 1
ceph_osd_up{ceph_daemon="osd.4} 1
 ceph_osd_up{ceph_daemon="osd.5"} 1
"""


def test_samples_are_read_with_and_without_labels_and_times() -> None:
    assert read_samples(TEXT, ["ceph_pg_total", "ceph_health_status"]) == [
        Sample("ceph_pg_total", {"pool_id": "1"}, 32),
        Sample("ceph_pg_total", {"pool_id": "2"}, 1),
        Sample("ceph_health_status", {}, 1),
    ]
    assert [one.name for one in read_samples(TEXT, ["ceph_pg_*"])] == [
        "ceph_pg_total",
        "ceph_pg_total",
        "ceph_pg_totally",
    ]
    assert read_samples(TEXT, []) == []


def test_values_of_labels_may_hold_anything() -> None:
    (found,) = read_samples(TEXT, ["ceph_pool_metadata"])
    assert found.labels["name"] == 'a"}, b\\\n'


def test_what_is_no_finite_number_or_no_sample_is_passed_over() -> None:
    assert [one.labels for one in read_samples(TEXT, ["ceph_osd_up"])] == [{"ceph_daemon": "osd.3"}]


def test_a_name_that_is_none_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="no metric's name"):
        read_samples(TEXT, ["a|b"])


@given(value=st.floats(allow_nan=False, allow_infinity=False), label=st.text(max_size=50))
def test_what_is_written_as_the_format_says_is_read_as_it_was(value: float, label: str) -> None:
    escaped = label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    line = f'm{{l="{escaped}"}} {value!r}\n'.encode("utf-8", "replace")
    meant = label.encode("utf-8", "replace").decode()
    assert read_samples(line, ["m"]) == [Sample("m", {"l": meant}, value)]


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_read(text: bytes) -> None:
    assert all(one.name.startswith("ceph_") for one in read_samples(b"ceph_x" + text, ["ceph_*"]))

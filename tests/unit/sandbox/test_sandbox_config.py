from __future__ import annotations

from typing import Any

import pytest

from pytest_odfperf.errors import InputError
from pytest_odfperf.sandbox.config.parse_config import ROOT_CLASS, parse_config


def test_nothing_is_needed() -> None:
    config = parse_config(None)
    assert config.machine == "qemu"
    assert [node.name for node in config.nodes] == ["node-1", "node-2", "node-3"]
    assert config.root_class == ROOT_CLASS


def test_nodes_can_be_listed_one_by_one() -> None:
    config = parse_config(
        {"nodes": [{"name": "a", "cpu": "500m", "memory": "1Gi"}, {"ready": False}, {"unschedulable": True}]}
    )
    assert [node.name for node in config.nodes] == ["a", "node-2", "node-3"]
    assert (config.nodes[0].cpu_milli, config.nodes[0].memory_bytes) == (500, 1 << 30)
    assert [node.ready for node in config.nodes] == [True, False, True]
    assert config.nodes[2].unschedulable


def test_limits_of_a_backend_are_quantities() -> None:
    config = parse_config(
        {"storage_classes": {"cap": {"default": True, "backend": {"iops": 500, "bandwidth": "20Mi"}}}}
    )
    (sc,) = config.storage_classes
    assert (sc.iops, sc.bandwidth_bytes_per_s) == (500, 20 << 20)
    assert config.root_class == "cap"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"machin": 1}, "sandbox: unknown name 'machin' (known: "),
        ({"machine": "vmware"}, "sandbox.machine: 'vmware' is not one of qemu, simulated"),
        ({"nodes": {"cpu": "many"}}, "sandbox.nodes.cpu: 'many' is not a quantity"),
        ({"nodes": []}, "sandbox.nodes: at least one node is needed"),
        ({"nodes": [{"name": "a"}, {"name": "a"}]}, "sandbox.nodes: node 'a' is there twice"),
        ({"speed": 0}, "sandbox.speed: 0 is not a number above 0"),
        ({"speed": float("nan")}, "sandbox.speed: nan is not a number above 0"),
        ({"boot_s": True}, "sandbox.boot_s: True is not a number"),
        ([], "sandbox: [] is not a mapping"),
        ({"storage_classes": {"a": {"backend": {"iops": -1}}}}, "sandbox.storage_classes.a.backend.iops: -1"),
        ({"ceph": {"osd_size": "5Gi"}}, "sandbox.ceph: osd_size is of a real Ceph only (real: true)"),
        ({"ceph": {"real": True, "release": 18.2}}, "sandbox.ceph: release is of a simulated Ceph only"),
        ({"ceph": {"release": 15}}, "sandbox.ceph.release: '15' is not one of 16.2"),
        ({"ceph": {"failure_domain": "planet"}}, "sandbox.ceph.failure_domain: 'planet' is not one of osd"),
        ({"ceph": {"real": "yes"}}, "sandbox.ceph.real: 'yes' is not true or false"),
        ({"ceph": {"real": True, "osds": 0}}, "sandbox.ceph.osds: 0 is not a whole number of at least 1"),
        ({"ceph": {"real": True, "osds": 40}}, "sandbox.ceph.osds: 40 is more than 12"),
        ({"ceph": {"real": True, "osd_size": "1Gi"}}, "sandbox.ceph.osd_size: '1Gi' is not from 3072Mi to"),
        ({"ceph": {"real": True, "osd_cache": "1Ti"}}, "sandbox.ceph.osd_cache: '1Ti' is not from 16Mi to"),
        ({"ceph": {"real": True, "capacity": "1Ti"}}, "sandbox.ceph: capacity is of a simulated Ceph only"),
        ({"ceph": {"real": True, "settings": {"a b": "1"}}}, "sandbox.ceph.settings: 'a b' is no name"),
        (
            {"ceph": {"real": True, "settings": {"a": "1\n[mon]"}}},
            "can not stand in ceph.conf",
        ),
        (
            {"storage_classes": {"a": {"faults": {"fio": 1}}}},
            "sandbox.storage_classes.a.faults: unknown name",
        ),
        ({"storage_classes": {"a": {"parameters": {"pool": 3}}}}, "sandbox.storage_classes.a.parameters"),
        (
            {"storage_classes": {"a": {"model": {"backend": "x"}}}},
            "backend 'x' is not one of sandbox.backends",
        ),
        ({"ceph": {"pools": {}}}, "sandbox.ceph: unknown name 'pools'"),
    ],
)
def test_what_can_not_be_used_is_one_line_with_its_place(raw: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_config(raw)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)

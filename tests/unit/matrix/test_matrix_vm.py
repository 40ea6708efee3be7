# ruff: noqa: E501 - a table of messages is read line by line
"""``vm:``: what is taken, what is refused with its line, which of three places wins, what the VM gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.cluster.facts.instancetypes import other_size
from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.definition import definition
from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.keys import GroupKey
from pytest_odfperf.matrix.model import ApiName, Matrix, VmShape
from pytest_odfperf.matrix.reading.load import load_text
from pytest_odfperf.matrix.reading.matrix_check import check
from pytest_odfperf.matrix.serial import from_json, to_json
from pytest_odfperf.matrix.vm_patch import KEPT, PROTECTED, merge_patch
from pytest_odfperf.vm import labels, manifests
from pytest_odfperf.vm.spec import GroupSpec, Owner

KEY = GroupKey("a", "small", "20Gi", 1)


def load(vm: str = "{}", *, size: str = "", pool: str = "{name: a}") -> Matrix:
    text = f"""
pools:
  - {pool}
vm_sizes: {{small: {{vcpus: 2, memory: 4Gi{size}}}}}
pvc_sizes: [20Gi]
concurrency: [1]
profiles: [db-oltp]
vm: {vm}
"""
    return load_text(text, source="m.yaml", folder=Path(), name="m")


def problem(vm: str) -> str:
    with pytest.raises(InputError) as caught:
        load(vm)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def virtual_machine(matrix: Matrix) -> dict[str, Any]:
    spec = GroupSpec.of(
        matrix, KEY, run_id="r", owner=Owner("o", "u"), volume_mode="Block", client_key_public="k",
        job="", layout_bytes=0,
    )  # fmt: skip
    return manifests.virtual_machine(spec, spec.vm_names[0])


FULL = """
  node_selector: {node-role.kubernetes.io/storage-bench: "", kubernetes.io/hostname: w-1}
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms: [{matchExpressions: [{key: zone, operator: In, values: [a, b]}]}]
    podAntiAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 1
          podAffinityTerm: {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {a: b}}}
  tolerations: [{key: bench, operator: Exists, effect: NoSchedule}]
  preference: {name: fedora, kind: VirtualMachinePreference}
  labels: {team: storage}
  annotations: {example.com/note: "a b c"}
  access_mode: ReadWriteMany
  patch: {spec: {template: {spec: {domain: {ioThreadsPolicy: shared}, priorityClassName: high}}}}
"""


def test_all_fields_reach_the_vm() -> None:
    matrix = load("\n" + FULL, size=", instancetype: u1.medium")
    body = virtual_machine(matrix)
    instance = body["spec"]["template"]["spec"]
    assert instance["nodeSelector"]["node-role.kubernetes.io/storage-bench"] == ""
    assert instance["affinity"]["nodeAffinity"]
    assert instance["tolerations"] == [{"key": "bench", "operator": "Exists", "effect": "NoSchedule"}]
    assert body["spec"]["preference"] == {"kind": "VirtualMachinePreference", "name": "fedora"}
    assert body["spec"]["instancetype"] == {"kind": "VirtualMachineClusterInstancetype", "name": "u1.medium"}
    for meta in (body["metadata"], body["spec"]["template"]["metadata"]):
        assert meta["labels"]["team"] == "storage"
        assert labels.group_labels("r", KEY).items() <= meta["labels"].items()
        assert meta["annotations"] == {"example.com/note": "a b c"}
    assert instance["priorityClassName"] == "high"
    # The instancetype gives them; KubeVirt refuses a VM that says them too.
    assert not {"cpu", "memory", "resources"} & set(instance["domain"])
    assert instance["domain"]["ioThreadsPolicy"] == "shared"
    assert check(from_json(json.loads(json.dumps(to_json(matrix))))) == matrix


def test_a_vm_without_settings_is_made_as_ever() -> None:
    body = virtual_machine(load())
    instance = body["spec"]["template"]["spec"]
    assert not {"nodeSelector", "affinity", "tolerations"} & set(instance)
    assert not {"instancetype", "preference"} & set(body["spec"])
    assert "annotations" not in body["metadata"]
    assert instance["domain"]["resources"]["requests"] == {"cpu": "2", "memory": "4Gi"}


def test_the_pool_goes_before_the_size_and_that_before_the_matrix() -> None:
    matrix = load(
        "{access_mode: ReadWriteMany, tolerations: [{operator: Exists}], labels: {m: '1', x: m},"
        " patch: {spec: {template: {spec: {hostname: m, subdomain: m}}}}}",
        size=", vm: {access_mode: ReadWriteOnce, labels: {s: '1', x: s}, tolerations: [],"
        " patch: {spec: {template: {spec: {hostname: s}}}}}",
        pool="{name: a, vm: {access_mode: ReadWriteOncePod, labels: {p: '1', x: p}}}",
    )
    shape = matrix.shape_of("a", "small")
    assert shape.access_mode == "ReadWriteOncePod"
    assert shape.tolerations == ()
    assert shape.labels == {"m": "1", "s": "1", "p": "1", "x": "p"}
    instance = virtual_machine(matrix)["spec"]["template"]["spec"]
    assert (instance["hostname"], instance["subdomain"]) == ("s", "m")


def test_extends_overrides_single_fields_of_vm(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(
        "pools: [a]\nvm_sizes: {small: {vcpus: 2, memory: 4Gi}}\npvc_sizes: [20Gi]\nconcurrency: [1]\n"
        "profiles: [db-oltp]\nvm: {labels: {a: b}, access_mode: ReadWriteMany}\n"
    )
    over = "extends: base.yaml\nvm: {access_mode: ReadWriteOnce}\n"
    shape = load_text(over, source="m.yaml", folder=tmp_path, name="m").shape_of("a", "small")
    assert (shape.labels, shape.access_mode) == ({"a": "b"}, "ReadWriteOnce")


@pytest.mark.parametrize(
    ("vm", "expected"),
    [
        ("{nodeSelector: {}}", "unknown field 'nodeSelector' in vm of the matrix (did you mean 'node_selector'?"),
        ("{node_selector: [a]}", "node_selector of vm of the matrix must be a mapping"),
        ("{node_selector: {a: true}}", "must be a text, not 'true', true or false (write it in quotes: 'true')"),
        ("{node_selector: {a b: c}}", "'a b' is no label name"),
        ("{node_selector: {a: 'b c'}}", "'b c' is no label value"),
        ("{node_selector: {Up.Per/x: c}}", "is not a DNS-1123 subdomain"),
        ("{labels: {odfperf/pool: x}}", "'odfperf/pool' can not be set: the plugin finds and deletes its objects by it"),
        ("{labels: {app.kubernetes.io/managed-by: x}}", "can not be set"),
        ("{annotations: {a: 1}}", "must be a text"),
        ("{tolerations: {key: a}}", "must be a list"),
        ("{tolerations: [{}]}", "toleration has no key"),
        ("{tolerations: [{key: a, operator: Exist}]}", "operator 'Exist' is not known (did you mean 'Exists'?"),
        ("{tolerations: [{key: a, operator: Exists, value: b}]}", "which operator Exists does not take"),
        ("{tolerations: [{key: a, effect: NoScheduling}]}", "did you mean 'NoSchedule'?"),
        ("{tolerations: [{key: a, tolerationSeconds: 5}]}", "needs effect: NoExecute"),
        ("{affinity: {nodeAffinty: {}}}", "did you mean 'nodeAffinity'?"),
        ("{affinity: {nodeAffinity: {requiredDuringScheduling: {}}}}", "unknown field 'requiredDuringScheduling'"),
        ("{affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{}]}}}", "must be a mapping"),
        ("{affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{}]}}}}", "matches no node"),
        ("{affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: In}]}]}}}}", "takes at least one value, not 0"),
        ("{affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Gt, values: [x]}]}]}}}}", "compares whole numbers"),
        ("{affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {}}]}}}", "has no topologyKey"),
        ("{affinity: {podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 101, podAffinityTerm: {topologyKey: a}}]}}}", "is not from 1 to 100"),
        ("{access_mode: ReadOnlyMany}", "access_mode of vm of the matrix 'ReadOnlyMany' is not known (did you mean 'ReadWriteMany'? known: ReadWriteOnce, ReadWriteMany, ReadWriteOncePod)"),
        ("{access_mode: RWX}", "is not known"),
        ("{preference: {name: a, kind: VirtualMachineInstancetype}}", "is not known"),
        ("{preference: A_b}", "is not a DNS-1123 subdomain"),
        ("{instancetype: u1.small}", "vm of the matrix can not have an instancetype: it is the size of the VM; write it into vm_sizes"),
        ("{patch: {}}", "patch of vm of the matrix is empty"),
        ("{patch: [a]}", "must be a mapping"),
    ],
)  # fmt: skip
def test_what_the_cluster_would_drop_or_refuse_is_refused_with_the_line(vm: str, expected: str) -> None:
    found = problem(vm)
    assert found.startswith("m.yaml:8: ")
    assert expected in found


def nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for name in reversed(path):
        value = {name: value}
    return dict(value)


METADATA = [
    (*at, name)
    for at in (("metadata",), ("spec", "template", "metadata"))
    for name in (
        "name", "generateName", "namespace", "ownerReferences", "finalizers", "uid", "resourceVersion",
    )
]  # fmt: skip
OWN_LABELS = [
    (*at, "labels", name)
    for at in (("metadata",), ("spec", "template", "metadata"))
    for name in (labels.RUN, labels.POOL, labels.VM_SIZE, labels.PVC_SIZE, labels.CONCURRENCY, labels.VM,
                 labels.MANAGED_BY)
]  # fmt: skip
SPEC = "spec.template.spec"
DOMAIN = f"{SPEC}.domain"
#: What the plugin works by, said once more than in its own table.
RELIED_ON = [
    "apiVersion", "kind", "status", "spec.runStrategy", "spec.running", "spec.dataVolumeTemplates", "spec.instancetype",
    "spec.preference", f"{SPEC}.volumes", f"{SPEC}.networks", f"{SPEC}.nodeSelector", f"{SPEC}.affinity",
    f"{SPEC}.tolerations", f"{SPEC}.evictionStrategy", f"{SPEC}.startStrategy", f"{SPEC}.accessCredentials",
    f"{DOMAIN}.cpu.cores", f"{DOMAIN}.cpu.sockets", f"{DOMAIN}.cpu.threads", f"{DOMAIN}.cpu.maxSockets",
    f"{DOMAIN}.memory.guest", f"{DOMAIN}.memory.maxGuest", f"{DOMAIN}.resources.requests",
    f"{DOMAIN}.resources.limits", f"{DOMAIN}.devices.disks", f"{DOMAIN}.devices.interfaces",
]  # fmt: skip
EVERY = [*(tuple(path.split(".")) for path in RELIED_ON), *METADATA, *OWN_LABELS]


def test_the_table_of_protected_paths_is_complete() -> None:
    assert {".".join(path) for path in (*PROTECTED, *KEPT)} == set(RELIED_ON)


@pytest.mark.parametrize("value", [None, "x", 1, ["x"], {"x": "y"}], ids=repr)
@pytest.mark.parametrize("path", EVERY, ids=".".join)
def test_no_patch_touches_what_the_plugin_relies_on(path: tuple[str, ...], value: Any) -> None:
    """Neither by its own path, nor by taking away or replacing anything above it."""
    found = problem(json.dumps({"patch": nested(path, value)}))
    assert ".".join(path) in found
    for depth in range(1, len(path)):
        if not isinstance(value, dict):
            found = problem(json.dumps({"patch": nested(path[:depth], value)}))
            assert ".".join(path[:depth]) in found


def test_every_protected_value_of_the_manifest_is_there() -> None:
    """The table speaks of the VM that is really made: a path that is renamed there is seen here."""
    body = virtual_machine(load())
    absent = {"status", "running", "instancetype", "preference", "nodeSelector", "affinity", "tolerations",
              "accessCredentials", "startStrategy", "maxSockets", "maxGuest"}  # fmt: skip
    for path in (*PROTECTED, *KEPT):
        found: Any = body
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        assert (found is None) == (path[-1] in absent), path
    for path, needed in KEPT.items():
        at: Any = body
        for name in path:
            at = at[name]
        assert [dict(one) for one in needed] == at


DISKS = "{name: root, bootOrder: 1, disk: {bus: virtio}}, {name: cloudinit, disk: {bus: virtio}}"


@pytest.mark.parametrize(
    ("patch", "refused"),
    [
        (f"domain: {{devices: {{disks: [{DISKS}, {{name: data, serial: odfperfdata, cache: writeback, dedicatedIOThread: true, disk: {{bus: virtio}}}}]}}}}", None),
        (f"domain: {{devices: {{disks: [{DISKS}]}}}}", "must have {name: data, serial: odfperfdata, disk: {bus: virtio}} in it"),
        (f"domain: {{devices: {{disks: [{DISKS}, {{name: data, serial: x, disk: {{bus: virtio}}}}]}}}}", "must have {name: data"),
        (f"domain: {{devices: {{disks: [{DISKS}, {{name: data, serial: odfperfdata, disk: {{bus: sata}}}}]}}}}", "must have {name: data"),
        (f"domain: {{devices: {{disks: [{DISKS}, {{name: data, serial: odfperfdata, disk: {{bus: virtio, readonly: true}}}}]}}}}", "can not have disk.readonly"),
        ("networks: [{name: default, pod: {}}, {name: fast, multus: {networkName: n}}]", None),
        ("networks: [{name: fast, multus: {networkName: n}}]", "must have {name: default, pod: {}} in it"),
        ("domain: {devices: {interfaces: [{name: default, masquerade: {}, model: e1000}]}}", None),
        ("domain: {devices: {interfaces: [{name: default, bridge: {}}]}}", "must have {name: default, masquerade: {}}"),
        ("domain: {devices: {interfaces: [{name: default, masquerade: {}, ports: [{port: 80}]}]}}", "can not have ports"),
        ("domain: {devices: {interfaces: []}}", "is empty"),
        ("domain: {cpu: {model: host-passthrough, dedicatedCpuPlacement: true}}", None),
        ("domain: {memory: {hugepages: {pageSize: 1Gi}}}", None),
        ("domain: {resources: {overcommitGuestOverhead: true}}", None),
        ("schedulerName: mine", None),
        ("topologySpreadConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule}]", None),
    ],
)  # fmt: skip
def test_lists_may_be_replaced_by_such_as_have_what_is_needed(patch: str, refused: str | None) -> None:
    vm = f"{{patch: {{spec: {{template: {{spec: {{{patch}}}}}}}}}}}"
    if refused:
        assert refused in problem(vm)
    else:
        assert virtual_machine(load(vm)) != virtual_machine(load())


@pytest.mark.parametrize(
    "patch",
    [
        "{metadata: {labels: {mine: a}, annotations: {a: b}}}",
        "{spec: {template: {metadata: {annotations: {a: b}}}}}",
        "{spec: {updateVolumesStrategy: Replacement}}",
    ],
)
def test_labels_and_annotations_can_be_patched_in(patch: str) -> None:
    body = virtual_machine(load(f"{{patch: {patch}}}"))
    assert labels.group_labels("r", KEY).items() <= body["metadata"]["labels"].items()
    assert body != virtual_machine(load())


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patches_as_the_appendix_of_rfc_7386(target: Any, patch: Any, result: Any) -> None:
    before = json.dumps([target, patch])
    assert merge_patch(target, patch) == result
    assert json.dumps([target, patch]) == before


plain = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=6,
)


@given(plain, plain)
def test_a_patch_applied_twice_is_applied_once(target: Any, patch: Any) -> None:
    once = merge_patch(target, patch)
    assert merge_patch(once, patch) == once


CHANGES = [
    "{node_selector: {a: b}}",
    "{tolerations: [{operator: Exists}]}",
    "{affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {matchExpressions: [{key: a, operator: Exists}]}}]}}}",
    "{preference: fedora}",
    "{annotations: {a: b}}",
    "{access_mode: ReadWriteMany}",
    "{patch: {spec: {template: {spec: {hostname: a}}}}}",
    "{patch: {spec: {template: {spec: {hostname: a}}}}, labels: {a: b}}",
]


def test_each_setting_that_decides_a_figure_has_a_definition_of_its_own() -> None:
    matrices = [
        load(),
        *map(load, CHANGES),
        load(size=", instancetype: u1.small"),
        load(pool="{name: a, target: block}"),
    ]
    key = expand(matrices[0])[0]
    assert len({definition(key, matrix) for matrix in matrices}) == len(matrices)


@pytest.mark.parametrize("vm", CHANGES)
def test_where_a_setting_stands_does_not_count(vm: str) -> None:
    key = expand(load())[0]
    places = [load(vm), load(size=f", vm: {vm}"), load(pool=f"{{name: a, vm: {vm}}}")]
    assert len({definition(key, matrix) for matrix in places}) == 1


@pytest.mark.parametrize(
    "vm", ["{labels: {team: a}}", "{access_mode: ReadWriteOnce}", "{tolerations: []}", "{node_selector: {}}"]
)
def test_what_changes_nothing_that_is_measured_leaves_the_definition(vm: str) -> None:
    key = expand(load())[0]
    assert definition(key, load(vm)) == definition(key, load())


def test_labels_count_where_pods_are_kept_apart_by_them() -> None:
    affinity = "podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: a, labelSelector: {matchLabels: {b: c}}}]}"
    with_label = load(f"{{affinity: {{{affinity}}}, labels: {{b: c}}}}")
    without = load(f"{{affinity: {{{affinity}}}}}")
    assert definition(expand(without)[0], with_label) != definition(expand(without)[0], without)


def test_what_an_instancetype_gives_is_part_of_the_definition() -> None:
    matrix = load(size=", instancetype: u1.small")
    key = expand(matrix)[0]
    given = [None, {"cpu": {"guest": 2}}, {"cpu": {"guest": 2, "dedicatedCPUPlacement": True}}]
    assert len({definition(key, matrix, None, one) for one in given}) == 3


@pytest.mark.parametrize(
    ("cpu", "memory", "fits"),
    [
        ({"sockets": 2, "cores": 1, "threads": 1}, "4Gi", True),
        ({"cores": 2}, "4096Mi", True),
        ({"sockets": 2, "cores": 2}, "4Gi", False),
        ({"sockets": 2}, "2Gi", False),
    ],
)
def test_a_vm_that_runs_is_held_against_its_size(cpu: dict[str, int], memory: str, fits: bool) -> None:
    instance = {"spec": {"domain": {"cpu": cpu, "memory": {"guest": memory}}}}
    assert (other_size(instance, 2, 4 << 30) is None) == fits


def test_an_instancetype_is_a_name_or_a_kind_and_a_name() -> None:
    matrix = load(size=", instancetype: {name: mine, kind: VirtualMachineInstancetype}")
    assert matrix.shape_of("a", "small") == VmShape(
        instancetype=ApiName(kind="VirtualMachineInstancetype", name="mine")
    )


@pytest.mark.parametrize(
    "change",
    [
        {"labels": {"odfperf/pool": "x"}},
        {"patch": {"spec": {"runStrategy": "Halted"}}},
        {"node_selector": {"a b": "c"}},
        {"tolerations": [{"effect": "x"}]},
    ],
)
def test_a_stored_matrix_is_held_to_the_same_rules(change: dict[str, Any]) -> None:
    stored = to_json(load())
    stored["pools"][0]["vm"].update(change)
    with pytest.raises(InputError):
        check(from_json(stored))

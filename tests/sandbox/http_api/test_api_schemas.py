"""The shapes of the kinds: unknown fields, wrong types, what is missing, what is filled in."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.http_api.conftest import SPECS, head

JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
VM = SPECS["virtualmachines"]


def warnings(answer: Any) -> list[str]:
    return [value for name, value in answer.headers.items() if name == "warning"]


def post(api: Any, plural: str, body: Any, **query: str) -> Any:
    return api.call("POST", api.path(plural, **query), {**head(plural), "metadata": {"name": "one"}, **body})


UNKNOWN = [
    ("virtualmachines", {"spec": {**VM, "tmplate": {}}}, "spec.tmplate"),
    ("virtualmachines", {"spec": VM, "specc": {}}, "specc"),
    ("configmaps", {"data": {}, "dataa": {}}, "dataa"),
    ("secrets", {"metadata": {"name": "one", "label": {"a": "b"}}}, "metadata.label"),
    ("persistentvolumeclaims", {"spec": {**SPECS["persistentvolumeclaims"], "size": "1Gi"}}, "spec.size"),
    ("pods", {"spec": {"containers": [{"name": "a", "image": "b", "cpu": 1}]}}, "spec.containers[0].cpu"),
    ("datavolumes", {"spec": {**SPECS["datavolumes"], "sauce": {}}}, "spec.sauce"),
    ("leases", {"spec": {"holder": "me"}}, "spec.holder"),
]


@pytest.mark.parametrize(("plural", "body", "field"), UNKNOWN)
def test_an_unknown_field_is_refused_when_validation_is_strict(
    api: Any, plural: str, body: Any, field: str
) -> None:
    answer = post(api, plural, body, fieldValidation="Strict")
    assert (answer.code, answer.body["reason"]) == (400, "BadRequest")
    assert answer.body["message"].endswith(f'strict decoding error: unknown field "{field}"')
    assert api.get(plural, "one") is None


@pytest.mark.parametrize(("plural", "body", "field"), UNKNOWN)
def test_an_unknown_field_is_dropped_with_a_warning_by_default(
    api: Any, plural: str, body: Any, field: str
) -> None:
    answer = post(api, plural, body)
    assert answer.code == 201
    assert warnings(answer) == [f'299 - "unknown field \\"{field}\\""']
    assert field.rpartition(".")[2] not in str(answer.body)


def test_an_unknown_field_is_dropped_without_a_word_when_validation_is_off(api: Any) -> None:
    answer = post(api, "virtualmachines", {"spec": {**VM, "tmplate": {}}}, fieldValidation="Ignore")
    assert answer.code == 201
    assert warnings(answer) == []
    assert "tmplate" not in answer.body["spec"]


def test_updates_and_patches_are_looked_at_too(api: Any) -> None:
    made = api.create("configmaps", "one", data={"a": "1"})
    put = api.call("PUT", api.path("configmaps", "one", fieldValidation="Strict"), {**made, "x": 1})
    merged = api.call(
        "PATCH", api.path("configmaps", "one", fieldValidation="Strict"), {"x": 1}, Content_Type=MERGE
    )
    change = [{"op": "add", "path": "/x", "value": 1}]
    patched = api.call(
        "PATCH", api.path("configmaps", "one", fieldValidation="Strict"), change, Content_Type=JSON_PATCH
    )
    assert [answer.code for answer in (put, merged, patched)] == [400, 422, 422]
    assert api.get("configmaps", "one") == made
    wrong = api.call("PATCH", api.path("configmaps", "one"), {"data": {"a": 1}}, Content_Type=MERGE)
    assert wrong.code == 422
    assert wrong.body["message"].startswith(' "" is invalid: patch: ')


def test_a_validation_that_there_is_not_is_invalid(api: Any) -> None:
    assert post(api, "configmaps", {}, fieldValidation="Hard").code == 422


@pytest.mark.parametrize(
    ("plural", "body", "said"),
    [
        (
            "configmaps",
            {"data": {"a": 1}},
            "cannot unmarshal number into Go struct field data.a of type string",
        ),
        ("configmaps", {"data": []}, "cannot unmarshal array into Go struct field data of type map"),
        ("secrets", {"data": {"a": "*"}}, "illegal base64 data"),
        (
            "pods",
            {"spec": {"containers": "a"}},
            "cannot unmarshal string into Go struct field spec.containers",
        ),
        ("leases", {"spec": {"leaseDurationSeconds": "15"}}, "cannot unmarshal string"),
        ("leases", {"spec": {"renewTime": "2026-11-23T20:24:24Z"}}, "2006-01-02T15:04:05.000000Z07:00"),
        (
            "virtualmachines",
            {"spec": VM, "metadata": {"name": "one", "labels": {"a": 150}}},
            "cannot unmarshal number",
        ),
    ],
)
def test_a_wrong_type_in_what_kubernetes_defines_can_not_be_read(
    api: Any, plural: str, body: Any, said: str
) -> None:
    answer = post(api, plural, body)
    assert (answer.code, answer.body["reason"]) == (400, "BadRequest")
    assert "cannot be handled as a" in answer.body["message"]
    assert said in answer.body["message"]


def test_a_wrong_type_in_a_custom_resource_is_invalid_with_all_causes(api: Any) -> None:
    domain = {"devices": {}, "cpu": {"cores": "4"}, "memory": {"guest": "4 GB"}}
    spec = {"running": "Now", "template": {"spec": {"domain": domain}}}
    answer = post(api, "virtualmachines", {"spec": spec})
    assert (answer.code, answer.body["reason"]) == (422, "Invalid")
    causes = {cause["field"]: cause["reason"] for cause in answer.body["details"]["causes"]}
    assert causes == {
        "spec.running": "FieldValueTypeInvalid",
        "spec.template.spec.domain.cpu.cores": "FieldValueTypeInvalid",
    }
    said = 'spec.template.spec.domain.cpu.cores in body must be of type integer: "string"'
    assert said in answer.body["message"]
    assert answer.body["message"].startswith('admission webhook "virtualmachines-mutator.kubevirt.io" denied')


@pytest.mark.parametrize(
    ("plural", "body", "field"),
    [
        ("pods", {"spec": {}}, "spec.containers"),
        ("pods", {"spec": {"containers": [{"name": "a"}]}}, "spec.containers[0].image"),
        ("persistentvolumeclaims", {}, "spec"),
        ("storageclasses", {}, "provisioner"),
        ("rolebindings", {}, "roleRef"),
        ("datavolumes", {}, "spec"),
    ],
)
def test_what_is_missing_is_named(api: Any, plural: str, body: Any, field: str) -> None:
    answer = post(api, plural, body)
    assert (answer.code, answer.body["reason"]) == (422, "Invalid")
    [cause] = answer.body["details"]["causes"]
    assert (cause["reason"], cause["field"]) == ("FieldValueRequired", field)


def test_defaults_are_filled_in(api: Any) -> None:
    assert api.create("persistentvolumeclaims", "one")["spec"]["volumeMode"] == "Filesystem"
    pod = api.create("pods", "one")
    assert pod["spec"]["restartPolicy"] == "Always"
    assert pod["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert api.create("secrets", "one")["type"] == "Opaque"
    assert api.create("virtualmachines", "one")["spec"]["template"]["spec"]["architecture"] == "amd64"


def test_a_null_counts_as_absent_where_there_may_be_none(api: Any) -> None:
    made = api.create("configmaps", "one", data={"a": "1", "b": None}, metadata={"creationTimestamp": None})
    assert made["data"] == {"a": "1"}
    spec = {**VM, "dataVolumeTemplates": None}
    assert "dataVolumeTemplates" not in api.create("virtualmachines", "one", spec=spec)["spec"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("1.5Gi", "1536Mi"),
        ("1024Mi", "1Gi"),
        ("1e3", "1e3"),
        ("0.5", "500m"),
        ("5000000000", "5G"),
        (1073741824, "1073741824"),
    ],
)
def test_quantities_of_built_in_kinds_come_back_in_their_canonical_form(
    api: Any, given: Any, kept: str
) -> None:
    spec = {**SPECS["persistentvolumeclaims"], "resources": {"requests": {"storage": given}}}
    made = api.create("persistentvolumeclaims", "one", spec=spec)
    assert made["spec"]["resources"]["requests"]["storage"] == kept


def test_quantities_of_custom_resources_stay_as_they_are(api: Any) -> None:
    domain = {"devices": {}, "memory": {"guest": "1.5Gi"}}
    made = api.create(
        "virtualmachines", "one", spec={"running": False, "template": {"spec": {"domain": domain}}}
    )
    assert made["spec"]["template"]["spec"]["domain"]["memory"]["guest"] == "1.5Gi"


def test_metadata_in_a_template_has_the_fields_of_metadata(api: Any) -> None:
    spec = {"running": False, "template": {"metadata": {"any": {"thing": 1}}, **VM["template"]}}
    answer = post(api, "virtualmachines", {"spec": spec})
    assert (answer.code, answer.body["reason"]) == (422, "Invalid")
    assert "spec.template.metadata.any in body is a forbidden property" in answer.body["message"]


def test_the_schemas_are_published(api: Any) -> None:
    document = api.call("GET", "/openapi/v3/apis/kubevirt.io/v1").body
    schema = document["components"]["schemas"]["io.kubevirt.v1.VirtualMachine"]
    assert schema["x-kubernetes-group-version-kind"] == [
        {"group": "kubevirt.io", "version": "v1", "kind": "VirtualMachine"}
    ]
    spec = schema["properties"]["spec"]
    assert spec["required"] == ["template"]
    cores = spec["properties"]["template"]["properties"]["spec"]["properties"]["domain"]["properties"]["cpu"]
    assert cores["properties"]["cores"] == {"type": "integer", "format": "int32"}

"""A VM with what its instancetype and preference give it, as its instance is made from it."""

from __future__ import annotations

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.instancetype_rules import API_VERSION, KINDS, PLURALS, expanded, reference
from pytest_odfperf.sandbox.reconcilers.api_client import Api
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import Kind, Obj


async def expanded_vm(api: Api, vm: Obj) -> Obj:
    """``vm`` itself if it has neither. Raises `OdfError` if one of them is gone."""
    if not any(vm["spec"].get(sort) for sort in KINDS):
        return vm
    instancetype, preference = [await _spec(api, vm, sort) for sort in KINDS]
    template = vm["spec"]["template"]
    machine = expanded(template["spec"], instancetype, preference)
    return {**vm, "spec": {**vm["spec"], "template": {**template, "spec": machine}}}


async def _spec(api: Api, vm: Obj, sort: str) -> Obj | None:
    named = reference(vm, sort)
    if named is None:
        return None
    name_of_kind, name = named
    kind = Kind(API_VERSION, name_of_kind, PLURALS[name_of_kind], namespaced="Cluster" not in name_of_kind)
    found = await api.get(kind, vm["metadata"]["namespace"] if kind.namespaced else "", name)
    if found is None:
        raise OdfError(f'{kind.plural}.instancetype.kubevirt.io "{name}" not found')
    spec: Obj = found["spec"]
    return spec

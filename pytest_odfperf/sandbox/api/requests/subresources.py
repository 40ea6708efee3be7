"""KubeVirt's own API: start, stop, restart, portforward, guestosinfo."""

from __future__ import annotations

import copy
import json
from typing import Any

from aiohttp import web

from pytest_odfperf.sandbox.api.objects.object_store import Obj, Store
from pytest_odfperf.sandbox.api.objects.paths import Target
from pytest_odfperf.sandbox.api.objects.resources import BY_PATH
from pytest_odfperf.sandbox.api.objects.status import StatusError, conflict, no_such_path, not_found
from pytest_odfperf.sandbox.api.requests.passed_on.portforward import portforward

VM = BY_PATH["kubevirt.io", "v1", "virtualmachines"]
VMI = BY_PATH["kubevirt.io", "v1", "virtualmachineinstances"]


#: As virt-api names the kinds in what it says.
_VM_NAME, _VMI_NAME = "virtualmachine.kubevirt.io", "virtualmachineinstance.kubevirt.io"
#: The parts that there are, by their methods.
_METHODS = {"portforward": "GET"}
_VM_METHODS = {"start": "PUT", "stop": "PUT", "restart": "PUT", "expand-spec": "GET"}
_VMI_METHODS = {"guestosinfo": "GET"}


async def kubevirt(request: web.Request, store: Store, target: Target, options: Obj) -> web.StreamResponse:
    """Answer a request of subresources.kubevirt.io. Raises `StatusError`."""
    sub, _, rest = target.sub.partition("/")
    methods = {**_METHODS, **(_VM_METHODS if target.resource is VM else _VMI_METHODS)}
    if sub not in methods or (sub == "portforward" and not rest):
        return web.Response(status=404, text="404: Page Not Found")
    if request.method != methods[sub]:
        return web.Response(status=405, text="405: Method Not Allowed")
    if sub == "expand-spec":
        return web.json_response(_machine(store, target))
    if sub == "portforward" and not _takes_any(request.headers.get("Accept", "*/*")):
        return web.Response(status=406, text="406: Not Acceptable\n\nAvailable representations: ")
    if sub == "portforward":
        port, _, protocol = rest.partition("/")
        if not port.isdigit() or protocol not in ("", "tcp"):
            raise no_such_path()
        return await portforward(request, _instance(store, target), int(port))
    if sub == "guestosinfo":
        try:
            return _guest_os(_instance(store, target))
        except StatusError as error:
            # virt-api has no Status for this one, whatever is wrong.
            return web.Response(status=500, text=error.message)
    if sub in ("start", "stop", "restart"):
        if not _takes_text(request.headers.get("Accept", "*/*")):
            # virt-api has no JSON to give here, and says so to who takes nothing else.
            return web.Response(status=406, text="406: Not Acceptable")
        _change_state(store, target, sub, options)
        return web.Response(status=202)
    raise no_such_path()


def _takes_any(accept: str) -> bool:
    return "*/*" in {media.partition(";")[0].strip() for media in accept.split(",")}


def _machine(store: Store, target: Target) -> Obj:
    vm = store.get(VM, (target.namespace, target.name))
    if vm is None:
        raise not_found(_VM_NAME, target.name)
    return vm


def _takes_text(accept: str) -> bool:
    kinds = {media.partition(";")[0].strip() for media in accept.split(",")}
    return bool(kinds & {"*/*", "text/*", "text/plain"})


def _instance(store: Store, target: Target) -> Obj:
    vmi = store.get(VMI, (target.namespace, target.name))
    if vmi is None:
        raise not_found(_VMI_NAME, target.name)
    return vmi


def _guest_os(vmi: Obj) -> web.Response:
    if (vmi.get("status") or {}).get("phase") != "Running":
        raise conflict(_VMI_NAME, vmi["metadata"]["name"], "VMI is not running")
    conditions = {entry["type"]: entry for entry in (vmi.get("status") or {}).get("conditions") or ()}
    if "AgentConnected" not in conditions:
        raise conflict(_VMI_NAME, vmi["metadata"]["name"], "VMI does not have guest agent connected")
    os = (vmi["status"].get("guestOSInfo")) or {}
    return web.json_response({"hostname": vmi["metadata"]["name"], "os": os})


def _change_state(store: Store, target: Target, verb: str, options: Obj) -> None:
    vm = _machine(store, target)
    vmi = store.get(VMI, (target.namespace, target.name))
    spec = vm.get("spec") or {}
    strategy = spec.get("runStrategy") or ("Always" if spec.get("running") else "Halted")
    fresh = copy.deepcopy(vm)
    stop = {"action": "Stop", "uid": vmi["metadata"]["uid"]} if vmi is not None else None
    requests: list[dict[str, Any]] = []
    if verb == "start":
        if vmi is not None:
            raise conflict(_VM_NAME, target.name, "VM is already running")
        if strategy == "Always":
            raise conflict(_VM_NAME, target.name, "Always does not support manual start requests")
        if strategy == "Halted":
            _set_strategy(fresh, "Always")
        else:
            requests = [{"action": "Start"}]
    elif verb == "stop":
        if vmi is None or stop is None:
            raise conflict(_VM_NAME, target.name, "VM is not running")
        if strategy in ("Always", "Once"):
            _set_strategy(fresh, "Halted")
        else:
            requests = [stop]
    else:
        if strategy in ("Halted", "Once"):
            raise conflict(_VM_NAME, target.name, f"{strategy} does not support manual restart requests")
        if stop is None:
            raise conflict(_VM_NAME, target.name, "VM is not running")
        if options.get("gracePeriodSeconds") not in (None, 0):
            raise StatusError(400, "BadRequest", "for force restart, only gracePeriodSeconds=0 is supported")
        requests = [stop, {"action": "Start"}]
    dry = options.get("dryRun") or []
    if dry not in ([], ["All"]):
        problem = f'dryRun: Unsupported value: {json.dumps(dry)}: supported values: "All"'
        told = f'PatchOptions.meta.k8s.io "" is invalid: {problem}'
        raise StatusError(500, "InternalError", f"Internal error occurred: {told}")
    if requests:
        fresh.setdefault("status", {})["stateChangeRequests"] = requests
    if options.get("dryRun") != ["All"]:
        store.replace(VM, vm, fresh)


def _set_strategy(vm: Obj, strategy: str) -> None:
    vm["spec"].pop("running", None)
    vm["spec"]["runStrategy"] = strategy

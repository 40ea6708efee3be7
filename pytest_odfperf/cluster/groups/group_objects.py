"""Makes the objects of a group: of all VMs or pods at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any

from pytest_odfperf.cluster.causes.refusals import refusal
from pytest_odfperf.cluster.client.calls import ApiError, Calls
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import CLAIM, POD, SECRET, VM, Kind
from pytest_odfperf.errors import GroupError, InterruptedRunError
from pytest_odfperf.redaction import Hidden
from pytest_odfperf.vm import manifests, pod_manifest
from pytest_odfperf.vm.cloudinit import user_data
from pytest_odfperf.vm.spec import GroupSpec
from pytest_odfperf.waiting import Stop

#: VMs made at the same time. The API server takes more, but answers 429 to all at some point.
_AT_ONCE = 16
#: Makes the host key of a VM: (private as OpenSSH PEM, public as one line).
HostKeys = Callable[[], tuple[Hidden, str]]
HostKey = tuple[Hidden, str]
#: Of a pod, where nobody logs in.
_NO_KEY: HostKey = (Hidden(""), "")


def keys_of(spec: GroupSpec, host_keys: HostKeys) -> dict[str, HostKey]:
    """A host key for each VM of the group."""
    return {name: host_keys() if spec.machine == "vm" else _NO_KEY for name in spec.vm_names}


def create_all(cluster: Cluster, spec: GroupSpec, keys: Mapping[str, HostKey], stop: Stop) -> None:
    """Make the objects of all VMs or pods at once; the first refusal ends it.

    Raises `GroupError` with its cause, and `ClusterError`.
    """
    refused = Stop()
    if spec.machine == "pod":
        # VMs are seen by their instances. Who may not see pods would wait for these in vain.
        Calls(cluster, stop).whole_list(POD, spec.namespace, limit=1)

    def create(vm: str) -> None:
        calls = Calls(cluster, stop)
        for kind, body in _objects(spec, vm, keys[vm]):
            stop.check()
            if refused.is_set():
                return
            calls.create(kind, spec.namespace, body)

    with ThreadPoolExecutor(min(_AT_ONCE, len(keys)), thread_name_prefix="create") as pool:
        futures = [pool.submit(create, vm) for vm in keys]
        wait(futures, return_when=FIRST_EXCEPTION)
        refused.set()
    errors = [error for future in futures if (error := future.exception()) is not None]
    for error in sorted(errors, key=lambda error: not isinstance(error, InterruptedRunError)):
        if isinstance(error, ApiError):
            row = refusal(error)
            raise GroupError(
                f"VM group {spec.key} could not be made: {row.cause}: {error}; next: {row.next_step}",
                cause=row.cause,
            ) from error
        raise error


def _objects(spec: GroupSpec, vm: str, key: HostKey) -> tuple[tuple[Kind, Mapping[str, Any]], ...]:
    claim = (CLAIM, manifests.data_claim(spec, vm))
    if spec.machine == "pod":
        return (SECRET, pod_manifest.files_secret(spec, vm)), claim, (POD, pod_manifest.pod(spec, vm))
    private, public = key
    text = user_data(
        user=spec.guest.user,
        client_key_public=spec.client_key_public,
        host_key_private=private,
        host_key_public=public,
        job=spec.job,
        layout_bytes=spec.layout_bytes,
        target=spec.target,
        packages=spec.guest.packages,
    )
    return (SECRET, manifests.secret(spec, vm, text)), claim, (VM, manifests.virtual_machine(spec, vm))

"""Asks the cluster everything that a run would stumble over, and creates nothing there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_odfperf.errors import ClusterError
from pytest_odfperf.matrix.keys import GroupKey
from pytest_odfperf.preflight import limits, objects
from pytest_odfperf.preflight.check import GRANT, Check, Unread, doubtful, failed, not_checked, passed
from pytest_odfperf.run.before.cluster_choice import open_access
from pytest_odfperf.run.before.health_questions import ask, health
from pytest_odfperf.run.before.prepare import choose_workers
from pytest_odfperf.run.before.selection import Selection
from pytest_odfperf.run.before.setup.setup_checks import rights_of_setup, setup_checks
from pytest_odfperf.waiting import Stop

if TYPE_CHECKING:
    from pytest_odfperf.cluster.client.calls import Calls
    from pytest_odfperf.cluster.client.configured_client import Cluster
    from pytest_odfperf.cluster.facts.cluster_facts import ClusterFacts

#: An instance that nobody makes: its name in the refusal shows that KubeVirt itself answered.
PROBE = "odfperf-preflight"
_TUNNEL_S = 10.0
#: For an API server or a webhook that is in trouble.
_PATIENCE_S = 10.0
#: KubeVirt's own API server, virt-api, as one behind the cluster's.
_VIRT_API = "v1.subresources.kubevirt.io"


def preflight(selection: Selection, stop: Stop) -> tuple[Check, ...]:
    """All checks, of the keys that are selected. A cluster that can not be used is a check that failed.

    Raises `InputError` and `InterruptedRunError`.
    """
    try:
        with open_access(selection, stop) as (cluster, _):
            return tuple(_checks(cluster, selection, stop))
    except ClusterError as error:
        return (failed("cluster", str(error), ""),)


def _checks(cluster: Cluster, selection: Selection, stop: Stop) -> Iterator[Check]:
    from pytest_odfperf.cluster.client.calls import Calls
    from pytest_odfperf.cluster.client.kinds import (
        API_SERVICE,
        CDI,
        DATA_SOURCE,
        DATA_VOLUME,
        KUBEVIRT,
        LIMIT_RANGE,
        NAMESPACE,
        RESOURCE_QUOTA,
        VM,
    )

    # Whoever asks is waiting; a run waits longer.
    cluster.outage_s = min(cluster.outage_s, _PATIENCE_S)
    calls, matrix = Calls(cluster, stop), selection.matrix
    guest, place = matrix.guest, matrix.namespace
    groups = tuple(dict.fromkeys(key.group for key in selection.keys))
    speaks = f", as {cluster.impersonation}" if cluster.impersonation.user else ""
    version = calls.version().get("gitVersion", "unknown")
    yield passed("cluster", f"{cluster.server}, Kubernetes {version}{speaks}")
    there = objects.namespace(place, ask(lambda: calls.get(NAMESPACE, place)))
    yield there
    yield from _rights(calls, selection)
    with_vms = [group for group in groups if matrix.vm_size(group.size).machine == "vm"]
    for kind, served in ((KUBEVIRT, VM), (CDI, DATA_VOLUME)) if with_vms else ():
        yield objects.operator(kind.name, *_operator(calls, kind, served, place))
    source, source_place = guest.data_source, guest.data_source_namespace
    found = ask(lambda: calls.get(DATA_SOURCE, source, source_place)) if with_vms else None
    if found is not None:
        yield objects.data_source(source, source_place, found)
        if there.level != "FAIL":
            yield from _clone_right(calls, selection, with_vms, None if isinstance(found, Unread) else found)
    facts, usual_class, storage = _storage(cluster, calls, selection, stop)
    yield from storage
    yield from health(cluster, calls, selection, groups, facts)
    nodes: Any = Unread(403, facts.forbidden["nodes"]) if facts and "nodes" in facts.forbidden else None
    if facts is not None:
        yield from limits.nodes(nodes or facts.nodes, matrix, groups)
        yield from _sizes(selection, facts)
    at_once, why = _at_once(selection, facts)
    yield why
    quotas = ask(lambda: calls.items(RESOURCE_QUOTA, place))
    yield from limits.quotas(quotas, matrix, groups, at_once, usual_class)
    yield from limits.limit_ranges(ask(lambda: calls.items(LIMIT_RANGE, place)), matrix, groups)
    away = False
    if with_vms:
        virt_api = objects.virt_api(ask(lambda: calls.get(API_SERVICE, _VIRT_API)))
        tunnel = virt_api or objects.tunnel(PROBE, _tunnel(cluster, place))
        yield tunnel
        away = objects.is_away(tunnel)
    if there.level != "FAIL":
        # Its webhooks look at each VM, and would not answer either.
        yield from _machines(calls, selection, [one for one in groups if not away or one not in with_vms])
    yield from objects.leftovers(place, _leftovers(calls, place))


def _rights(calls: Calls, selection: Selection) -> list[Check]:
    from pytest_odfperf.cluster.facts.pools import ODF_NAMESPACE
    from pytest_odfperf.cluster.facts.right_reviews import missing_rights
    from pytest_odfperf.cluster.facts.rights import GRANT_SETUP, NO_POD, Place, shipped_rights

    matrix = selection.matrix
    places: Mapping[Place, str | None] = {
        "run": matrix.namespace,
        "cluster": None,
        "images": matrix.guest.data_source_namespace,
        "storage": ODF_NAMESPACE,
    }
    # KubeVirt asks the right to clone of the VMs' account: see `_clone_right`.
    shipped = [right for right in shipped_rights() if right.resource != "datavolumes/source"]
    in_pods = any(matrix.vm_size(key.size).machine == "pod" for key in selection.keys)
    shipped = [right for right in shipped if in_pods or not right.for_pods]
    of_setup = rights_of_setup(selection)
    missing = ask(lambda: missing_rights(calls, (*shipped, *of_setup), places))
    if isinstance(missing, Unread):
        return [not_checked("rights", missing)]
    checks = []
    for right in missing:
        where = f"in namespace {places[right.place]}" if places[right.place] else "in the whole cluster"
        what, detail = f"right {right}", f"is missing {where}; without it: {right.without}"
        cure = GRANT_SETUP.removeprefix("next: ") if right in of_setup else GRANT
        needed = right.required or right.without == NO_POD
        checks.append((failed if needed else doubtful)(what, detail, cure))
    and_optional = f", {len(of_setup)} of deploy/optional" if of_setup else ""
    return checks or [passed("rights", f"all {len(shipped)} of deploy/{and_optional}")]


def _clone_right(
    calls: Calls, selection: Selection, groups: Sequence[GroupKey], data_source: Any
) -> Iterator[Check]:
    from pytest_odfperf.cluster.facts.clone_right import CloneSource, may_clone
    from pytest_odfperf.vm.manifests import clone_account

    guest, place = selection.matrix.guest, selection.matrix.namespace
    source = CloneSource.of(data_source, guest.data_source_namespace)
    if source is None:
        return
    for account in dict.fromkeys(clone_account(_probe(selection, group)) for group in groups):
        allowed = ask(lambda account=account: may_clone(calls, account, place, source))  # type: ignore[misc]
        yield objects.clone_right(f"system:serviceaccount:{place}:{account}", str(source), allowed)


def _probe(selection: Selection, group: GroupKey) -> dict[str, Any]:
    """A VM or pod of ``group`` that nobody makes."""
    from pytest_odfperf.vm.manifests import virtual_machine
    from pytest_odfperf.vm.pod_manifest import pod
    from pytest_odfperf.vm.spec import GroupSpec, Owner

    spec = GroupSpec.of(
        selection.matrix,
        replace(group, concurrency=1),
        run_id=PROBE,
        owner=Owner(PROBE, "00000000-0000-0000-0000-000000000000"),
        volume_mode="Block",
        client_key_public="",
        job="",
        layout_bytes=0,
    )
    return (virtual_machine if spec.machine == "vm" else pod)(spec, spec.vm_names[0])


def _operator(calls: Calls, kind: Any, served: Any, place: str) -> tuple[Any, Unread | None]:
    found = ask(lambda: calls.items(kind))
    if not isinstance(found, Unread):
        return found, None
    api = ask(lambda: calls.items(served, place, limit=1))
    return found, api if isinstance(api, Unread) else None


def _storage(
    cluster: Cluster, calls: Calls, selection: Selection, stop: Stop
) -> tuple[ClusterFacts | None, str | None, list[Check]]:
    """What was found, the cluster's default StorageClass, the checks."""
    from pytest_odfperf.cluster.client.kinds import STORAGE_CLASS
    from pytest_odfperf.cluster.facts.cluster_facts import read_facts

    try:
        facts = read_facts(cluster, selection.matrix, stop=stop)
        classes: Sequence[Any] = calls.items(STORAGE_CLASS)
    except ClusterError as error:
        return None, None, [failed("storage", str(error), GRANT)]
    made, more = setup_checks(cluster, selection, stop)
    checks = [
        made.get(name)
        or objects.pool(
            name,
            selection.matrix.pool(name).storage_class,
            facts.volume_modes[name],
            facts.pool_problems.get(name),
            facts.pool_notes.get(name),
            makes=(recipe := selection.matrix.pool(name).recipe) is not None and recipe.makes,
        )
        for name in dict.fromkeys(key.pool for key in selection.keys)
    ]
    checks += more
    problems = {name: why for name, why in facts.pool_problems.items() if name not in made}
    facts = replace(facts, pool_problems=problems)
    if any(selection.matrix.vm_size(key.size).machine == "vm" for key in selection.keys):
        checks.append(objects.root_class(selection.matrix.guest.root_storage_class, classes))
    return facts, objects.default_class(classes), checks


def _sizes(selection: Selection, facts: ClusterFacts) -> Iterator[Check]:
    """The VM sizes that an instancetype gives."""
    for size in dict.fromkeys(key.size for key in selection.keys):
        if (why := facts.size_problems.get(size)) is not None:
            yield failed(f"VM size {size}", why, "correct vm_sizes in the matrix")
        elif size in facts.instancetypes:
            yield passed(f"VM size {size}", "is what its instancetype gives")


def _at_once(selection: Selection, facts: ClusterFacts | None) -> tuple[int, Check]:
    what = "pools at once"
    if facts is None:
        return 1, doubtful(what, "not known", "see the checks above")
    try:
        workers = choose_workers(selection, facts)
    except ClusterError as error:
        return 1, failed(what, str(error), "give the number: --odf-parallel=N")
    return max(1, workers.count), passed(what, f"{max(1, workers.count)}: {workers.why}")


def _machines(calls: Calls, selection: Selection, groups: Sequence[GroupKey]) -> Iterator[Check]:
    """Ask whether a VM or pod of each size and shape would be taken.

    Before 1.5, KubeVirt also asks for the right to clone.
    """
    from pytest_odfperf.cluster.client.kinds import POD, VM

    one_of_each: dict[tuple[str, str], GroupKey] = {}
    for group in groups:
        shape = selection.matrix.shape_of(group.pool, group.size)
        one_of_each.setdefault((group.size, repr(shape)), group)
    sizes = Counter(size for size, _ in one_of_each)
    for (size, _), group in one_of_each.items():
        body = _probe(selection, group)
        kind = VM if body["kind"] == VM.name else POD
        refused = ask(lambda kind=kind, body=body: calls.try_create(kind, selection.matrix.namespace, body))  # type: ignore[misc]
        what = f"a {'VM' if kind is VM else 'pod'} of size {size}" + (
            f" on pool {group.pool}" if sizes[size] > 1 else ""
        )
        if refused is None:
            yield passed(what, "would be taken (tried with dryRun)")
        elif "clone source" in refused.words:
            yield failed(what, refused.words, "oc apply -f deploy/clone-role.yaml")
        else:
            yield failed(what, f"would be refused: {refused.words}", "see the message")


def _tunnel(cluster: Cluster, place: str) -> Unread | None:
    from pytest_odfperf.guest.ssh import SSH_PORT
    from pytest_odfperf.guest.tunnel import Tunnel, TunnelError

    try:
        Tunnel.open(cluster, place, PROBE, SSH_PORT, timeout_s=_TUNNEL_S).close()
    except TunnelError as error:
        return Unread(error.status, str(error))
    return None


def _leftovers(calls: Calls, place: str) -> Any:
    from pytest_odfperf.cluster.client.kinds import CLAIM, CONFIG_MAP, DATA_VOLUME, VM
    from pytest_odfperf.vm.labels import MANAGED_BY, MANAGER

    found: dict[str, Any] = {}
    for kind in (VM, DATA_VOLUME, CLAIM, CONFIG_MAP):
        items = ask(lambda kind=kind: calls.items(kind, place, label_selector=f"{MANAGED_BY}={MANAGER}"))  # type: ignore[misc]
        if isinstance(items, Unread):
            if items.status != 404:
                return items
        else:
            found[kind.name] = items
    return found

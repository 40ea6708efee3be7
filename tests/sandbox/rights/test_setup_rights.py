"""Making and removing pools takes the rights of ``deploy/optional``, and no others beside a run's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml

from pytest_odfperf.cluster.facts.rights import DEPLOY, Right, rights_of, setup_rights, shipped_rights
from pytest_odfperf.sandbox.start import Sandbox

SETUP = DEPLOY / "optional" / "setup-role.yaml"
#: Only where somebody else makes the same, or the manager's metrics or a pool's reason are not there.
SELDOM = {("list", "pods"), ("list", "events")}
FREE = {("create", "selfsubjectaccessreviews")}
MATRIX = """
cluster: kubeconfig
namespace: odfperf
pools: [{name: made, recipe: {kind: CephBlockPool, replicas: 2, pg_num: 8}}]
vm_sizes: {tiny: {vcpus: 1, memory: 1Gi}}
pvc_sizes: [1Gi]
concurrency: [1]
profiles: [random-rw]
block_sizes: [4k]
fio: {file_size: 100M, numjobs: 1}
timeouts: {setup: 30s, delete: 10s}
"""


@pytest.fixture(scope="module")
def rights_sandbox(start_sandbox: Callable[[Mapping[str, Any]], Sandbox]) -> Sandbox:
    """One of its own: what is asked for is counted from its start."""
    return start_sandbox(
        {
            "machine": "simulated",
            "namespaces": ["odfperf"],
            "users": {"limited": "system:serviceaccount:odfperf:odfperf"},
            "nodes": {"count": 3, "cpu": 16, "memory": "64Gi"},
            "storage_classes": {"usual": {"default": True}},
            "ceph": {"block_pools": {"own": {}}, "settle_s": 0.1},
        }
    )


def role(*without: tuple[str, str]) -> list[dict[str, Any]]:
    """The optional role, without some rights of it."""
    documents = list(yaml.safe_load_all(SETUP.read_text()))
    for document in documents:
        if "rules" in document:
            kept = [right for right in rights_of([document]) if (right.verb, right.resource) not in without]
            document["rules"] = [
                {"apiGroups": [right.group], "resources": [right.resource], "verbs": [right.verb]}
                for right in kept
            ]
    return documents


def names(found: tuple[Right, ...]) -> set[tuple[str, str]]:
    return {(right.verb, right.resource) for right in found}


def test_pools_are_made_and_removed_with_the_optional_role_and_told_what_is_missing_without(
    rights: Any,
) -> None:
    rights.folder.joinpath("matrix.yaml").write_text(MATRIX)
    both = ("--odf-matrix", "matrix.yaml")
    refused = rights.pytest("--odf-setup", *both)
    assert refused.returncode == 1, refused.stdout
    assert "pool made FAILED: create CephBlockPool made: 403 Forbidden" in refused.stdout
    assert "next: oc apply -f deploy/optional/setup-role.yaml" in refused.stdout
    checked = rights.pytest("--odf-preflight", *both, "-o", "odf_setup=true")
    assert (
        "FAIL right create cephblockpools.ceph.rook.io: is missing in namespace openshift-storage"
        in checked.stdout
    )
    rights.apply(role())
    made = rights.pytest("--odf-setup", *both)
    assert made.returncode == 0, made.stdout
    assert "not read" not in made.stdout
    rights.apply(role(("list", "persistentvolumes")))
    blind = rights.pytest("--odf-cleanup", "--odf-pools")
    assert blind.returncode == 4, blind.stdout
    assert (
        "whose data is in a pool is not known: the persistentvolumes can not be read"
        in blind.stdout + blind.stderr
    )
    rights.apply(role(("list", "leases")))
    unseen = rights.pytest("--odf-cleanup", "--odf-pools", "--odf-dry-run")
    assert "note: runs of other namespaces than odfperf are not seen" in unseen.stdout
    rights.apply(role())
    gone = rights.pytest("--odf-cleanup", "--odf-pools")
    assert gone.returncode == 0, gone.stdout
    assert "CephBlockPool made: removed" in gone.stdout
    used = rights.requests()
    assert used - names(shipped_rights()) - names(setup_rights()) - FREE == set(), (
        "calls that are not granted"
    )
    of_systems = {("get", "cephfilesystems"), ("create", "cephfilesystems"), ("delete", "cephfilesystems")}
    assert names(setup_rights()) - used - SELDOM - of_systems == set(), "rights that nothing uses"

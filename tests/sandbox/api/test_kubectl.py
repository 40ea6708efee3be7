"""A stock kubectl against the API server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

KUBECTL = os.environ.get("ODFPERF_TEST_KUBECTL") or shutil.which("kubectl")
pytestmark = pytest.mark.skipif(KUBECTL is None, reason="no kubectl on PATH")

VM = """
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: %s, labels: {run: one}}
spec:
  runStrategy: Halted
  template:
    metadata: {labels: {run: one}}
    spec: {domain: {devices: {}, memory: {guest: 1Gi}}}
"""

Kubectl = Callable[..., subprocess.CompletedProcess[str]]


def _command(kubeconfig: Path, namespace: str, *arguments: str) -> list[str]:
    assert KUBECTL is not None
    return [KUBECTL, f"--kubeconfig={kubeconfig}", f"--namespace={namespace}", *arguments]


@pytest.fixture
def kubectl(kubeconfig: Path, namespace: str, tmp_path: Path) -> Kubectl:
    def run(*arguments: str, given: str | None = None, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            _command(kubeconfig, namespace, *arguments),
            input=given,
            text=True,
            capture_output=True,
            timeout=60,
            env={**os.environ, "HOME": str(tmp_path)},
        )
        assert done.returncode == code, (arguments, done.stdout, done.stderr)
        return done

    return run


@pytest.fixture
def vm(kubectl: Kubectl) -> str:
    kubectl("apply", "-f", "-", given=VM % "vm-a")
    return "vm-a"


def test_get_prints_the_columns_of_the_kind(kubectl: Kubectl, vm: str) -> None:
    shown = kubectl("get", "vm").stdout.splitlines()
    assert shown[0].split() == ["NAME", "AGE", "STATUS", "READY"]
    assert shown[1].split()[0] == vm


def test_short_names_and_all_kinds_are_listed(kubectl: Kubectl) -> None:
    shown = kubectl("api-resources").stdout
    for name in ("virtualmachineinstances", "datavolumes", "persistentvolumeclaims", "leases"):
        assert name in shown
    for short in ("vmi", "dv", "pvc", "sc", "no"):
        assert "No resources found" in kubectl("get", short).stderr


def test_apply_creates_then_changes_then_leaves_alone(kubectl: Kubectl) -> None:
    manifest = VM % "vm-b"
    assert "created" in kubectl("apply", "-f", "-", given=manifest).stdout
    assert "unchanged" in kubectl("apply", "-f", "-", given=manifest).stdout
    assert "configured" in kubectl("apply", "-f", "-", given=manifest.replace("Halted", "Manual")).stdout
    assert kubectl("get", "vm", "vm-b", "-o", "jsonpath={.spec.runStrategy}").stdout == "Manual"


def test_apply_of_a_core_kind_drops_what_the_manifest_no_longer_has(kubectl: Kubectl) -> None:
    with_two = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: '1', b: '2'}\n"
    kubectl("apply", "-f", "-", given=with_two)
    kubectl("apply", "-f", "-", given=with_two.replace(", b: '2'", ""))
    found = json.loads(kubectl("get", "cm", "c", "-o", "json").stdout)
    assert found["data"] == {"a": "1"}


def test_label_and_patch_change_the_object(kubectl: Kubectl, vm: str) -> None:
    kubectl("label", "vm", vm, "odfperf/pool=rep3")
    kubectl("patch", "vm", vm, "--type=merge", "-p", '{"spec":{"runStrategy":"Manual"}}')
    found = json.loads(kubectl("get", "vm", vm, "-o", "json").stdout)
    assert found["metadata"]["labels"]["odfperf/pool"] == "rep3"
    assert found["spec"]["runStrategy"] == "Manual"
    assert vm in kubectl("get", "vm", "-l", "odfperf/pool in (rep3,rep2)").stdout


def test_describe_shows_the_object(kubectl: Kubectl, vm: str) -> None:
    assert "Run Strategy:  Halted" in kubectl("describe", "vm", vm).stdout


def test_delete_by_label_takes_only_the_labelled(kubectl: Kubectl, vm: str) -> None:
    kubectl("apply", "-f", "-", given=(VM % "vm-other").replace("run: one", "run: two"))
    kubectl("delete", "vm", "-l", "run=one", "--timeout=20s")
    shown = kubectl("get", "vm", "-o", "name").stdout.split()
    assert shown == ["virtualmachine.kubevirt.io/vm-other"]


def test_can_i_answers_for_the_user(kubectl: Kubectl) -> None:
    assert kubectl("auth", "can-i", "delete", "vm").stdout.strip() == "yes"
    denied = kubectl("auth", "can-i", "delete", "vm", "--token=token-of-a-plain-user", code=1)
    assert denied.stdout.strip() == "no"


def test_a_refusal_names_its_reason(kubectl: Kubectl) -> None:
    assert 'virtualmachines.kubevirt.io "none" not found' in kubectl("get", "vm", "none", code=1).stderr


@pytest.fixture
def watching(kubeconfig: Path, namespace: str, vm: str) -> Iterator[subprocess.Popen[str]]:
    command = _command(kubeconfig, namespace, "get", "vm", "-w")
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_get_watch_prints_what_changes(watching: subprocess.Popen[str], kubectl: Kubectl, vm: str) -> None:
    assert watching.stdout is not None
    assert watching.stdout.readline().split()[:2] == ["NAME", "AGE"]
    assert watching.stdout.readline().split()[0] == vm
    kubectl("label", "vm", vm, "changed=yes")
    assert watching.stdout.readline().split()[0] == vm


def test_explain_knows_the_fields(kubectl: Kubectl) -> None:
    shown = kubectl("explain", "vm.spec.template.spec.domain.cpu").stdout
    assert "cores\t<integer>" in shown
    assert "accessModes\t<[]string>" in kubectl("explain", "pvc.spec").stdout


def test_a_typing_error_in_a_manifest_is_refused(kubectl: Kubectl) -> None:
    manifest = (VM % "vm-c").replace("runStrategy: Halted", "runStrategy: Halted\n  tmplate: {}")
    assert 'unknown field "spec.tmplate"' in kubectl("apply", "-f", "-", given=manifest, code=1).stderr
    done = kubectl("apply", "--validate=warn", "-f", "-", given=manifest)
    assert 'Warning: unknown field "spec.tmplate"' in done.stderr


CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: '%s'}\n"


def test_server_side_apply_guards_the_fields_of_others(kubectl: Kubectl) -> None:
    kubectl("apply", "--server-side", "-f", "-", given=CONFIG_MAP % 1)
    other = ("apply", "--server-side", "--field-manager=other", "-f", "-")
    refused = kubectl(*other, given=CONFIG_MAP % 2, code=1).stderr
    assert 'conflict with "kubectl": .data.a' in refused
    kubectl(*other, "--force-conflicts", given=CONFIG_MAP % 2)
    found = json.loads(kubectl("get", "cm", "c", "-o", "json", "--show-managed-fields").stdout)
    assert found["data"] == {"a": "2"}
    assert [entry["manager"] for entry in found["metadata"]["managedFields"]] == ["other"]


def test_a_manifest_moves_from_client_side_to_server_side_apply(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", given=CONFIG_MAP % 1)
    kubectl("apply", "--server-side", "-f", "-", given=CONFIG_MAP % 1)
    kubectl("apply", "--server-side", "-f", "-", given=CONFIG_MAP % 2)
    found = json.loads(kubectl("get", "cm", "c", "-o", "json", "--show-managed-fields").stdout)
    assert found["data"] == {"a": "2"}
    assert {entry["operation"] for entry in found["metadata"]["managedFields"]} == {"Apply"}


def test_describe_quota_shows_what_is_used(kubectl: Kubectl) -> None:
    kubectl("create", "quota", "q", "--hard=count/secrets=3,requests.storage=10Gi")
    kubectl("create", "secret", "generic", "c", "--from-literal=a=b")
    shown = kubectl("describe", "quota", "q").stdout
    assert "count/secrets     1     3" in shown
    assert "requests.storage  0     10Gi" in shown


def test_kubectls_own_creations_work(kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "secret", "generic", "s", "--from-literal=a=b")
    kubectl("create", "serviceaccount", "runner")
    kubectl("create", "role", "reader", "--verb=get,list", "--resource=configmaps")
    kubectl("create", "rolebinding", "reads", "--role=reader", f"--serviceaccount={namespace}:runner")
    found = json.loads(kubectl("get", "secret", "s", "-o", "json").stdout)
    assert (found["type"], found["data"]) == ("Opaque", {"a": "Yg=="})
    account = f"--as=system:serviceaccount:{namespace}:runner"
    assert kubectl("auth", "can-i", "list", "cm", account).stdout.strip() == "yes"
    assert kubectl("auth", "can-i", "delete", "cm", account, code=1).stdout.strip() == "no"
    token = kubectl("create", "token", "runner").stdout.strip()
    assert "kube-root-ca.crt" in kubectl("get", "cm", f"--token={token}").stdout


def test_a_rehearsed_deletion_deletes_nothing(kubectl: Kubectl, vm: str) -> None:
    assert "deleted (server dry run)" in kubectl("delete", "vm", vm, "--dry-run=server").stdout
    assert vm in kubectl("get", "vm", "-o", "name").stdout


def test_diff_shows_what_apply_would_change(kubectl: Kubectl, vm: str) -> None:
    manifest = (VM % vm).replace("Halted", "Manual")
    shown = kubectl("diff", "-f", "-", given=manifest, code=1).stdout
    assert "-  runStrategy: Halted" in shown
    assert "+  runStrategy: Manual" in shown
    assert kubectl("get", "vm", vm, "-o", "jsonpath={.spec.runStrategy}").stdout == "Halted"


def test_events_are_listed_and_described(kubectl: Kubectl, namespace: str, vm: str) -> None:
    about = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "name": vm, "namespace": namespace}
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{vm}.1"},
        "involvedObject": about,
        "reason": "Told",
        "message": "so it was",
        "type": "Normal",
    }
    kubectl("create", "-f", "-", given=json.dumps(event))
    assert "so it was" in kubectl("get", "events").stdout
    assert "so it was" in kubectl("events").stdout


def test_a_look_at_the_cluster_as_a_whole(kubectl: Kubectl, vm: str) -> None:
    assert f"virtualmachine.kubevirt.io/{vm}" in kubectl("get", "all").stdout
    assert "datavolumes.cdi.kubevirt.io" in kubectl("get", "crd").stdout
    assert "is running at" in kubectl("cluster-info").stdout
    assert "system-cluster-critical" in kubectl("get", "priorityclass").stdout
    assert "cluster-admin" in kubectl("get", "clusterrole").stdout


def test_a_server_side_apply_after_applies_of_the_client_goes_on_with_them(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", given=CONFIG_MAP % 1)
    kubectl("apply", "--server-side", "-f", "-", given=CONFIG_MAP % 2)
    assert kubectl("get", "cm", "c", "-o", "jsonpath={.data.a}").stdout == "2"

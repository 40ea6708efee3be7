"""Who may be a guest, and what we show of ourselves: one host key, one client key, nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_odfperf.errors import GuestError
from pytest_odfperf.guest.guest import Guest
from pytest_odfperf.guest.ssh_keys import new_key_pair, read_public
from pytest_odfperf.sandbox.start import Sandbox


def auth_log(sandbox: Sandbox, vm: Any) -> list[str]:
    """What the guest's sshd noted of logins."""
    path = sandbox.kubeconfig.parent / "machines" / vm.uid / "auth.log"
    return path.read_text().splitlines() if path.exists() else []


def test_a_guest_with_another_host_key_is_refused_before_anything_is_shown_to_it(
    bench: Any, client_sandbox: Sandbox
) -> None:
    (vm,) = bench.group("impostor").vms
    with pytest.raises(GuestError) as caught:
        Guest.connect(bench.cluster, vm, bench.keys.private, ssh_s=120, stop=bench.stop)
    said = str(caught.value)
    assert said.startswith(
        f"guest {vm.name}: the host key is not the one that was injected (it answers with "
    )
    assert "ssh-ed25519 SHA256:" in said
    assert said.endswith("refused")
    assert "\n" not in said
    assert auth_log(client_sandbox, vm) == []


def test_the_runs_own_key_is_tried_once(bench: Any, client_sandbox: Sandbox) -> None:
    (guest,) = bench.connected()
    fingerprint = read_public(bench.keys.public).fingerprint
    assert auth_log(client_sandbox, guest.vm) == [f"cloud-user publickey {fingerprint} accepted"]


def test_each_run_and_each_guest_has_keys_of_its_own(bench: Any) -> None:
    vms = bench.group(vms=2).vms
    assert len({bench.keys.public, new_key_pair().public, *(vm.host_key_public for vm in vms)}) == 4

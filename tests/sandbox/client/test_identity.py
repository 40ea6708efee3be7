"""Who may be a guest, and what we show of ourselves: one host key, one client key, nothing else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_odfperf.errors import GuestError
from pytest_odfperf.guest.guest import Guest
from pytest_odfperf.guest.keys import new_key_pair, read_public
from pytest_odfperf.sandbox.start import Sandbox


@pytest.fixture
def other_identities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keys that other SSH clients would offer: in ~/.ssh, and in an agent."""
    home, socket = tmp_path / "home", tmp_path / "agent"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    for name in ("id_ed25519", "in_agent"):
        key = home / ".ssh" / name
        key.touch(mode=0o600)
        key.write_text(new_key_pair().private.reveal())
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            assert agent.poll() is None
        done = subprocess.run(
            ["ssh-add", str(home / ".ssh" / "in_agent")], capture_output=True, timeout=30, check=False
        )
        assert done.returncode == 0, done.stderr
        yield
    finally:
        agent.terminate()
        agent.wait(10)


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


@pytest.mark.skipif(os.name != "posix", reason="needs ssh-agent")
def test_only_the_runs_own_key_is_tried_even_if_it_is_refused(
    bench: Any, client_sandbox: Sandbox, other_identities: None
) -> None:
    (vm,) = bench.group("offers-password").vms
    stranger = new_key_pair()
    with pytest.raises(GuestError, match="refuses user 'cloud-user'"):
        Guest.connect(bench.cluster, vm, stranger.private, ssh_s=2, stop=bench.stop)
    fingerprint = read_public(stranger.public).fingerprint
    assert set(auth_log(client_sandbox, vm)) == {f"cloud-user publickey {fingerprint} refused"}


def test_the_runs_own_key_is_tried_once(bench: Any, client_sandbox: Sandbox, other_identities: None) -> None:
    (guest,) = bench.connected("offers-password")
    fingerprint = read_public(bench.keys.public).fingerprint
    assert auth_log(client_sandbox, guest.vm) == [f"cloud-user publickey {fingerprint} accepted"]


def test_each_run_and_each_guest_has_keys_of_its_own(bench: Any) -> None:
    vms = bench.group(vms=2).vms
    assert len({bench.keys.public, new_key_pair().public, *(vm.host_key_public for vm in vms)}) == 4

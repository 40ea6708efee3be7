"""The sandbox as a process: how it starts, what it leaves, whom it ends with."""

from __future__ import annotations

import os
import select
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from pytest_odfperf.errors import ClusterError, DeadlineError, InputError, InterruptedRunError
from pytest_odfperf.sandbox.start import start
from pytest_odfperf.waiting import Stop

CONFIG = {"machine": "simulated", "nodes": {"count": 1}}


def processes_of(state_dir: Path) -> list[int]:
    """Processes that have this folder in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(state_dir) in command:
                found.append(int(entry.name))
    return found


def wait_until_gone(state_dir: Path, deadline_s: float = 60.0) -> None:
    end = time.monotonic() + deadline_s
    while processes_of(state_dir) or state_dir.exists():
        assert time.monotonic() < end, f"{processes_of(state_dir)} and {state_dir} are left"
        time.sleep(0.05)


def test_a_closed_sandbox_leaves_no_process_no_file_and_no_port(tmp_path: Path) -> None:
    sandbox = start(CONFIG, state_dir=tmp_path / "s", stop=Stop(), deadline_s=120)
    assert sandbox.marking == "SIMULATED"
    assert sandbox.is_running()
    url = yaml.safe_load(sandbox.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    sandbox.close()
    sandbox.close()
    assert not sandbox.is_running()
    assert processes_of(tmp_path / "s") == []
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=5)


def test_files_of_a_sandbox_are_its_owners_only(tmp_path: Path) -> None:
    sandbox = start(CONFIG, state_dir=tmp_path / "s", stop=Stop(), deadline_s=120)
    try:
        paths = [tmp_path / "s", *(tmp_path / "s").rglob("*")]
        assert sandbox.kubeconfig in paths
        open_to_others = [str(p) for p in paths if stat.S_IMODE(p.stat().st_mode) & 0o077]
        assert open_to_others == []
    finally:
        sandbox.close()


def test_a_sandbox_listens_on_loopback_only(tmp_path: Path) -> None:
    sandbox = start(CONFIG, state_dir=tmp_path / "s", stop=Stop(), deadline_s=120)
    try:
        (pid,) = processes_of(tmp_path / "s")
        sockets = {str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.is_symlink()}
        listening = []
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                    listening.append(fields[1].partition(":")[0])
        assert listening
        assert set(listening) == {"0100007F"}
    finally:
        sandbox.close()


def test_a_sandbox_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    state_dir = tmp_path / "s"
    program = textwrap.dedent(
        f"""
        import os, signal
        from pathlib import Path
        from pytest_odfperf.sandbox.start import start
        from pytest_odfperf.waiting import Stop
        start({CONFIG!r}, state_dir=Path({str(state_dir)!r}), stop=Stop(), deadline_s=120)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    done = subprocess.run([sys.executable, "-c", program], timeout=90, check=False)
    assert done.returncode == -signal.SIGKILL
    wait_until_gone(state_dir)


def test_signals_that_come_while_a_sandbox_ends_leave_nothing(tmp_path: Path) -> None:
    # The death of its parent is told to it twice, by a pipe and by a signal, and at times the signal is late.
    sandbox = start(CONFIG, state_dir=tmp_path / "s", stop=Stop(), deadline_s=120)
    (pid,) = processes_of(tmp_path / "s")
    deadline = time.monotonic() + 10
    while sandbox.is_running() and time.monotonic() < deadline:
        os.kill(pid, signal.SIGTERM)
        time.sleep(0.001)
    assert not sandbox.is_running()
    assert not (tmp_path / "s").exists()


def test_a_sandbox_that_is_killed_is_reported_when_it_is_closed(tmp_path: Path) -> None:
    sandbox = start(CONFIG, state_dir=tmp_path / "s", stop=Stop(), deadline_s=120)
    (pid,) = processes_of(tmp_path / "s")
    os.kill(pid, signal.SIGKILL)
    while sandbox.is_running():
        time.sleep(0.01)
    with pytest.raises(ClusterError, match="had died with exit code -9"):
        sandbox.close()
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_configuration_is_told_in_the_words_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^sandbox: unknown name 'machin' \(known: .*\)$"):
        start({"machin": "simulated"}, state_dir=tmp_path / "s", stop=Stop(), deadline_s=120)
    assert list(tmp_path.iterdir()) == []


def test_a_start_that_takes_too_long_ends_with_its_deadline(tmp_path: Path) -> None:
    with pytest.raises(DeadlineError, match="the sandbox to be ready"):
        start(CONFIG, state_dir=tmp_path / "s", stop=Stop(), deadline_s=0.01)
    wait_until_gone(tmp_path / "s")


def test_an_interrupt_ends_the_start(tmp_path: Path) -> None:
    stop = Stop()
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(InterruptedRunError):
        start(CONFIG, state_dir=tmp_path / "s", stop=stop, deadline_s=120)
    wait_until_gone(tmp_path / "s")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_by_hand_it_prints_how_to_use_it_and_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    matrix = tmp_path / "matrix.yaml"
    matrix.write_text(yaml.safe_dump({"pools": [], "sandbox": CONFIG}))
    command = [sys.executable, "-m", "pytest_odfperf.sandbox", "--config", str(matrix)]
    process: subprocess.Popen[Any] = subprocess.Popen(
        [*command, "--state", str(tmp_path / "s")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], 60)
    assert ready
    line = process.stdout.readline()
    assert line == f"ready {tmp_path / 's' / 'kubeconfig'}\n"
    process.send_signal(number)
    rest = process.stdout.read()
    process.stdout.close()
    process.wait(30)
    assert f"kubectl --kubeconfig {tmp_path / 's' / 'kubeconfig'} get " in rest
    assert process.returncode == 0
    assert not (tmp_path / "s").exists()


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    """A machine without asyncssh: its import is hidden, the rest is the real command."""
    program = textwrap.dedent(
        """
        import runpy, sys
        from importlib import util
        real = util.find_spec
        util.find_spec = lambda name, *more: None if name == "asyncssh" else real(name, *more)
        runpy.run_module("pytest_odfperf.sandbox", run_name="__main__")
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 4
    assert done.stderr == "the sandbox needs asyncssh: pip install 'pytest-odfperf[sandbox]'\n"


def by_hand(*arguments: str) -> subprocess.Popen[Any]:
    """A sandbox as a user starts it, ready."""
    command = [sys.executable, "-m", "pytest_odfperf.sandbox", "--machine", "simulated", *arguments]
    process: subprocess.Popen[Any] = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], 60)[0]
    assert process.stdout.readline().startswith("ready ")
    return process


def test_by_hand_its_files_are_its_owners_only_whatever_was_there(tmp_path: Path) -> None:
    state, kubeconfig = tmp_path / "s", tmp_path / "conf" / "kube"
    state.mkdir(mode=0o755)
    kubeconfig.parent.mkdir()
    kubeconfig.write_text("old")
    kubeconfig.chmod(0o644)
    victim = tmp_path / "victim"
    victim.write_text("mine")
    victim.chmod(0o644)
    (kubeconfig.parent / "kube.part").symlink_to(victim)
    users = tmp_path / "users.yaml"
    users.write_text("users: {other: system:serviceaccount:a:b}\nnodes: {count: 1}\n")
    process = by_hand("--state", str(state), "--kubeconfig", str(kubeconfig), "--config", str(users))
    try:
        paths = [state, *state.rglob("*"), kubeconfig, kubeconfig.with_name("kube-other")]
        assert [str(path) for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
        assert victim.read_text() == "mine"
        tokens = {yaml.safe_load(path.read_text())["users"][0]["user"]["token"] for path in paths[-2:]}
        assert len(tokens) == 2
    finally:
        process.terminate()
        process.communicate(timeout=30)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["conf", "users.yaml", "victim"]


def test_by_hand_a_folder_with_something_in_it_is_neither_used_nor_removed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    command = [sys.executable, "-m", "pytest_odfperf.sandbox", "--machine", "simulated"]
    done = subprocess.run(
        [*command, "--state", str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 4
    assert "is not empty, and it is removed at the end" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "mine").read_text() == "kept"


def test_a_name_of_a_user_that_is_no_file_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sandbox\.users: '\.\./x' is part of a file name"):
        start({**CONFIG, "users": {"../x": "u"}}, state_dir=tmp_path / "s", stop=Stop(), deadline_s=120)

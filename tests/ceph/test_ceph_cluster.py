"""A real Ceph under the sandbox: what it is, what it serves, and that nothing of it stays."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from ceph_processes import processes_of

pytestmark = pytest.mark.ceph


def test_its_osds_are_on_the_sandboxes_nodes_and_can_not_grow(ceph_sandbox) -> None:
    ceph_sandbox.until("health", lambda: ceph_sandbox.health()["status"] == "HEALTH_OK")
    tree = ceph_sandbox.ceph("osd", "tree")["nodes"]
    hosts = {node["name"]: node["children"] for node in tree if node["type"] == "host"}
    assert hosts == {"node-1": [0], "node-2": [1], "node-3": [2]}
    assert {node["device_class"] for node in tree if node["type"] == "osd"} == {"ssd"}
    total = ceph_sandbox.ceph("df")["stats"]["total_bytes"]
    assert total == 3 * (4 << 30)
    data = ceph_sandbox.state / "ceph" / "data"
    assert [(data / f"osd.{osd}" / "block").stat().st_size for osd in range(3)] == [4 << 30] * 3
    # No socket has a path that is too long; whoever has no key is refused.
    assert not list(data.parent.rglob("*.asok"))
    keyless = ["ceph", "-c", str(data.parent / "ceph.conf"), "--keyring", "/dev/null"]
    refused = subprocess.run([*keyless, "--connect-timeout", "5", "status"], capture_output=True, timeout=60)
    assert refused.returncode != 0


def test_the_metrics_behind_the_service_are_of_that_moment(ceph_sandbox) -> None:
    ceph_sandbox.ceph("osd", "pool", "create", "counted", "8", "8")
    ceph_sandbox.ceph("osd", "pool", "application", "enable", "counted", "rados")

    def written() -> float:
        text = ceph_sandbox.metrics()
        pool = re.search(r'ceph_pool_metadata\{pool_id="(\d+)",name="counted"', text)
        found = pool and re.search(rf'ceph_pool_wr\{{pool_id="{pool[1]}"\}} (\S+)', text)
        return float(found[1]) if found else -1.0

    ceph_sandbox.until("a counter", lambda: written() >= 0)
    before = written()
    ceph_sandbox.program("rados", "-p", "counted", "bench", "2", "write", "-b", "4096", "-t", "4")
    after = ceph_sandbox.until("a counter that grows", lambda: (now := written()) > before + 10 and now, 10)
    assert after > before
    # The manager hangs: the Service says so, and does not show what was.
    # (It is killed: one that hangs would be waited for.)
    assert ceph_sandbox.fault("kill", "mgr.a").returncode == 0
    with pytest.raises(OSError, match="503"):
        ceph_sandbox.metrics()
    assert ceph_sandbox.fault("start", "mgr.a").stdout == "mgr.a: runs\n"
    ceph_sandbox.until("metrics", lambda: _answers(ceph_sandbox))
    ceph_sandbox.ceph("osd", "pool", "delete", "counted", "counted", "--yes-i-really-really-mean-it")


def _answers(ceph_sandbox) -> bool:
    try:
        return "ceph_osd_up" in ceph_sandbox.metrics()
    except OSError:
        return False


def test_one_beside_another_in_a_deep_folder_leaves_nothing_when_it_is_killed(ceph_sandbox, tmp_path) -> None:
    state = tmp_path / ("d" * 100) / "state"
    state.parent.mkdir()
    config = tmp_path / "config.yaml"
    config.write_text(
        yaml.safe_dump({"machine": "simulated", "ceph": {"real": True, "osds": 1, "osd_size": "3Gi"}})
    )
    command = [sys.executable, "-m", "pytest_odfperf.sandbox", "--config", str(config), "--state", str(state)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready ")
        daemons = [line for line in processes_of(state) if "/ceph-" in line]
        assert len(daemons) == 3
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    ends = time.monotonic() + 10
    while left := processes_of(state):
        assert time.monotonic() < ends, left
        time.sleep(0.1)
    assert ceph_sandbox.health()["status"] == "HEALTH_OK"


def test_too_little_room_is_one_line_with_the_remedy(tmp_path: Path, ceph_sandbox) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"machine": "simulated", "ceph": {"real": True, "osd_size": "1024Gi"}}))
    command = [sys.executable, "-m", "pytest_odfperf.sandbox", "--config", str(config)]
    done = subprocess.run(
        [*command, "--state", str(tmp_path / "state")], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 4
    assert re.fullmatch(
        r"sandbox\.ceph\.osd_size: 3 OSDs of .* an osd_size of at most \d+Gi, .*\n", done.stderr
    )

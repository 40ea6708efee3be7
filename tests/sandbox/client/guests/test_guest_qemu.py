"""The real guest script in a real machine, through the same API."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from pytest_odfperf.cluster.client.connect import connect
from pytest_odfperf.cluster.groups.vm_group import VmGroup
from pytest_odfperf.cluster.runs.run_object import create_run
from pytest_odfperf.cluster.runs.sweep import sweep
from pytest_odfperf.errors import GuestError
from pytest_odfperf.fio.job import read_job
from pytest_odfperf.fio.raw_device import on_device
from pytest_odfperf.guest.all_guests import connect_all, run_on_all
from pytest_odfperf.guest.guest import Guest
from pytest_odfperf.guest.ssh_keys import host_key, new_key_pair
from pytest_odfperf.matrix.keys import GroupKey
from pytest_odfperf.matrix.model import GuestSettings
from pytest_odfperf.measure.verdicts.rules.witness_rules import BESIDE_BYTES, SYNC_BYTES
from pytest_odfperf.measure.witness import DiskWork, Witness, read_witness
from pytest_odfperf.sandbox.start import Sandbox
from pytest_odfperf.vm.spec import GroupSpec
from pytest_odfperf.waiting import Stop

pytestmark = pytest.mark.qemu

LAYOUT_BYTES = 16 << 20
QEMU = {
    "machine": "qemu",
    "nodes": {"count": 1, "cpu": 4, "memory": "8Gi"},
    "storage_classes": {"disk": {}},
    "namespaces": ["bench"],
}


def job(runtime_s: int, rw: str = "randread", block_size: str = "4k") -> bytes:
    lines = [
        "[global]",
        "ioengine=libaio",
        "direct=1",
        f"bs={block_size}",
        "iodepth=4",
        f"size={LAYOUT_BYTES}",
        "filename=fio-testfile",
        "time_based=1",
        f"runtime={runtime_s}",
        "[one]",
        f"rw={rw}",
    ]
    return "\n".join([*lines, ""]).encode()


@pytest.fixture(scope="module")
def make_guest(start_sandbox: Callable[[Mapping[str, Any]], Sandbox]) -> Iterator[Callable[..., Guest]]:
    """Makes a machine whose spec has some changes; all of them go at the end."""
    cluster = connect(str(start_sandbox(QEMU).kubeconfig))
    stop, keys = Stop(), new_key_pair()
    owner = create_run(cluster, "bench", "qemu", {})
    connected: list[Guest] = []

    def make(**changes: Any) -> Guest:
        options: dict[str, Any] = {
            "run_id": "qemu",
            "key": GroupKey("disk", "small", "1Gi", 1),
            "attempt": len(connected) + 1,
            "namespace": "bench",
            "owner": owner,
            "storage_class": "disk",
            "volume_mode": "Block",
            "vcpus": 1,
            "memory_bytes": 512 << 20,
            "pvc_size_bytes": 1 << 30,
            "guest": GuestSettings(),
            "client_key_public": keys.public,
            "job": job(1).decode(),
            "layout_bytes": LAYOUT_BYTES,
        }
        spec = GroupSpec(**{**options, **changes})
        group = VmGroup.create(cluster, spec, host_keys=host_key, boot_s=180, delete_s=60, stop=stop)
        connected.extend(connect_all(cluster, group.vms, keys.private, ssh_s=300, stop=stop))
        return connected[-1]

    yield make
    for one in connected:
        one.close()
    assert sweep(cluster, "bench", "qemu", 60).left == ()
    cluster.close()


@pytest.fixture(scope="module")
def guest(make_guest: Callable[..., Guest]) -> Guest:
    return make_guest()


@pytest.fixture(autouse=True)
def what_the_guest_does_at_a_failure(guest: Guest, request: pytest.FixtureRequest) -> Iterator[None]:
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed > failed:
        print(said(guest, "ps -eo stat,wchan:30,etimes,args | grep -v ']$'; sudo -n dmesg | tail -n 20"))


def run(guest: Guest, token: str, text: bytes = b"", deadline_s: float = 120) -> Any:
    (outcome,) = run_on_all([guest], text, token, deadline_s, Stop(), prepare_s=300).values()
    return outcome


def said(guest: Guest, command: str) -> str:
    """What a command in the guest prints."""
    assert guest._connection is not None
    channel = guest._connection.exec(command, 60)
    return channel.makefile("r").read().decode()


def test_the_baked_job_runs_on_the_data_disk(guest: Guest) -> None:
    outcome = run(guest, "baked")
    assert outcome.exit_code == 0, outcome.fio_log
    answer = json.loads(outcome.fio_json)
    assert answer["jobs"][0]["read"]["total_ios"] > 0
    assert answer["disk_util"][0]["name"].startswith("vd")
    assert said(guest, "findmnt -n -o FSTYPE,OPTIONS /mnt/data").startswith("xfs")
    assert "noatime" in said(guest, "findmnt -n -o OPTIONS /mnt/data")


def saw(outcome: Any) -> tuple[Witness, DiskWork]:
    found = read_witness(outcome.witness)
    assert found.work is not None
    return found, found.work


def test_the_guests_own_counters_agree_with_fio(guest: Guest) -> None:
    """Real fio, real kernel, XFS on virtio: each byte of fio is one of the disk's, and little else is."""
    reads = run(guest, "witness-reads", job(2))
    seen, work = saw(reads)
    counted = json.loads(reads.fio_json)["jobs"][0]["read"]["io_bytes"]
    assert counted > 1 << 20
    assert counted <= work.read_bytes < 1.01 * counted + (1 << 20)
    assert work.written_bytes < 4 << 20
    assert seen.before == seen.after
    assert (seen.before.number, seen.before.serial) == (seen.mount_after.split(" ")[0], "odfperfdata")
    assert seen.mount_before == seen.mount_after
    assert seen.mount_after.split(" ")[1:] == ["xfs", f"/dev/{seen.disk}"]
    assert seen.swapped_pages == 0
    assert seen.busy_part is not None
    assert 0 < seen.busy_part <= 1

    # A commit writes the log of the file system beside.
    commits = run(guest, "witness-commits", job(2, "randwrite") + b"fdatasync=1\n")
    _, work = saw(commits)
    write = json.loads(commits.fio_json)["jobs"][0]["write"]
    assert write["io_bytes"] <= work.written_bytes
    assert work.written_bytes < write["io_bytes"] + write["total_ios"] * SYNC_BYTES + BESIDE_BYTES
    assert work.flushes > 0.9 * write["total_ios"]
    # Reads of blocks that were never written do not reach the disk.
    said(guest, f"sudo -n fallocate --zero-range -l {LAYOUT_BYTES} /mnt/data/fio-testfile")
    unwritten = run(guest, "witness-unwritten", job(2))
    _, work = saw(unwritten)
    assert work.read_bytes < 0.1 * json.loads(unwritten.fio_json)["jobs"][0]["read"]["io_bytes"]
    again = f"if=/dev/urandom of=/mnt/data/fio-testfile bs=1M count={LAYOUT_BYTES >> 20} conv=notrunc,fsync"
    said(guest, f"sudo -n dd {again}")


def test_a_start_is_told_ahead_and_kept(guest: Guest) -> None:
    outcome = run(guest, "instant")
    assert outcome.common.late_ms is not None
    assert 0 <= outcome.common.late_ms < 2_000
    assert outcome.common.clock_uncertainty_ms < 200


def test_the_test_file_holds_data_that_does_not_shrink(guest: Guest) -> None:
    run(guest, "for-the-file")
    packed = said(guest, "sudo -n gzip -1 -c /mnt/data/fio-testfile | wc -c")
    assert int(packed) > 0.9 * LAYOUT_BYTES


def test_a_later_job_replaces_the_first_over_the_same_connection(guest: Guest) -> None:
    logins = guest.handshakes
    logged = b"write_bw_log=mine\nlog_avg_msec=200\n"
    outcome = run(guest, "later", job(1, "randwrite", "64k") + logged)
    options = json.loads(outcome.fio_json)["global options"]
    assert outcome.exit_code == 0
    assert options["bs"] == "64k"
    # fio's own logs come along, and do not stay.
    assert b", 1, " in outcome.fio_logs["mine_bw.1.log"]
    assert said(guest, "ls -d /run/odfperf/left 2>/dev/null || echo gone").strip() == "gone"
    assert guest.handshakes == logins


def start(guest: Guest, token: str, text: bytes, deadline_s: float = 120) -> None:
    """Returns when fio runs in the guest."""
    guest.prepare(text, token, deadline_s=deadline_s, prepare_s=300)
    guest.go()
    until(guest, "pgrep -c -x fio", lambda count: int(count) > 0)


def until(guest: Guest, command: str, enough: Callable[[str], bool]) -> None:
    deadline = time.monotonic() + 60
    while not enough(found := said(guest, command).strip() or "0"):
        assert time.monotonic() < deadline, f"{command}: {found}"


def test_a_connection_that_is_lost_while_fio_runs_loses_nothing(guest: Guest) -> None:
    logins = guest.handshakes
    start(guest, "lost", job(6))
    guest._connection._tunnel.cut()
    outcome = guest.finish(deadline_s=120)
    assert outcome.exit_code == 0
    assert outcome.ran_s > 5
    assert outcome.clock_jump_s == 0
    assert outcome.boot_id == guest.boot_id
    assert outcome.reconnects == 1
    assert guest.handshakes == logins + 1


def test_a_clock_that_is_set_while_fio_runs_is_noticed(guest: Guest) -> None:
    start(guest, "clock", job(5))
    said(guest, "sudo -n date -s '+1 hour'")
    outcome = guest.finish(deadline_s=120)
    said(guest, "sudo -n date -s '-1 hour'")
    assert outcome.exit_code == 0
    assert outcome.clock_jump_s == pytest.approx(3600, abs=30)
    assert 4 < outcome.ran_s < 60


def test_workers_of_a_fio_that_was_killed_do_not_go_on(guest: Guest) -> None:
    # fio forks: its workers are in sessions of their own and outlive it by their whole runtime.
    start(guest, "killed", job(3600), deadline_s=3600)
    until(guest, "pgrep -c -x fio", lambda count: int(count) > 1)
    said(guest, "sudo -n kill -KILL $(pgrep -o -x fio)")
    outcome = guest.finish(deadline_s=120)
    assert (outcome.exit_code, outcome.timed_out, outcome.fio_json) == (137, False, b"")
    until(guest, "pgrep -c -x fio", lambda count: count == "0")


def test_fio_that_does_not_end_is_killed_at_its_deadline(guest: Guest) -> None:
    outcome = run(guest, "endless", job(3600), deadline_s=3)
    assert outcome.timed_out
    assert outcome.exit_code == 124
    assert said(guest, "pgrep -c -x fio").strip() == "0"


def test_a_new_job_ends_one_that_still_runs(guest: Guest) -> None:
    guest.prepare(job(3600), "forgotten", deadline_s=3600, prepare_s=60)
    guest.go()
    guest._exchange = None
    outcome = run(guest, "next", job(1))
    assert outcome.exit_code == 0
    assert said(guest, "pgrep -c -x fio").strip() == "0"


def test_a_job_that_fio_refuses_is_a_result_with_fios_words(guest: Guest) -> None:
    well, refused = guest.check([job(1), b"[one]\nnonsense=1\n"], check_s=60)
    assert well == (0, "")
    assert refused[0] == 1
    assert "Bad option <nonsense=1>" in refused[1]
    outcome = run(guest, "refused", b"[one]\nnonsense=1\n")
    assert outcome.exit_code != 0
    assert b"nonsense" in outcome.fio_log + outcome.fio_json


def test_without_the_data_disk_nothing_is_measured(guest: Guest) -> None:
    said(guest, "sudo -n umount /mnt/data")
    try:
        outcome = run(guest, "unmounted")
        assert isinstance(outcome, GuestError)
        assert "not_mounted" in str(outcome)
    finally:
        said(guest, "sudo -n mount -o noatime /dev/disk/by-id/virtio-odfperfdata /mnt/data")


def test_a_raw_disk_is_written_before_and_measured_without_a_file_system(
    make_guest: Callable[..., Guest],
) -> None:
    text = job(1, "randrw").decode().replace("filename=fio-testfile\n", "numjobs=2\ngroup_reporting=1\n")
    needed = "\nlat_percentiles=1\n"
    raw = on_device(read_job(text + needed), file_size_bytes=LAYOUT_BYTES, source="x")
    assert raw.device_bytes == 2 * LAYOUT_BYTES
    guest = make_guest(job=raw.text, layout_bytes=raw.device_bytes, target="block")
    outcome = run(guest, "raw")
    assert outcome.exit_code == 0, outcome.fio_log
    (one,) = json.loads(outcome.fio_json)["jobs"]
    assert one["read"]["total_ios"] > 0
    assert one["write"]["total_ios"] > 0
    assert said(guest, "ls -A /mnt") == ""
    assert guest.facts["mount"] == said(guest, "readlink -f /dev/disk/by-id/virtio-odfperfdata").strip()
    # All that the workers reach holds data, and nothing behind it does.
    disk = "sudo -n dd if=/dev/disk/by-id/virtio-odfperfdata bs=1M status=none"
    assert int(said(guest, f"{disk} count=32 | gzip -1 -c | wc -c")) > 0.9 * raw.device_bytes
    assert int(said(guest, f"{disk} skip=32 count=16 | gzip -1 -c | wc -c")) < 1 << 20
    # Whatever else comes onto the disk, it is not measured then.
    said(guest, "sudo -n mkfs.xfs -q -f /dev/disk/by-id/virtio-odfperfdata && sudo -n mkdir -p /mnt/other")
    said(guest, "sudo -n mount /dev/disk/by-id/virtio-odfperfdata /mnt/other")
    refused = run(guest, "mounted")
    assert isinstance(refused, GuestError)
    assert "not_raw: /dev/disk/by-id/virtio-odfperfdata can not be measured: it is mounted" in str(refused)

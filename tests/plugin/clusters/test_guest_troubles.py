"""A run whose guests reboot, move, lose connections or run out of space: each key says what came of it."""

import xml.etree.ElementTree as ET

MATRIX = """
cluster: sandbox
namespace: perf
pools: [cut, reboot, clock, full, migrate, dying]
vm_sizes:
  tiny: {vcpus: 1, memory: 1Gi}
pvc_sizes: [10Gi]
concurrency: [1]
profiles: [random-rw]
block_sizes: [4k, 64k]
fio: {runtime: 10s, ramp: 1s, numjobs: 1, iodepth: 4, file_size: 1G}
sandbox:
  machine: simulated
  speed: 50
  boot_s: 0.1
  clone_s: 0.1
  storage_classes:
    cut: {faults: {cut: true}}
    reboot: {faults: {reboot_s: 0.2, block_sizes: [4k]}}
    clock: {faults: {clock_jump_s: -7200, block_sizes: [4k]}}
    full: {faults: {fio_failure: no_space, block_sizes: [4k]}}
    migrate: {faults: {migrate: true, block_sizes: [4k]}}
    dying: {faults: {crash: true}}
"""


def test_each_trouble_has_its_treatment_and_its_reason(run_pytest):
    outcome = run_pytest("--odf-parallel=3", "--odf-matrix", "troubles.yaml", troubles__yaml=MATRIX)
    assert outcome.code == 1, outcome.out
    found = {}
    for record in outcome.records():
        pool, _, rest = record["key"].partition(":")
        found[pool, rest.rpartition(":")[2]] = record
    said = {key: (record["status"], record["reason_code"]) for key, record in found.items()}
    assert said == {
        ("cut", "4k"): ("passed", None),
        ("cut", "64k"): ("passed", None),
        ("reboot", "4k"): ("error", "rebooted"),
        ("reboot", "64k"): ("passed", None),
        ("clock", "4k"): ("passed", None),
        ("clock", "64k"): ("passed", None),
        ("full", "4k"): ("error", "no_space"),
        ("full", "64k"): ("passed", None),
        ("migrate", "4k"): ("passed", None),
        ("migrate", "64k"): ("passed", None),
        ("dying", "4k"): ("error", "gone"),
        ("dying", "64k"): ("error", "gone"),
    }, {key: record["reason"] for key, record in found.items()}

    def names(pool, size):
        return [guest["name"] for guest in found[pool, size]["guests"]]

    # A lost connection: the result counts, and it says so.
    assert found["cut", "4k"]["guests"][0]["reconnects"] == 1
    assert "connection was lost while fio ran" in found["cut", "4k"]["notes"][0]
    assert names("cut", "4k") == names("cut", "64k")

    # A reboot: nothing of the key counts, and the next key gets other machines. A full disk spoils none.
    assert found["reboot", "4k"]["read"] is None
    assert "boot id" in found["reboot", "4k"]["reason"]
    assert names("reboot", "64k")[0] not in found["reboot", "4k"]["reason"]
    assert names("full", "64k")[0] in found["full", "4k"]["reason"]
    assert "next: take a larger PVC" in found["full", "4k"]["reason"]

    # A dying guest: once more for each key, no oftener.
    reasons = [found["dying", size]["reason"] for size in ("4k", "64k")]
    assert all("simulated crash" in reason or "it was restarted" in reason for reason in reasons)
    assert reasons[0] != reasons[1]
    log = (outcome.run / "dying" / "pool.log").read_text()
    assert log.count("making 1 VM\n") == 2

    # A clock: the figures count, and its times are of another one, which nobody sets.
    clock = found["clock", "4k"]
    assert clock["guests"][0]["clock_jump_s"] < -7000
    assert clock["start_skew_ms"] is not None
    assert clock["guests"][0]["ended_at_epoch_ns"] >= clock["guests"][0]["started_at_epoch_ns"]
    assert 0 <= clock["duration_s"] < 600
    assert found["clock", "64k"]["guests"][0]["clock_offset_ms"] < -7000e3

    # A migration: noted, with both nodes.
    migrated = found["migrate", "4k"]
    left, reached = migrated["guests"][0]["migrated_from"], migrated["guests"][0]["node"]
    assert left != reached
    assert migrated["notes"] == [
        f"guest {names('migrate', '4k')[0]}: it was migrated while fio ran: {left} -> {reached}"
    ]
    assert found["migrate", "64k"]["notes"] == []
    assert found["migrate", "64k"]["guests"][0]["node"] == reached

    properties = {}
    for case in ET.parse(outcome.run / "junit.xml").getroot().iter("testcase"):
        pairs = [(one.get("name"), one.get("value")) for one in case.iter("property")]
        properties[case.get("name")] = dict(pairs)
        if dict(pairs).get("reason_code"):
            # What the environment did is an error; a failure is a measurement beyond its limit.
            assert case.find("error") is not None
            assert case.find("failure") is None
    codes = sorted(one["reason_code"] for one in properties.values() if "reason_code" in one)
    assert codes == ["gone", "gone", "no_space", "rebooted"]
    assert any("migrated while fio ran" in one.get("notes", "") for one in properties.values())
    html = outcome.page()
    assert "What was noted" in html
    assert "it was migrated while fio ran" in html

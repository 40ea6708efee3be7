"""What is wrong with a profile is told before anything is made; what only the guests know, for its keys."""

import json
import shutil
import xml.etree.ElementTree as ET

import pytest
from profile_texts import HEAD

READS = f"{HEAD}[a]\nrw=randread\n"
MATRIX = """
cluster: sandbox
namespace: perf
pools: [fast]
vm_sizes:
  tiny: {vcpus: 1, memory: 1Gi}
pvc_sizes: [10Gi]
concurrency: [1]
profiles: PROFILES
fio: {runtime: 10s, ramp: 1s, numjobs: 1, iodepth: 4, file_size: 1G}
sandbox: {machine: simulated, speed: 50, boot_s: 0.1, clone_s: 0.1}
"""
needs_fio = pytest.mark.skipif(shutil.which("fio") is None, reason="this machine has no fio to ask")


@pytest.fixture
def write(tmp_path):
    def write_profiles(guest: str = "", **more: str) -> None:
        (tmp_path / "profiles").mkdir()
        for name, lines in more.items():
            (tmp_path / "profiles" / f"{name}.fio").write_text(READS + lines)
        matrix = MATRIX.replace("PROFILES", f"[{', '.join(more)}]") + guest
        (tmp_path / "mine.yaml").write_text(matrix)

    return write_profiles


def errors(outcome):
    return [line.removeprefix("ERROR: ") for line in outcome.lines if line.startswith("ERROR: ")]


def test_every_fault_of_every_profile_has_a_line_and_the_exit_code_is_4(run_pytest, write):
    write(one="gtod_reduce=1\nverify=md5\n", two="RW=read\n", good="")
    outcome = run_pytest("--odf", "--odf-matrix", "mine.yaml")
    assert outcome.code == 4
    assert [line[:40] for line in errors(outcome)] == [
        "profiles/one.fio:15: job a: gtod_reduce ",
        "profiles/one.fio:16: job a: verify is no",
        "profiles/two.fio:15: unknown option 'RW'",
    ]
    assert "Traceback" not in outcome.out
    assert not (outcome.folder / "results").exists()


@needs_fio
def test_what_this_machines_fio_refuses_ends_the_run_before_anything_is_made(run_pytest, write):
    write(bad="random_generator=nonsense\n", good="")
    outcome = run_pytest("--odf-parallel", "--odf-matrix", "mine.yaml")
    assert outcome.code == 4
    (line,) = errors(outcome)
    assert line.startswith("profiles/bad.fio:15: fio-")
    assert (
        "does not take it: fio: failed parsing random_generator=nonsense; if the guests have another" in line
    )
    assert not (outcome.folder / "results").exists()


@needs_fio
def test_with_another_version_in_the_guests_it_is_a_warning_and_only_its_keys_fail(run_pytest, write):
    write(
        "guest: {fio_version: 9.99}\n",
        bad="random_generator=nonsense\n",
        good="",
        cached="direct=0\n",
    )
    outcome = run_pytest("--odf", "--odf-matrix", "mine.yaml")
    assert outcome.code == 1
    assert "odfperf: warning: profiles/bad.fio:15: fio-" in outcome.out
    records = {record["key"].split(":")[4]: record for record in outcome.records()}
    assert {name: (one["status"], one["reason_code"]) for name, one in records.items()} == {
        "bad": ("error", "config"),
        "good": ("passed", None),
        "cached": ("passed", None),
    }
    reason = records["bad"]["reason"]
    assert "in the guests does not take it: profiles/bad.fio:15: fio: failed parsing" in reason
    assert "next: correct the profile" in reason
    assert (
        "but guest.fio_version of the matrix is fio-9.99" in (outcome.run / "fast" / "pool.log").read_text()
    )
    # The first job of the group is checked though it waits in the guests since they were made.
    assert json.loads((outcome.run / "run.json").read_text())["matrix"]["profiles"][0]["name"] == "bad"
    # What went through the page cache is marked wherever its figures are.
    assert [one["marking"] for one in records.values()] == ["SIMULATED", "SIMULATED", "SIMULATED, BUFFERED"]
    assert "BUFFERED: 1 result of cached went through the guests' page cache" in outcome.out
    rows = (outcome.run / "results.csv").read_text().splitlines()
    assert {row.split(",")[4] for row in rows if "BUFFERED" in row} == {"cached"}
    html = outcome.page()
    assert "1 result of cached went through" in html
    marked = [
        case.get("name")
        for case in outcome.cases()
        if any("BUFFERED" in str(one.get("value")) for one in case.iter("property"))
    ]
    assert marked == ["test_storage[fast:tiny:10Gi:1:cached:native]"]
    assert ET.parse(outcome.run / "junit.xml")

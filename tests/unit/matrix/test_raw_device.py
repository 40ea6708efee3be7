"""``target: block``: each file of a profile is a region of the raw disk, and no two meet by accident."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.errors import InputError
from pytest_odfperf.fio.job import Job, read_job
from pytest_odfperf.fio.raw_device import DEVICE, on_device
from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.overrides import override_fio
from pytest_odfperf.matrix.reading.load import load_matrix
from pytest_odfperf.schedule.jobs import check_fit, job_of, layout_bytes, render_jobs

MIB = 1 << 20
FILE = 64 * MIB
HEAD = """[global]
ioengine=libaio
direct=1
time_based=1
runtime=1
group_reporting=1
lat_percentiles=1
thread=1
"""


def device(text: str) -> Job:
    return on_device(read_job(HEAD + text), file_size_bytes=FILE, source="profiles/x.fio")


@dataclass(frozen=True)
class Region:
    section: str
    phase: int
    #: The file that it stands for: a name, or one of a worker's own.
    file: str
    begin: int
    end: int


def regions(before: Job, after: Job) -> list[Region]:
    found = []
    for old, new in zip(before.sections, after.sections, strict=True):
        for worker in range(new.numjobs):
            begin = int(new.options.get("offset", "0"))
            begin += worker * int(new.options.get("offset_increment", "0"))
            file = old.filename or f"{old.name}.{worker}"
            found.append(Region(new.name, before.phase_of(old.name), file, begin, begin + new.size_bytes))
    return found


def test_the_shared_test_file_is_the_beginning_of_the_disk() -> None:
    job = device("filename=fio-testfile\nallow_file_create=0\nsize=64M\nnumjobs=4\n[a]\nrw=randread\n")
    (section,) = job.sections
    assert (section.filename, job.device_bytes) == (DEVICE, FILE)
    assert f"filename={DEVICE}" in job.text
    assert (section.options["offset"], section.options["offset_increment"]) == ("0", "0")
    assert "allow_file_create" not in job.text
    assert not job.shared_file
    assert job.own_files_bytes == 0


def test_workers_with_files_of_their_own_get_regions_of_their_own() -> None:
    job = device(
        "size=3M\noverwrite=1\nfallocate=none\nunlink=1\n[a]\nrw=write\nnumjobs=4\n[b]\nstonewall\nrw=read\n"
    )
    a, b = job.sections
    assert (a.options["offset"], a.options["offset_increment"]) == ("0", str(3 * MIB))
    # The phases follow each other, so they share the room.
    assert b.options["offset"] == "0"
    assert job.device_bytes == 12 * MIB
    for gone in ("unlink", "overwrite", "fallocate"):
        assert gone not in job.text


@pytest.mark.parametrize("option", ["nrfiles=2", "openfiles=3", "filename_format=$jobnum", "offset_align=8k"])
def test_what_has_no_meaning_on_a_disk_is_refused(option: str) -> None:
    with pytest.raises(InputError) as caught:
        device(f"size=1M\n{option}\n[a]\nrw=write\n")
    name = option.partition("=")[0]
    assert str(caught.value).startswith(f"profiles/x.fio: job a: {name} can not be used with target: block: ")


def test_offsets_of_the_profile_are_inside_of_its_regions() -> None:
    text = "nrfiles=1\n[a]\nrw=write\nsize=2M\noffset=1M\noffset_increment=512k\nnumjobs=3\n"
    own, shared = device(text), device(f"filename=fio-testfile\n{text}")
    # A worker's file is as large as the last one's offset makes it: 1 MiB + 2 x 512 KiB + 2 MiB.
    (section,) = own.sections
    assert (section.options["offset"], section.options["offset_increment"]) == (
        str(1 * MIB),
        str(4 * MIB + MIB // 2),
    )
    assert own.device_bytes == 12 * MIB
    (section,) = shared.sections
    assert (section.options["offset"], section.options["offset_increment"]) == (str(MIB), str(MIB // 2))
    assert shared.device_bytes == FILE


sections = st.lists(
    st.tuples(
        st.sampled_from(["", "fio-testfile", "log", "data"]),
        st.integers(1, 40),
        st.integers(1, 5),
        st.booleans(),
    ),
    min_size=1,
    max_size=5,
)


@given(sections)
def test_no_two_files_of_one_time_overlap_and_all_of_them_is_written_before(
    parts: list[tuple[str, int, int, bool]],
) -> None:
    text = HEAD
    for number, (filename, size, workers, beside) in enumerate(parts):
        text += f"[s{number}]\nrw=randrw\nsize={size * 5 * 4096}\nnumjobs={workers}\n"
        text += "new_group\n" if beside and number else "stonewall\n"
        text += f"filename={filename}\n" if filename else ""
    before = read_job(text)
    after = on_device(before, file_size_bytes=FILE, source="x")
    # The text is what the sections say, and fio's reader of ours finds the same in it.
    assert [(s.name, s.numjobs, s.size_bytes) for s in after.sections] == [
        (s.name, s.numjobs, s.size_bytes) for s in before.sections
    ]
    found = regions(before, after)
    assert max(region.end for region in found) <= after.device_bytes
    for one in found:
        for other in found:
            if one.file == other.file:
                assert one.begin == other.begin or one.section != other.section
            elif one.phase == other.phase or {one.file, other.file} <= {"fio-testfile", "log", "data"}:
                assert one.end <= other.begin or other.end <= one.begin, (one, other)


def test_every_shipped_profile_runs_on_a_raw_disk() -> None:
    matrix = override_fio(load_matrix("rank"), ["target=block", "file_size=1G"])
    everything = override_fio(load_matrix("full"), ["target=block", "file_size=1G"])
    for one in (matrix, everything):
        keys = expand(one)
        jobs = render_jobs(one, keys)
        check_fit(one, jobs, keys)
        for key in keys[:12]:
            job = job_of(jobs, key)
            assert job.device_bytes
            assert all(section.filename == DEVICE for section in job.sections)
        assert layout_bytes(one, jobs, keys[:12]) == max(job_of(jobs, key).device_bytes for key in keys[:12])


@pytest.mark.skipif(shutil.which("fio") is None, reason="fio is not installed here")
def test_fio_itself_writes_where_the_regions_are(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    text = HEAD.replace("direct=1", "direct=0").replace("libaio", "psync") + (
        "rw=write\nbs=4k\n[own]\nsize=512k\nnumjobs=3\nthinktime=0\n[named]\nstonewall\nsize=256k\nfilename=log\n"
    )
    before = read_job(text)
    after = on_device(before, file_size_bytes=FILE, source="x")
    with disk.open("wb") as file:
        file.truncate(after.device_bytes)
    job = tmp_path / "job.fio"
    job.write_text(after.text.replace(DEVICE, str(disk)))
    subprocess.run(["fio", "--output-format=json", str(job)], check=True, capture_output=True, timeout=60)
    written = disk.read_bytes()
    step = 128 << 10
    used = {at for at in range(0, len(written), step) if any(written[at : at + step])}
    expected = {at for region in regions(before, after) for at in range(region.begin, region.end, step)}
    assert used == expected

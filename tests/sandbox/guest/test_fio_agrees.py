"""Our reader beside the real fio of this machine: what we take, fio takes, and for the same thing."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_odfperf.errors import InputError
from pytest_odfperf.fio.job import Job, read_job
from pytest_odfperf.fio.job_file.options_table import engines, options
from pytest_odfperf.fio.parse_only import refusals

pytestmark = pytest.mark.skipif(shutil.which("fio") is None, reason="this machine has no fio to compare with")

HEAD = """[global]
ioengine=libaio
direct=1
time_based
group_reporting
runtime=20
ramp_time=5
size=64m
iodepth=4
lat_percentiles=1
"""

SIZES = [
    "4k",
    "8K",
    "64KiB",
    "4Ki",
    "1m",
    "1MB",
    "512",
    "0x1000",
    "0x10k",
    "8kb",
    "4x",
    "k",
    "2k,4k",
    "4k,",
    ",4k",
    "4k,8k,",
    "4k,8k,1k",
    "4k-8k",
    "4k:8k",
    "10%",
    "1.5k",
    "4kk",
    "-1",
    "+4k",
    "(4*2)",
    "'4k'",
    "4K\\",
    "4e3",
    "4096b",
    "1g",
    "64kib",
    "64KIB",
    "1PB",
    "4ki",
    "4kiB",
    "4,k",
    "4k/",
    "010k",
]
COUNTS = ["1", "2", "04", "0", "2k", "1x", "1,2", "", "1:2", "0x2", "3-4"]
WORDS = [
    "read",
    "randread",
    "write",
    "randrw",
    "rw",
    "readwrite",
    "READ",
    "read,x",
    "read:4k",
    "randwrite:8",
    "trim",
    "readx",
    "rw:1:2",
    "rw:",
    "rw:x",
]
ENDS = ("", " # bs=1m", ";bs=1m", " \t", "\r", "#", " ;", "\\", "\x0b", "\xa0", " x")
GAPS = ("=", " =", "= ", "\t= \t", "", "==", "\xa0=")
NAMES: Mapping[str, list[str]] = {
    **dict.fromkeys(("bs", "blocksize", "size", "Size", "bs_", "offset", "offset_increment"), SIZES),
    **dict.fromkeys(("iodepth", "numjobs", "NumJobs", "rwmixread", "rwmixwrite"), COUNTS),
    **dict.fromkeys(("rw", "readwrite", "RW"), WORDS),
    **{
        key: ["", "0", "1", "2", "x"] for key in ("stonewall", "new_group", "wait_for_previous", "time_based")
    },
    **{key: ["", "0", "1", "2", "yes"] for key in ("direct", "buffered", "atomic")},
    "bsrange": ["4k-8k", "8k-4k", "4k:1m", "4k", "4k-8k,1k-2k", "1KiB-1k", "4k-8k,"],
    "bssplit": ["4k", "4k/50:8k/50", "4k/50:8k", "4k/:8k/", "4k/50,8k/100", "4k/x", "4k/60:8k/60", "4/k"],
    "thinktime": ["0", "500", "10ms", "1s", "2m", "1 s", "x", "1500us", "1usec", "1.5s"],
}


def odd_lines() -> list[str]:
    """Each way to write a line that people or their editors have, of the options that are read here."""
    found = [f"{name}={value}" for name, values in NAMES.items() for value in values]
    found += list(NAMES)
    return found + [
        f"{name}{gap}{value}{end}"
        for name, value in (("bs", "8k"), ("numjobs", "2"), ("rw", "read"), ("description", "4k"))
        for gap in GAPS
        for end in ENDS
    ]


def fio(*arguments: str, folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        ["fio", *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


def seen_by_fio(said: str) -> list[dict[str, Any]]:
    """What fio's own trace says of each job section: the last value of each option, as it calculated it."""
    common: dict[str, Any] = {}
    found: list[dict[str, Any]] = []
    here = common
    parts: list[int] = []
    for line in said.splitlines():
        if section := re.fullmatch(r"parse +\d+ +Parsing section \[(.*)\]", line):
            here = common
            if not section[1].startswith("global"):
                here = {"section": section[1], **common}
                found.append(here)
        elif option := re.fullmatch(r"parse +\d+ +handle_option=(\w+), ptr=(.*)", line):
            parts = []
            here[option[1]] = (option[2], parts)
        elif number := re.fullmatch(r"parse +\d+ +ret=0, out=(\d+)", line):
            parts.append(int(number[1]))
    return found


def ours(text: str) -> Job | None:
    try:
        return read_job(text)
    except InputError:
        return None


def compare(job: Job, theirs: list[dict[str, Any]]) -> None:
    assert [one["section"] for one in theirs] == [section.name for section in job.sections]
    for section, one in zip(job.sections, theirs, strict=True):
        assert one["rw"][0] == section.options["rw"]
        offset = one.get("offset", ("", [0]))[1][0]
        if "offset_increment" not in one:
            assert offset == section.offset_bytes, section
        for option, value in (("size", section.size_bytes), ("iodepth", section.iodepth)):
            assert one[option][1][0] == value, section
        assert one.get("numjobs", ("", [1]))[1][0] == section.numjobs, section
        assert one.get("thinktime", ("", [0]))[1][0] == round(section.thinktime_s * 1e6), section
        if "bs" in section.options:
            numbers = one["bs"][1]
            read, write = numbers[0], numbers[min(1, len(numbers) - 1)]
            assert section.block_bytes == {"read": (read, read), "write": (write, write)}, section


def test_what_we_take_of_odd_lines_fio_takes_for_the_same(tmp_path: Path) -> None:
    # One process for all of them: fio stops at the first that it does not take.
    taken = []
    for line in odd_lines():
        section = f"{'stonewall' if line.startswith('new') else 'new_group'}\nrw=rw\n{line}\n"
        if ours(f"{HEAD}[a]\n{section}") is not None:
            taken.append(f"[s{len(taken)}]\n{section}")
    assert len(taken) > 150
    job = read_job(HEAD + "".join(taken))
    (tmp_path / "job.fio").write_text(job.text, newline="")
    code, said = fio("--debug=parse", "--parse-only", "job.fio", folder=tmp_path)
    assert code == 0, said[-600:]
    compare(job, seen_by_fio(said))


SECTIONS = [
    "[{}]",
    " [{}] ",
    "[{}] # x",
    "[global]",
    "[global-{}]",
    "[global ]",
    "[Global]",
    "[GLOBAL{}]",
    "[globa{}]",
]


@st.composite
def job_files(draw: st.DrawFn) -> str:
    """Sections that are global, or seem to be, between sections that are not."""
    text = HEAD + "[first]\nrw=rw\n"
    for number in range(draw(st.integers(1, 4))):
        head = draw(st.sampled_from(SECTIONS)).format(f"s{number}")
        body = draw(
            st.lists(st.sampled_from(["bs=8k", "bs=16k,4k", "numjobs=2", "iodepth=9", "size=1g", "; x"]))
        )
        text += "\n".join([head, "stonewall", draw(st.sampled_from(["rw=rw", "rw=read"])), *body]) + "\n"
    return text


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=job_files())
def test_global_sections_hold_for_the_jobs_that_fio_gives_them_to(tmp_path: Path, text: str) -> None:
    job = ours(text)
    if job is None:
        # Two sections without a number in their heads may have one name.
        assert text.count("[Global]") > 1
        return
    (tmp_path / "job.fio").write_text(job.text, newline="")
    code, said = fio("--debug=parse", "--parse-only", "job.fio", folder=tmp_path)
    assert code == 0, said[-600:]
    compare(job, seen_by_fio(said))


def test_what_fio_says_against_a_job_is_told_with_the_line_of_the_option(tmp_path: Path) -> None:
    job = read_job(HEAD + "[a]\nrw=read\nrandom_generator=nonsense # x\n", source="profiles/x.fio")
    (tmp_path / "job.fio").write_text(job.text)
    (refused,) = refusals(job, *fio("--parse-only", "job.fio", folder=tmp_path))
    assert str(refused) == "profiles/x.fio:13: fio: failed parsing random_generator=nonsense"
    # A missing include ends with 0.
    (tmp_path / "job.fio").write_text("[a]\nrw=read\ninclude none.fio\n")
    code, said = fio("--parse-only", "job.fio", folder=tmp_path)
    assert code == 0
    assert [str(one) for one in refusals(job, code, said)] == [
        "profiles/x.fio: fio: unable to open 'none.fio' job file",
        "profiles/x.fio: Error 1 while parsing include file none.fio",
    ]


def test_every_option_that_this_fio_has_is_in_the_table(tmp_path: Path) -> None:
    _, said = fio("--cmdhelp", folder=tmp_path)
    names = set(re.findall(r"^ *([\w-]+) *:", said, re.MULTILINE))
    assert len(names) > 200
    assert names - set(options()) == set()


def test_every_engine_that_this_fio_has_is_in_the_table_with_its_options(tmp_path: Path) -> None:
    _, said = fio("--enghelp", folder=tmp_path)
    names = set(re.findall(r"^\t([\w-]+)$", said, re.MULTILINE))
    assert "libaio" in names
    assert names - set(engines()) == set()
    for name in names:
        if engines()[name].sort != "refused":
            _, said = fio(f"--enghelp={name}", folder=tmp_path)
            assert set(re.findall(r"^([\w-]+) *:", said, re.MULTILINE)) - set(options()) == set(), name

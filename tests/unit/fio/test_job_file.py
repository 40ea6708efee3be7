"""A profile is read as fio reads it, or refused with its line: one row each for what people really write."""

from __future__ import annotations

from pathlib import Path

import pytest
from profile_texts import HEAD as G

from pytest_odfperf.errors import InputError
from pytest_odfperf.fio.job import Job, read_job, render
from pytest_odfperf.fio.job_file.fio_numbers import block_sizes
from pytest_odfperf.fio.job_file.options_table import engines, options
from pytest_odfperf.fio.timing import LAYOUT_BYTES_PER_S, deadline_s
from pytest_odfperf.matrix.model import FioSettings, Profile, Timeouts
from pytest_odfperf.matrix.reading.load import load_text
from pytest_odfperf.schedule.jobs import render_jobs

SETTINGS = FioSettings(runtime_s=20, ramp_s=5, iodepth=8, numjobs=2, file_size_bytes=1 << 30)

READ = "[a]\nrw=randread\n"


def job(template: str, block_size: str = "native", settings: FioSettings = SETTINGS) -> Job:
    return render(Profile(name="x", template=template, block_sizes=(block_size,)), settings, block_size)


def faults(template: str, block_size: str = "native") -> list[str]:
    with pytest.raises(InputError) as raised:
        job(template, block_size)
    return [str(fault) for fault in raised.value.faults]


def without(option: str) -> str:
    return "\n".join(line for line in G.split("\n") if not line.startswith(option))


TEN = "[b]\nstonewall\nrw=read\n"

#: What is appended to ``G``, and the one line that refuses it; {last} is the number of its last line.
REFUSED = [
    ("[Global]\nbs=4k\n", "profiles/x.fio:13: job Global: rw is missing (to fio [Global] is a job; [global]"),
    ("[a]\nRW=read\n", "profiles/x.fio:14: unknown option 'RW': fio's options are in small letters, rw"),
    ("[a]\nrw=READ\n", "profiles/x.fio:14: job a: unknown rw 'READ'"),
    (READ + "include more.fio\n", "profiles/x.fio:15: 'include more.fio': fio takes each line that begins s"),
    (READ + "kb_base=1000\n", "profiles/x.fio:15: job a: kb_base is not allowed (only kb_base=1024): the ke"),
    (READ + "gtod_reduce=1\n", "profiles/x.fio:15: job a: gtod_reduce is not allowed"),
    (READ + "disable_lat=1\n", "profiles/x.fio:15: job a: disable_lat is not allowed"),
    ("[a]\nrw=randwrite\nverify=crc32c\n", "profiles/x.fio:15: job a: verify is not allowed"),
    (READ + "bs= 4k\n", "profiles/x.fio:15: bs: fio reads a value from right after '='"),
    (READ + "bs=4k-8k\n", "profiles/x.fio:15: job a: bs=4k-8k is not written as 4k, or READS,WRITES"),
    (READ + "bs=4x\n", "profiles/x.fio:15: job a: bs=4x is not written as"),
    (READ + "bs=4k,\n", "profiles/x.fio:15: job a: bs=4k, is not written as"),
    (READ + "bs=4KiB\n", "profiles/x.fio:15: job a: bs=4KiB: direct I/O needs multiples of 512 bytes, 4000"),
    (READ + "bs=2g\n", "profiles/x.fio:15: job a: bs=2g: a block of 2147483648 bytes is larger than size"),
    (READ + "bs=4k\nbsrange=4k-8k\n", "profiles/x.fio:15: job a: bs has no effect beside bsrange"),
    (READ + "size=10%\n", "profiles/x.fio:15: job a: size is no number of bytes: '10%'"),
    (READ + "size=2g\n", "profiles/x.fio:15: job a: 2147483648 bytes of fio-testfile, but fio file_size is"),
    (READ + "offset=4k\n", "profiles/x.fio:8: 1073745920 bytes of fio-testfile"),
    (READ + "numjobs=2k\n", "profiles/x.fio:15: job a: numjobs '2k' is not a whole number"),
    (READ + "numjobs=$ncpus\n", "profiles/x.fio:15: $ncpus is a figure of the guest"),
    (READ + "bs=${HOME}\n", "profiles/x.fio:15: unknown variable 'HOME'; known: RUNTIME"),
    (READ + "filename=other\n", "profiles/x.fio:15: job a: filename is set again: fio would use both"),
    (READ + "filename_format=fio-testfile\n", "profiles/x.fio:15: job a: filename_format 'fio-testfile'"),
    (READ + "direct\n", "profiles/x.fio:15: job a: direct has no value; fio needs one, as in direct=1"),
    (READ + "ioengine=null\n", "profiles/x.fio:15: job a: ioengine=null is not allowed: it does no I/O"),
    (READ + "ioengine=psync\n", "profiles/x.fio:10: iodepth=8: ioengine=psync is synchronous and runs at de"),
    (READ + "ioengine=mmap\niodepth=1\n", "profiles/x.fio:15: job a: ioengine=mmap always goes through the"),
    (READ + "unlink=1\n", "profiles/x.fio:15: job a: unlink=1 would remove fio-testfile"),
    (READ + "write_lat_log=/tmp/x\n", "profiles/x.fio:15: job a: write_lat_log '/tmp/x' must be a plain nam"),
    (READ + "percentile_list=50:0:99\n", "profiles/x.fio:15: job a: percentile_list=50:0:99: fio ends the l"),
    ("[a]\nrw=randrw\nrwmixread=100\n", "profiles/x.fio:15: job a: rwmixread=100 is not from 1 to 99"),
    ("[a]\nrw=rw\nrwmixwrite=0\n", "profiles/x.fio:15: job a: rwmixwrite=0 is not from 1 to 99"),
    ("[a]\nrw=rw\nrate=1m\n", "profiles/x.fio:15: job a: rate=1m limits reads and writes to that each"),
    ("[a]\nrw=trim\n", "profiles/x.fio:14: job a: rw=trim is not allowed: trims have no direction"),
    ("[a] x\nrw=read\n", "profiles/x.fio:13: '[a] x' is not a section"),
    ("[ a ]\nrw=read\n", "profiles/x.fio:13: job name ' a ': letters"),
    ("[a]\nrw=read\\\n", "profiles/x.fio:14: job a: unknown rw"),
    ("[a]\nrw=read\x0bx\n", "profiles/x.fio:14: job a: unknown rw"),
    (READ + "bs=4k\x00\n", "profiles/x.fio:15: it holds a control character"),
    (READ + "description=" + "x" * 4000, "profiles/x.fio:15: it is longer than 4000 bytes"),
    (READ + "nrfile=3\n", "profiles/x.fio:15: unknown option 'nrfile' (did you mean 'nrfiles'? docs/fio-opt"),
    (READ + "startdelay=3\n", "profiles/x.fio:15: job a: startdelay is not allowed"),
    (READ + "gtod_reduce=1\ngtod_reduce=0\n", "profiles/x.fio:15: job a: gtod_reduce is not allowed"),
    (READ + "exitall=0\n", "profiles/x.fio:15: job a: exitall is not allowed: "),
    (READ + "loops=3\n", "profiles/x.fio:15: job a: loops is not allowed (only loops=1)"),
    (READ + "timeout=5\n", "profiles/x.fio:15: job a: runtime must be ${RUNTIME}"),
    (READ + "time_based=0\n", "profiles/x.fio:15: job a: time_based=1 is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("more", "line"), REFUSED, ids=[repr(more[-24:]) for more, _ in REFUSED])
def test_what_fio_would_take_for_something_else_is_refused_with_its_line(more: str, line: str) -> None:
    found = faults(G + more)
    assert len(found) == 1, found
    assert found[0].startswith(line)


#: What is appended to ``G``, and options that it must give the last job.
TAKEN = [
    (READ + "numjobs=1     # one writer\n", {"numjobs": "1"}),
    (READ + "bs=8k;16k\n", {"bs": "8k"}),
    (READ + "iodepth= 4\n", {"iodepth": "4"}),
    (READ + "  bs\t=8k \t\r\n", {"bs": "8k"}),
    (READ + "blocksize=8k\nbs=16k\n", {"bs": "16k"}),
    ("[a]\nreadwrite=randread:8\n", {"rw": "randread:8"}),
    ("[global-mix]\nbs=32k\n" + READ, {"bs": "32k"}),
    ("[global ]\nbs=32k\n" + READ + "bs=8k\n", {"bs": "8k"}),
    (READ + "kb_base=1024\ngtod_reduce=0\nverify=none\nloops=1\n", {"kb_base": "1024"}),
    ("[a]\nrw=rw\nrwmixread=70\nrate_iops=700,300\n", {"rwmixread": "70"}),
    (READ + "filename_format=f.$jobnum.$filenum\n", {"filename_format": "f.$jobnum.$filenum"}),
    (READ + "filename_format=$JOBNAME-$clientuid\n", {"filename_format": "$JOBNAME-$clientuid"}),
    (READ + "write_lat_log\nlog_avg_msec=1000\n", {"write_lat_log": "1"}),
    (READ + "description=4k each, for $5\n".replace("$5", "5"), {"description": "4k each, for 5"}),
    ("; ${X} # $y\n" + READ + "bs=8k # ${NO} $no\n", {"bs": "8k"}),
    ("[b]\nrw=read\n[global]\nbs=64k\n[a]\nstonewall\nrw=randread\n", {"bs": "64k"}),
]  # fmt: skip


@pytest.mark.parametrize(("more", "wanted"), TAKEN, ids=[repr(more[-24:]) for more, _ in TAKEN])
def test_what_fio_takes_is_taken_as_fio_means_it(more: str, wanted: dict[str, str]) -> None:
    section = job(G + more).sections[-1]
    assert section.name == "a"
    assert {name: section.options.get(name) for name in wanted} == wanted


def test_a_global_section_holds_for_those_after_it_only() -> None:
    first, second = job(G + "[b]\nrw=read\n[global]\nbs=64k\n[a]\nstonewall\nrw=randread\n").sections
    assert ("bs" in first.options, second.options["bs"]) == (False, "64k")


def test_a_profile_without_direct_is_refused_or_says_that_it_is_buffered() -> None:
    (line,) = faults(without("direct") + READ + TEN)
    assert line.startswith("profiles/x.fio:12: jobs a, b: direct=1 is missing: the guest's page cache")
    for said, buffered in (
        ("direct=0", True),
        ("buffered=1", True),
        ("buffered=0", False),
        ("atomic=1", False),
    ):
        assert job(without("direct") + READ + said).sections[0].buffered is buffered
    assert job(G + READ + TEN + "direct=0\n").buffered == ("b",)
    # Of two that contradict each other, fio takes the one that was set last.
    assert job(G + READ + "buffered=1\n").buffered == ("a",)
    assert job(without("direct") + READ + "buffered=1\ndirect=1\n").buffered == ()


def test_what_all_jobs_lack_is_told_once() -> None:
    assert [line.partition("; ")[0] for line in faults("[a]\nrw=read\ndirect=1\n" + TEN + "direct=1\n")] == [
        f"profiles/x.fio:1: jobs a, b: {what} is missing"
        for what in ("time_based=1", "group_reporting=1", "lat_percentiles=1", "size=")
    ] + [
        f"profiles/x.fio:1: jobs a, b: {name}=${{{variable}}} is missing"
        for name, variable in (("runtime", "RUNTIME"), ("ramp_time", "RAMP_TIME"))
    ]


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ("filename=a:b", "profiles/x.fio:14: job a: filename 'a:b' must be a plain name"),
        ("filename=f.$jobnum", "profiles/x.fio:14: fio knows $jobnum in filename_format only"),
        ("filename_format=../$jobnum", "profiles/x.fio:14: job a: filename_format '../$jobnum'"),
        ("filename=a\nfilename=b", "profiles/x.fio:15: job a: filename is set again: fio would use both"),
        ("filename=a\nfilename=a", "profiles/x.fio:15: job a: filename is set again"),
        (
            "allow_file_create=0",
            "profiles/x.fio:14: job a: allow_file_create=0, but the files of this job are",
        ),
        ("percentile_list=0", "profiles/x.fio:14: job a: percentile_list=0: fio ends the list at a 0"),
        ("size=10%\nsize=4k", "profiles/x.fio:14: job a: size=10%: fio keeps a percentage"),
        ("offset=50%\noffset=0", "profiles/x.fio:14: job a: offset=50%: fio keeps a percentage"),
    ],
)
def test_what_fio_keeps_although_it_is_set_anew_is_refused(lines: str, line: str) -> None:
    (found,) = faults(without("filename=") + READ + lines + "\n")
    assert found.startswith(line)
    if lines.startswith("filename="):
        return
    # Of the global section it is told once.
    first, second = lines.split("\n") if "\n" in lines else (lines, "")
    common = without("filename=") + first + "\n[a]\nrw=read\n" + second + "\n" + TEN + second + "\n"
    assert len(faults(common)) == 1


def test_block_sizes_are_those_that_the_key_says() -> None:
    (section,) = job(G + READ + "bs=${BLOCK_SIZE}\n", "64k").sections
    assert section.block_bytes == {"read": (65536, 65536), "write": (65536, 65536)}
    (section,) = job(G + "[a]\nrw=rw\nbs=4k,8k,\n").sections
    assert section.block_bytes == {"read": (4096, 4096), "write": (8192, 8192)}
    (section,) = job(G + "[a]\nrw=rw\nbssplit=4k/50:64k/50,8k\n").sections
    assert section.block_bytes == {"read": (4096, 65536), "write": (8192, 8192)}
    assert block_sizes("4k:8k") is None
    # Named in a comment alone, it would be the same 4k for every key.
    with pytest.raises(InputError, match="fixes its block sizes itself"):
        job(G + READ + "# bs=${BLOCK_SIZE}\n", "64k")


def test_all_faults_of_a_template_are_told_at_once_and_each_once() -> None:
    text = (
        G + "exec_prerun=id\n[a]\nrw=raed\nbs=4x\n[b]\nstonewall\nrw=read\nnumjobs=0\n[c]\nrw=read\nfoo=1\n"
    )
    assert [line.partition(" ")[0] for line in faults(text)] == [
        f"profiles/x.fio:{number}:" for number in (13, 15, 16, 20, 21, 23)
    ]  # fmt: skip


def test_faults_of_all_profiles_that_are_used_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    for name in ("one", "two", "unused"):
        (tmp_path / "profiles" / f"{name}.fio").write_text(G + READ + "bs=${BLOCK_SIZE}\nloops=2\n")
    matrix = load_text(MATRIX.format("[one, two, unused]"), source="m.yaml", folder=tmp_path, name="m")
    from pytest_odfperf.matrix.expand import expand

    keys = [key for key in expand(matrix) if key.profile != "unused"]
    with pytest.raises(InputError) as raised:
        render_jobs(matrix, keys)
    assert [fault.place for fault in raised.value.faults] == ["profiles/one.fio:16", "profiles/two.fio:16"]


MATRIX = """pools: [p]
vm_sizes: {{small: {{vcpus: 1, memory: 1Gi}}}}
pvc_sizes: [10Gi]
concurrency: [1]
block_sizes: [4k, 64k]
fio: {{file_size: 1G}}
profiles: {}
"""


def loaded(folder: Path, profile: str = "x") -> str:
    entry = f"[{profile}]"
    matrix = load_text(MATRIX.format(entry), source="m.yaml", folder=folder, name="m")
    return matrix.profiles[0].template


def test_what_a_profile_includes_is_read_from_beside_it_where_fio_would_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "profiles"
    (folder / "deep").mkdir(parents=True)
    (folder / "x.fio").write_text(G + READ + "iodepth=2\ninclude deep/more.fio\nnumjobs=7 # mine\n")
    (folder / "deep" / "more.fio").write_text("bs=128k\niodepth=64 # theirs\ninclude=last.fio")
    (folder / "deep" / "last.fio").write_text("numjobs=5\nloops=3")
    template = loaded(tmp_path)
    assert faults(template) == [
        "profiles/deep/last.fio:2: job a: loops is not allowed (only loops=1): "
        "the job would run longer than its runtime"
    ]
    rendered = job(template.replace("loops=3", "nrfiles=3\nbs=x").replace("nrfiles=3\nbs=x", "nrfiles=3"))
    (section,) = rendered.sections
    wanted = {"bs": "128k", "iodepth": "64", "nrfiles": "3", "numjobs": "7"}
    assert {name: section.options[name] for name in wanted} == wanted
    assert "include" not in rendered.text
    # Lines after it keep their numbers.
    (folder / "x.fio").write_text(G + READ + "include deep/one.fio\nnumjobs=0\n")
    (folder / "deep" / "one.fio").write_text("bs=8k\n\n")
    assert faults(loaded(tmp_path)) == ["profiles/x.fio:16: job a: numjobs '0' is not a whole number above 0"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (G + READ + "include none.fio\n", "profiles/x.fio:15: included file .*none.fio can not be read"),
        (G + READ + "include  more.fio\n", "profiles/x.fio:15: 'include  more.fio': .* one blank"),
        (G + READ + "include\n", "profiles/x.fio:15: 'include': fio takes each line that begins so"),
        (G + READ + "included_by=me\n", "profiles/x.fio:15: 'included_by=me'"),
        (G + READ + "include ${BLOCK_SIZE}.fio\n", "profiles/x.fio:15: "),
        (G + READ + "include y.fio\n", "profiles/y.fio:1: '.b.': fio takes no sections in an included"),
        (
            G + READ + "include loop.fio\n",
            "profiles/loop.fio:1: 'include loop.fio': files include each other",
        ),
        (
            "include more.fio\n" + G + READ,
            "profiles/x.fio:1: 'include more.fio' stands before the first section",
        ),
    ],
)
def test_an_include_that_fio_would_not_read_is_refused_when_the_matrix_is_loaded(
    tmp_path: Path, text: str, line: str
) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "x.fio").write_text(text)
    (tmp_path / "profiles" / "y.fio").write_text("[b]\n")
    (tmp_path / "profiles" / "loop.fio").write_text("include loop.fio\n")
    with pytest.raises(InputError, match=f"^{line}"):
        loaded(tmp_path)


def test_includes_that_multiply_end_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "x.fio").write_text(G + READ + "include 0.fio\n")
    for number in range(7):
        (tmp_path / "profiles" / f"{number}.fio").write_text(f"include {number + 1}.fio\n" * 50)
    (tmp_path / "profiles" / "7.fio").write_text("bs=4k\n")
    with pytest.raises(InputError, match="more than 10000 lines are included"):
        loaded(tmp_path)


def test_a_template_that_the_matrix_names_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "mine.fio").write_text(G + READ + "loops=2\n")
    text = MATRIX.format("[{{name: x, template: mine.fio}}]".format())
    matrix = load_text(text, source="m.yaml", folder=tmp_path, name="m")
    with pytest.raises(InputError, match=r"^mine\.fio:15: job a: loops"):
        render(matrix.profiles[0], SETTINGS, "native")


def test_every_option_that_is_refused_is_refused_with_the_reason_of_the_table() -> None:
    seen = 0
    for name, option in options().items():
        if option.verdict != "refused":
            continue
        seen += 1
        found = faults(G + READ + f"{name}=7\n")
        assert any(line.endswith(option.why) and option.name in line for line in found), (name, found)
        for value in option.values:
            assert job(G + READ + f"{name}={value}\n"), (name, value)
    assert seen > 90


def test_every_option_that_is_allowed_is_left_to_fio() -> None:
    for name, option in options().items():
        if option.verdict == "allowed":
            assert option.name in job(G + READ + f"{name}=1\n").sections[0].options, name


def test_every_engine_does_what_its_row_says() -> None:
    for name, engine in engines().items():
        one = G + READ + f"ioengine={name}\niodepth=1\ndirect=0\n"
        if engine.sort == "refused":
            (line,) = faults(one)
            assert line.endswith(engine.why)
            continue
        assert job(one).sections[0].buffered
        deep = one.replace("iodepth=1", "iodepth=4")
        assert bool(job(deep)) if engine.sort == "deep" else faults(deep), name


def test_what_is_done_after_the_runtime_has_its_time_in_the_deadline() -> None:
    usual = deadline_s(job(G + "[a]\nrw=write\n"), SETTINGS, Timeouts())
    for more, extra_s in (
        ("end_fsync=1", 2 * (1 << 30) / LAYOUT_BYTES_PER_S),
        ("direct=0", 2 * (1 << 30) / LAYOUT_BYTES_PER_S),
        ("thinktime=3s", 3.0),
        ("thinktime=500", 0.0005),
    ):
        text = G + f"[a]\nrw=write\n{more}\n"
        assert deadline_s(job(text), SETTINGS, Timeouts()) == pytest.approx(usual + extra_s), more


def test_files_that_workers_share_by_their_format_are_counted_once() -> None:
    own = without("filename=") + READ
    assert job(own).own_files_bytes == 2 << 30
    assert job(own + "filename_format=f.$jobnum\n").own_files_bytes == 2 << 30
    assert job(own + "filename_format=f.$filenum\n").own_files_bytes == 1 << 30
    assert job(own + "offset_increment=1g\n").own_files_bytes == 4 << 30


def test_a_rendered_job_says_where_each_of_its_lines_comes_from() -> None:
    rendered = job(G + READ)
    # What the plugin itself asks for comes first.
    (at,) = [number for number, line in enumerate(rendered.text.split("\n")) if line == "rw=randread"]
    assert rendered.places[at] == "profiles/x.fio:14"
    assert read_job(rendered.text) == rendered

"""What a guest tells of its disks: the kernel's words, and whatever else comes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.measure.witness import DiskIdentity, DiskWork, Witness, read_witness
from pytest_odfperf.plain import from_plain, to_plain

#: Of a guest with Linux 6.1 on virtio: vdb is the data disk, vda1 a partition, sr0 has done nothing.
BEFORE = """before
disk vdb 254:16 20971520 odfperfdata
mount 254:16 rw,noatime shared:100 - xfs /dev/vdb rw,attr2,inode64
/proc/stat:cpu  1000 5 2000 90000 300 0 50 10 0 0
/proc/vmstat:pgpgin 412160
/proc/vmstat:pgpgout 99328
/proc/vmstat:pswpin 3
/proc/vmstat:pswpout 4
/sys/class/block/sr0/stat: 0  0  0  0  0  0  0  0  0
/sys/class/block/vda/stat: 9000  10  400000  90  50  10  6000  8  0  7  98  0  0  0  0  12  3
/sys/class/block/vda1/stat: 8000  10  400000  90  50  10  6000  8  0  7  98
/sys/class/block/vda1/partition:1
/sys/class/block/vdb/stat: 100  0  2000  9  50  10  32768  8  0  7  98  2  0  16  0  12  3
"""
BESIDE = """start 100 0 2000 9 50 10 32768 8 0 7 98 2 0 16 0 12 3
end 1100 0 10000 90 51 10 32784 9 0 70 980 3 0 32 0 14 4
after
"""
AFTER = (
    BEFORE.removeprefix("before\n")
    .replace("cpu  1000 5 2000 90000 300 0 50 10", "cpu  1100 5 2100 90500 400 0 50 210")
    .replace("pswpout 4", "pswpout 9")
    .replace("9000  10  400000", "9002  10  400016")
)
TEXT = (BEFORE + BESIDE + AFTER).encode()


def test_what_a_guest_saw_is_read() -> None:
    same = DiskIdentity(number="254:16", sectors="20971520", serial="odfperfdata")
    assert read_witness(TEXT) == Witness(
        disk="vdb",
        work=DiskWork(
            name="vdb",
            read_bytes=8000 * 512,
            written_bytes=16 * 512,
            discarded_bytes=16 * 512,
            flushes=2,
            reads=1000,
            writes=1,
        ),
        # No partition, and nothing that did nothing.
        others=(DiskWork(name="vda", read_bytes=16 * 512, written_bytes=0, reads=2),),
        before=same,
        after=same,
        mount_before="254:16 xfs /dev/vdb",
        mount_after="254:16 xfs /dev/vdb",
        swapped_pages=5,
        busy_part=0.2,
        steal_part=0.2,
    )


def test_a_raw_disk_has_no_mount_and_a_disk_that_is_gone_has_dashes() -> None:
    text = TEXT.replace(b"mount 254:16 rw", b"mount none\nno: 254:16 rw").replace(
        b"after\ndisk vdb 254:16 20971520 odfperfdata", b"after\ndisk vdb - - "
    )
    found = read_witness(text)
    assert (found.mount_before, found.mount_after) == ("none", "none")
    assert found.after == DiskIdentity(number="-", sectors="-", serial="")


@pytest.mark.parametrize(
    "beside",
    [
        "start 100 0 2000 9 50 10 32768 8 0 7 98\nend 5 0 100 9 1 0 8 8 0 7 98\nafter\n",
        "start \nend \nafter\n",
        "start 1 2 3\nend 4 5 6\nafter\n",
        "start 1 0 1 0 1 0 1 0\nend 99999999999999999999 0 99999999999999999999 0 1 0 1 0\nafter\n",
    ],
)
def test_counters_that_began_anew_or_are_none_count_nothing(beside: str) -> None:
    assert read_witness((BEFORE + beside + AFTER).encode()).work is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "before fio"),
        (b"before\n", "before fio"),
        (TEXT.replace(b"\nend ", b"\n"), "after fio"),
        (TEXT.replace(b"disk vdb 254", b"disk ../../x 254"), "disk under test"),
        (TEXT.replace(b"after\ndisk vdb", b"after\ndisk vdc"), "'vdc' after"),
        (TEXT.replace(b"mount ", b"mounted "), "mounted"),
        (TEXT + b"x" * (256 << 10), "at most"),
        (TEXT + b"start 1\n", "before fio"),
    ],
)
def test_what_is_missing_is_said(text: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_witness(text)


LINES = TEXT.decode().splitlines()


@given(
    st.lists(
        st.sampled_from(LINES)
        | st.text(max_size=40)
        | st.builds(
            lambda line, n: line.replace("2000", str(n)), st.sampled_from(LINES), st.integers(-5, 2**80)
        ),
        max_size=60,
    )
)
def test_whatever_a_guest_says_is_a_witness_that_can_be_kept_or_refused(lines: list[str]) -> None:
    try:
        found = read_witness("\n".join(lines).encode("utf-8", "replace"))
    except ValueError:
        return
    assert from_plain(Witness, json.loads(json.dumps(to_plain(found))), "witness") == found


@given(at=st.integers(0, len(TEXT) - 1), by=st.integers(1, 255))
def test_a_flipped_byte_is_read_or_refused(at: int, by: int) -> None:
    flipped = bytearray(TEXT)
    flipped[at] ^= by
    try:
        found = read_witness(bytes(flipped))
    except ValueError:
        return
    assert found.work is None or found.work.read_bytes >= 0

"""Journals and the checkpoint survive torn, empty and alien lines."""

import json
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.store import journal
from pytest_odfperf.store.checkpoint import Checkpoint

ENTRIES = st.lists(
    st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=8), max_size=3), max_size=5
)


@given(entries=ENTRIES, cut=st.integers(0, 400))
def test_a_file_cut_at_any_byte_still_reads_and_takes_more(tmp_path_factory, entries, cut):
    path = tmp_path_factory.mktemp("journal") / "a.jsonl"
    for entry in entries:
        journal.append(path, entry)
    if path.exists():
        path.write_bytes(path.read_bytes()[:cut])
    journal.append(path, {"last": 1})
    found, broken = journal.read(path)
    assert found[-1] == {"last": 1}
    assert found[:-1] == entries[: len(found) - 1]
    assert broken <= 1


def test_a_checkpoint_reads_its_own_run_from_all_processes(tmp_path):
    checkpoint = Checkpoint(tmp_path, "run-1")
    checkpoint.add("gw0", "odfperf::t[a]", "d1")
    checkpoint.add("gw1", "odfperf::t[b]", "d2")
    Checkpoint(tmp_path, "run-10").add("gw0", "odfperf::t[c]", "d3")
    (tmp_path / "done-run-1-gw2.jsonl").write_text('{"schema": 9, "test": "x", "definition": "y"}\n{"torn')
    done, broken = checkpoint.read()
    assert done["odfperf::t[a]"] == "d1"
    assert done["odfperf::t[b]"] == "d2"
    assert "x" not in done
    assert broken == 2


def test_an_alien_line_is_counted_not_read(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\n[1]\n\xff\xfe\n{"a": 1}\n')
    assert journal.read(path) == ([{"a": 1}], 2)
    assert json.loads(path.read_bytes().splitlines()[-1]) == {"a": 1}


def test_lines_that_are_written_at_one_time_are_whole_and_nothing_is_between_them(tmp_path):
    path = tmp_path / "a.jsonl"
    long = "y" * 60_000

    def write(number: int) -> None:
        journal.append(path, {"number": number, "long": long})

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(200)))
    *lines, last = path.read_bytes().split(b"\n")
    assert last == b""
    assert sorted(json.loads(line)["number"] for line in lines) == list(range(200))

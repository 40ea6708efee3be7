"""What a dead machine, a full disk or somebody's editor leaves: torn lines, cut and lost files."""

from __future__ import annotations

import json
from pathlib import Path

from report_runs.hostile import ALL_AT_ONCE
from report_runs.records import Made


def tear(folder: Path, found: list[Made]) -> None:
    path = folder / "results.jsonl"
    lines = path.read_bytes().split(b"\n")
    lines.insert(3, lines[0][: len(lines[0]) // 2])
    lines.insert(5, b"\xff\xfe not JSON " + ALL_AT_ONCE.encode("utf-8", "surrogatepass").replace(b"\n", b" "))
    lines.insert(7, b'{"schema": 99, "key": "a"}')
    lines.insert(9, b"[]")
    # The last line is being written.
    path.write_bytes(b"\n".join(lines)[:-1] + b"\n" + json.dumps(found[0].record.to_json()).encode()[:200])


def spoil_files(folder: Path, found: list[Made]) -> None:
    """Files that are gone, cut, or none of ours."""
    measured = [one for one in found if one.files]
    for number, one in enumerate(measured):
        paths = [folder / name for name in one.files]
        if number % 5 == 1:
            paths[0].write_text('{"schema": 1, "histograms": [{"job": 7')
        elif number % 5 == 2:
            paths[0].unlink(missing_ok=True)
        elif number % 5 == 3:
            paths[1].write_text(ALL_AT_ONCE.encode("utf-8", "backslashreplace").decode())

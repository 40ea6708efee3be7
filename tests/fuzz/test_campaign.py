"""A random campaign against everything that is read: whatever comes in, an answer or one line comes out.

The law: success, or an `OdfError` (a `ValueError` where a function says so) with a message of one line;
never another exception, never a hang. A short campaign by default; by hand, longer and elsewhere::

    ODFPERF_FUZZ_CASES=20000 ODFPERF_FUZZ_SEED=7 pytest tests/fuzz

A case that breaks the law is named by its seed, and the input is left in the test's folder.
"""

from __future__ import annotations

import json
import os
import random
import signal
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_odfperf.errors import FioError, InputError, OdfError
from pytest_odfperf.fio.answers.output import parse
from pytest_odfperf.fio.job import read_job
from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import FioSettings
from pytest_odfperf.matrix.reading.files import shipped_dir
from pytest_odfperf.matrix.reading.load import load_matrix
from pytest_odfperf.matrix.select import select
from pytest_odfperf.measure.aggregate import DirectionMeasurement, JobMeasurement, combine
from pytest_odfperf.measure.record import GuestRecord, Record, read_records
from pytest_odfperf.measure.verdicts.evidence import Evidence, GuestEvidence
from pytest_odfperf.measure.verdicts.judge import judge
from pytest_odfperf.quantity import parse_quantity, to_bytes, to_millicores
from pytest_odfperf.report.html_page.html import RunContext, summary_block
from pytest_odfperf.report.html_page.html_row import row_cells
from pytest_odfperf.run.before.earlier_results import by_test, read_earlier
from pytest_odfperf.run.before.selection import read_selection
from pytest_odfperf.run.reports.output_table import OUTPUTS, REPORT_HTML
from pytest_odfperf.run.reports.run_reading import read_run_content
from pytest_odfperf.schedule.jobs import check_fit, render_jobs
from pytest_odfperf.store.run_dir import RunDir

CASES = int(os.environ.get("ODFPERF_FUZZ_CASES", "60"))
SEED = int(os.environ.get("ODFPERF_FUZZ_SEED", "1"))
#: A case takes milliseconds; the machine may be busy.
HANG_S = 30

HOSTILE: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63), 10**400, 0.5, 1e308, -0.0, "", " ", "\x00", "\n",
    "a\nb", "\x1b[31mred", "\u202e", "é" * 40, "x" * 300, "../../etc/passwd", "/dev/zero", "/", ".", "..",
    "-rf", "$(id)", "`id`", "${HOME}", "'", '"', "'; reboot; '", "<script>alert(1)</script>", "=cmd()",
    "a:b:c:d:e:f", "*", "[", "%s", "{}", "NaN", "1e999", "0x10", "1_000", "10Gi", "4k", "1h", "\uff11",
    "null", "~", [], {}, [[]], {"": None}, [None], ["a", "a"],
]  # fmt: skip
BYTES = [
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\t",
    b"\r",
    b"\n",
    b":",
    b"- ",
    b"[",
    b"{",
    b"*a",
    b"&a ",
    b"!!x ",
]


class HungError(Exception):
    pass


@contextmanager
def limit() -> Iterator[None]:
    def hung(number: int, frame: types.FrameType | None) -> None:
        raise HungError

    old = signal.signal(signal.SIGALRM, hung)
    signal.setitimer(signal.ITIMER_REAL, HANG_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def flip(raw: bytes, chance: random.Random) -> bytes:
    """A few bytes changed, cut, doubled or moved."""
    data = bytearray(raw)
    for _ in range(chance.choice((1, 1, 2, 5))):
        place = chance.randrange(len(data) + 1)
        other = chance.randrange(len(data) + 1)
        match chance.randrange(6):
            case 0:
                data[place:place] = chance.choice(BYTES)
            case 1:
                del data[place : place + chance.choice((1, 2, 40))]
            case 2:
                data[place : place + 1] = bytes([chance.randrange(256)])
            case 3:
                del data[place:]
            case 4:
                data[place:place] = data[other : other + chance.choice((3, 30, 300))]
            case _:
                data[place : place + 5] = data[other : other + 5]
    return bytes(data)


def containers(tree: Any) -> list[Any]:
    """Every dict and list of a tree that is not empty."""
    found, todo = [], [tree]
    while todo:
        one = todo.pop()
        if isinstance(one, dict | list) and one:
            found.append(one)
            todo += one.values() if isinstance(one, dict) else one
    return found


def warp(tree: Any, chance: random.Random) -> Any:
    """A few values replaced, removed, renamed or nested; long lists are no more likely than short ones."""
    tree = json.loads(json.dumps(tree))
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        known = containers(tree)
        if not known:
            break
        inside = chance.choice(known)
        place = chance.choice(list(inside) if isinstance(inside, dict) else range(len(inside)))
        match chance.randrange(8):
            case 0:
                del inside[place]
            case 1 if isinstance(inside, dict):
                inside[str(chance.choice(HOSTILE))] = inside.pop(place)
            case 2:
                inside[place] = [inside[place]]
            case 3:
                inside[place] = {"name": inside[place]}
            case 4:
                inside[place] = json.loads(json.dumps(chance.choice(known)))
            case 5 if isinstance(inside, list):
                inside.append(inside[place])
            case _:
                inside[place] = chance.choice(HOSTILE)
    return tree


def lawful(folder: Path, name: str, case: Callable[[random.Random], None], *also: type[Exception]) -> None:
    """Run ``case`` for every seed of the campaign."""
    for number in range(CASES):
        chance = random.Random(f"{SEED}/{name}/{number}")
        try:
            with limit():
                case(chance)
        except (OdfError, *also) as error:
            message = str(error)
            assert "\n" not in message, f"case {number}: {message!r}"
            assert message.isprintable() or also, f"case {number}: {message!r}"
        except Exception as error:
            raise AssertionError(f"case {number} of seed {SEED} ({folder}): {error!r:.300}") from error


def in_matrix_file(folder: Path, raw: bytes) -> None:
    (folder / "m.yaml").write_bytes(raw)
    matrix = load_matrix(str(folder / "m.yaml"))
    keys = expand(matrix)
    check_fit(matrix, render_jobs(matrix, keys), keys)


MATRICES = sorted(shipped_dir().glob("*.yaml"))


def test_matrix_files_with_other_bytes(tmp_path: Path) -> None:
    texts = [path.read_bytes() for path in MATRICES]
    lawful(tmp_path, "matrix", lambda chance: in_matrix_file(tmp_path, flip(chance.choice(texts), chance)))


def test_matrix_files_with_other_values(tmp_path: Path) -> None:
    trees = [yaml.safe_load(path.read_bytes()) for path in MATRICES]

    def case(chance: random.Random) -> None:
        in_matrix_file(tmp_path, json.dumps(warp(chance.choice(trees), chance)).encode())

    lawful(tmp_path, "tree", case)


def test_profiles(tmp_path: Path) -> None:
    templates = [path.read_bytes() for path in sorted((shipped_dir() / "profiles").glob("*.fio"))]
    (tmp_path / "profiles").mkdir()
    matrix = b"extends: quick\nprofiles: [{name: mine}]\nblock_sizes: [4k]\n"

    def case(chance: random.Random) -> None:
        raw = flip(chance.choice(templates), chance)
        (tmp_path / "profiles" / "mine.fio").write_bytes(raw)
        in_matrix_file(tmp_path, matrix)

    lawful(tmp_path, "profile", case)


def test_keys_filters_and_quantities(tmp_path: Path) -> None:
    keys = expand(load_matrix("quick"))
    words = [str(word) for word in HOSTILE] + [str(keys[0]), "rep3", "*", "1.5Gi", "500m", "1e3"]

    def case(chance: random.Random) -> None:
        text = ":".join(chance.choice(words) for _ in range(chance.choice((1, 6, 6, 7))))
        text = flip(text.encode(errors="replace"), chance).decode(errors="surrogateescape")
        for read in (
            Key.parse,
            parse_quantity,
            to_bytes,
            to_millicores,
            lambda given: select(keys, [given]),
            lambda given: select(keys, (), [given], [given]),
        ):
            message = ""
            try:
                read(text)
            except InputError as error:
                message = str(error)
            assert message.isprintable()

    lawful(tmp_path, "key", case)


@pytest.fixture(scope="module")
def samples() -> list[tuple[str, str]]:
    folder = Path(__file__).parents[1] / "unit" / "data" / "fio"
    return [
        (path.read_text(), path.with_suffix(".json").read_text()) for path in sorted(folder.glob("*.fio"))
    ]


def test_fio_answers(tmp_path: Path, samples: list[tuple[str, str]]) -> None:
    settings = FioSettings(runtime_s=1, ramp_s=1)

    def case(chance: random.Random) -> None:
        job, answer = chance.choice(samples)
        if chance.random() < 0.5:
            answer = json.dumps(warp(json.loads(answer), chance))
        else:
            answer = flip(answer.encode(), chance).decode(errors="replace")
        asked = read_job(job)
        result = parse(answer, asked, settings)
        measured = combine({"a": result, "b": result})
        json.dumps([measured.read and measured.read.bw_bytes_per_s], allow_nan=False)
        guest = GuestEvidence(
            name="a", result=result, started_at_epoch_ns=0, ended_at_epoch_ns=10**9, ran_s=1.0
        )
        key = Key.parse("a:b:1Gi:1:c:4k")
        doubts = judge(Evidence(key=key, job=asked, settings=settings, guests=(guest,)))
        json.dumps([dict(doubt.figures) for doubt in doubts], allow_nan=False)

    lawful(tmp_path, "fio", case, FioError)


#: The page has its own campaign of hostile texts.
TABLES = [output for output in OUTPUTS if output.name != REPORT_HTML]


class Asked:
    """A request to resume, see `pytest_odfperf.run.before.selection.Request`."""

    parallel = isolation = matrix = run_id = cluster = repeat = rounds = seed = csv = prometheus = None
    ramp = makes_pools = False
    pools = filters = excludes = extra_storage_classes = allow_not_ready = fio = ()

    def __init__(self, results: Path) -> None:
        self.results = str(results)
        self.resume = "last"


def test_run_folders(tmp_path: Path) -> None:
    results = tmp_path / "results"
    run = make_run(results)
    content = json.loads((run / "run.json").read_bytes())
    record = json.loads((run / "results.jsonl").read_bytes().splitlines()[0])
    definitions = {record["key"]: record["definition"]}
    checkpoint = tmp_path / "cache"
    checkpoint.mkdir()
    context = RunContext(run_id="r", cluster="c", matrix="m", when="w")
    mark = {"schema": 1, "test": record["test"], "definition": record["definition"]}

    def case(chance: random.Random) -> None:
        def changed(tree: Any) -> bytes:
            if chance.random() < 0.3:
                return json.dumps(tree).encode()
            if chance.random() < 0.6:
                return json.dumps(warp(tree, chance)).encode()
            return flip(json.dumps(tree).encode(), chance)

        (run / "run.json").write_bytes(changed(content))
        (run / "results.jsonl").write_bytes(b"\n".join(changed(record) for _ in range(3)))
        (checkpoint / "done-run-1-gw0.jsonl").write_bytes(changed(mark) + b"\n" + changed(mark))
        run_dir = RunDir.open(results, "last")
        earlier = read_earlier(run_dir, checkpoint)
        assert all(line.isprintable() for line in earlier.lines), earlier.lines
        records = list(by_test(earlier.records, definitions).values())
        earlier.done(definitions)
        summary_block(records, context)
        for one in records:
            row_cells(one.key, one)
            one.properties()
        made_of = read_run_content(run_dir)
        for output in TABLES:
            output.make(made_of)
        selection = read_selection(Asked(results))  # type: ignore[arg-type]
        assert all(Key.parse(str(key)) == key for key in selection.keys)

    lawful(tmp_path, "run", case)


def make_run(results: Path) -> Path:
    """The folder of a run, with one record, as the plugin writes it."""
    from pytest_odfperf.matrix.serial import to_json

    run = results / "run-1"
    run.mkdir(parents=True)
    (results / "latest").symlink_to("run-1")
    matrix = load_matrix("quick")
    options = {"parallel": 2, "filters": [], "excludes": [], "pools": [], "cluster": "sandbox"}
    content = {"schema": 1, "run_id": "run-1", "options": options, "matrix": to_json(matrix), "versions": {}}
    (run / "run.json").write_text(json.dumps(content))
    part = DirectionMeasurement(
        iops_per_s=1.5, bw_bytes_per_s=6144.0, total_ios=90, lat_mean_ns=2.5, lat_stddev_ns=0.5, lat_p50_ns=2,
        lat_p95_ns=3, lat_p99_ns=4, lat_max_ns=5, worst_guest_lat_p99_ns=4, lat_p99_trusted=False,
        lat_saturated=False,
    )  # fmt: skip
    job = JobMeasurement(name="a", read=part, write=None)
    guest = GuestRecord(name="vm", node="n", started_at_epoch_ns=1, ended_at_epoch_ns=2, jobs=(job,))
    key = expand(matrix)[0]
    record = Record(
        key=key, run_id="run-1", test=f"odfperf::test_storage[{key}]", status="passed", definition="ab",
        worker="gw0", started_at_epoch_ms=1, ended_at_epoch_ms=2, duration_s=1.0, read=part, jobs=(job,),
        guests=(guest,), start_skew_ms=0.0,
    ).to_json()  # fmt: skip
    assert read_records([json.dumps(record)])[1] == []
    (run / "results.jsonl").write_text(json.dumps(record) + "\n")
    return run

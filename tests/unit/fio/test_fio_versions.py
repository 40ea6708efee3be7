"""What each fio answers, by version and shape: read to the figures in it, or refused with the reason.

They are of real programs (``tools/record-fio-shapes``): two workers, 50 I/Os a second and direction each.
"""

from __future__ import annotations

import copy
import json
import lzma
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.errors import FioError
from pytest_odfperf.fio.answers.answer import Answer, read
from pytest_odfperf.fio.answers.fio_result import FioResult
from pytest_odfperf.fio.answers.output import documents
from pytest_odfperf.fio.job import Job, read_job
from pytest_odfperf.matrix.model import FioSettings
from pytest_odfperf.measure.verdicts.doubt import Doubt, verdict_of

Judge = Callable[..., list[Doubt]]
RECORDED = Path(__file__).parents[1] / "data" / "fio-shapes.json.xz"
WORKERS, RATE = 2, 50.0
DIRECTIONS = ("read", "write", "read write", "write sync")

#: Shape: the directions of its sections, or the reason that it is refused with, and its words.
SHAPES: Mapping[str, tuple[str, ...]] = {
    "group": ("read",),
    "mix": ("read write",),
    "sections": ("read", "write", "read write"),
    "side_by_side": ("read", "write"),
    "threads": ("read",),
    "sync_engine": ("read",),
    "io_uring": ("read",),
    "ramp": ("read",),
    "fsync": ("write sync",),
    "fdatasync": ("write sync",),
    "bssplit": ("read",),
    "no_disk": ("read",),
    "status_interval": ("read",),
    "percentile_list": ("read",),
    "merged": ("truncated", "the answer has the jobs a, not a, b"),
    "workers": ("config", "one answer for each worker (a, a): without group_reporting"),
    "mixed_reporting": ("config", "unified_rw_reporting"),
    "both_reportings": ("other_options", "unified_rw_reporting=both"),
    "no_latency_percentiles": ("histogram_differs", "no latency histogram"),
    "no_latencies": ("histogram_differs", "no latency histogram"),
    "json": ("histogram_differs", "no latency histogram"),
    "json_and_text": ("config", "fio's text for people or for scripts"),
    "text": ("config", "fio's text for people or for scripts"),
    "terse": ("config", "fio's text for people or for scripts"),
    "note": ("fio_message", "synchronous"),
    "ended_early": ("interrupted", "terminating on signal 15"),
    "steady_state": ("other_options", "steadystate=iops:50%"),
    "client": ("config", "fio ran on other machines (client_stats)"),
}


@dataclass(frozen=True, slots=True)
class Recorded:
    job: Job
    settings: FioSettings
    answer: Answer


@cache
def recordings() -> Mapping[str, Mapping[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(lzma.decompress(RECORDED.read_bytes()))
    return found


VERSIONS = tuple(recordings())
READ = [(version, shape) for version in VERSIONS for shape, what in SHAPES.items() if what[0] in DIRECTIONS]


def recorded(version: str, shape: str) -> Recorded:
    said = recordings()[version][shape]
    runtime = re.search(r"^runtime=(\d+)$", said["job"], re.MULTILINE)
    assert runtime
    return Recorded(
        job=read_job(asked(said["job"])),
        settings=FioSettings(
            runtime_s=int(runtime[1]), ramp_s=0, iodepth=2, numjobs=WORKERS, file_size_bytes=1 << 20
        ),
        answer=Answer(
            exit_code=said["exit_code"],
            timed_out=False,
            output=said["output"],
            log=said["log"],
            logs=said["logs"],
        ),
    )


def asked(ran: str) -> str:
    """The job that a profile could have asked for, where another one ran."""
    text = re.sub(r"^(unified_rw_reporting|gtod_reduce|steadystate\w*)=.*\n", "", ran, flags=re.MULTILINE)
    text = text.replace("lat_percentiles=0", "lat_percentiles=1").replace("[b]\nrw", "[b]\nnew_group\nrw")
    return text if "group_reporting" in text else text.replace("[a]", "group_reporting\n[a]")


def figures(result: FioResult) -> list[dict[str, tuple[float, ...]]]:
    return [
        {
            name: (part.iops_per_s, part.total_ios, part.lat_mean_ns, part.histogram.percentile_ns(99))
            for name in ("read", "write", "sync")
            if (part := getattr(job, name)) is not None
        }
        for job in result.jobs
    ]


def test_all_versions_and_shapes_are_here() -> None:
    assert len(VERSIONS) >= 6
    assert all(set(shapes) == set(SHAPES) for shapes in recordings().values())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("version", VERSIONS)
def test_an_answer_is_read_to_its_figures_or_refused_with_the_reason(
    version: str, shape: str, judge_result: Judge
) -> None:
    here, what = recorded(version, shape), SHAPES[shape]
    if what[0] not in DIRECTIONS:
        try:
            result = read(here.answer, here.job, here.settings)
        except FioError as error:
            refused = [(error.reason, error.problem)]
        else:
            doubts = judge_result(result, here.job, here.settings)
            refused = [(doubt.code, doubt.text) for doubt in doubts if doubt.level == "invalid"]
        # What a version does not know yet it refuses itself; those before 3.33 say less.
        assert any(
            (reason == what[0] and what[1] in text)
            or (reason == "config" and "failed parsing" in text)
            or (shape, reason) == ("note", "depth_not_reached")
            for reason, text in refused
        ), refused
        assert not any("\n" in text for _, text in refused)
        return
    result = read(here.answer, here.job, here.settings)
    assert (result.fio_version, result.notes) == (version, ())
    # Of a second with 100 I/Os nobody knows how steady it was, and 50 in a second may be slow ones.
    doubts = judge_result(result, here.job, here.settings)
    assert {doubt.code for doubt in doubts if doubt.level == "invalid"} == set()
    assert {doubt.code for doubt in doubts} <= {"noisy", "saturated"}
    said = documents(here.answer.output)[1]["jobs"]
    for directions, found, entry in zip(what, figures(result), said, strict=True):
        assert " ".join(found) == directions
        for name, (iops, total, mean_ns, p99_ns) in found.items():
            lat = entry[name]["lat_ns"]
            assert (total, mean_ns, p99_ns) == (lat["N"], lat["mean"], percentile(lat))
            if shape != "bssplit":
                assert iops == pytest.approx(WORKERS * RATE, rel=0.05)


def percentile(lat: Mapping[str, Any]) -> float:
    """fio's own p99, or with a list that lacks it, by its rank."""
    if "99.000000" in lat["percentile"]:
        return float(lat["percentile"]["99.000000"])
    values = sorted(int(value) for value, count in lat["bins"].items() for _ in range(int(count)))
    return values[-(-99 * len(values) // 100) - 1]


#: What a value becomes: nothing, its neighbours, multiples of it, and values of other types.
CHANGES: tuple[Any, ...] = (
    None, True, "", "x", "1", [], {}, 0, -1, 1, 0.5, 1e308, 10**400, 2**63, float("inf"),
    "times 10", "times 1.2", "times 0.1", "plus 1000",
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for name, part in items for found in ((*path, name), *places(part, (*path, name)))]


@dataclass(frozen=True)
class Whole:
    document: dict[str, Any]
    places: list[tuple[Any, ...]]
    figures: list[dict[str, tuple[float, ...]]]
    here: Recorded


@cache
def whole(version: str, shape: str) -> Whole:
    here = recorded(version, shape)
    document = documents(here.answer.output)[1]
    return Whole(document, places(document), figures(read(here.answer, here.job, here.settings)), here)


def changed(value: Any, change: Any) -> Any:
    if not isinstance(change, str) or " " not in change:
        return change
    how, _, number = change.partition(" ")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{value}0"
    return type(value)(value * float(number) if how == "times" else value + float(number))


@given(data=st.data())
def test_a_changed_answer_keeps_its_figures_or_is_refused(data: st.DataObject, judge_result: Judge) -> None:
    """Whatever field is changed to whatever, alone."""
    taken = whole(*data.draw(st.sampled_from(READ)))
    path = data.draw(st.sampled_from(taken.places))
    document = copy.deepcopy(taken.document)
    here: Any = document
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = changed(here[path[-1]], data.draw(st.sampled_from(CHANGES)))
    text = json.dumps(document)
    try:
        result = read(replace(taken.here.answer, output=text, log=""), taken.here.job, taken.here.settings)
    except FioError as error:
        said = error.problem
    else:
        doubts = judge_result(result, taken.here.job, taken.here.settings)
        said = " ".join(doubt.text for doubt in doubts)
        if verdict_of(doubts) != "invalid":
            for before, after in zip(taken.figures, figures(result), strict=True):
                assert before == {name: pytest.approx(figure, rel=0.03) for name, figure in after.items()}
    assert "\n" not in said

"""Specifications of pictures: they compile, hold no data and no foreign text, and are of bounded size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any
from xml.etree import ElementTree

import pytest
from report_runs.hostile import TEXTS

from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.content.run_content import RunContent, RunTest
from pytest_odfperf.report.pictures.all_pictures import pictures_of
from pytest_odfperf.report.pictures.picture import Slice
from pytest_odfperf.report.pictures.theme import THEMES
from pytest_odfperf.run.reports.picture_files import picture_svg


def different(content: RunContent) -> Iterator[tuple[str, Slice]]:
    """The slices with different specifications."""
    seen = set()
    for picture in pictures_of(content):
        for one in picture.slices:
            text = json.dumps(one.spec)
            if text not in seen:
                seen.add(text)
                yield picture.name, one


_EVALUATED = {"expr", "test", "filter", "calculate", "signal", "labelExpr"}


def expressions(plain: Any) -> Iterator[str]:
    """All texts that Vega evaluates."""
    if isinstance(plain, dict):
        for name, value in plain.items():
            if name in ("expr", "test", "filter", "calculate", "signal", "labelExpr") and isinstance(
                value, str
            ):
                yield value
            yield from expressions(value)
    elif isinstance(plain, list | tuple):
        for value in plain:
            yield from expressions(value)


@pytest.mark.parametrize("name", ["everything", "loads"])
def test_no_specification_has_data_or_evaluates_a_foreign_text(
    name: str, request: pytest.FixtureRequest
) -> None:
    content: RunContent = request.getfixturevalue(name)
    foreign = [text for text in TEXTS if len(text) > 3]
    foreign += [*content.pools, *(test.key.profile for test in content.tests), content.runs[0].run_id]
    for picture, one in different(content):
        assert "data" not in one.spec
        assert "usermeta" not in one.spec
        assert one.spec["width"] == "container"
        assert isinstance(one.spec["height"], int)
        assert one.spec["description"]
        for text in expressions(one.spec):
            assert not [word for word in foreign if word in text], picture
        written = json.dumps(one.spec)
        assert not [text for text in foreign[: len(TEXTS) - 6] if json.dumps(text)[1:-1] in written], picture


@pytest.mark.parametrize("name", ["everything", "loads"])
def test_each_picture_can_be_drawn(name: str, request: pytest.FixtureRequest) -> None:
    content: RunContent = request.getfixturevalue(name)
    drawn = set()
    for picture, one in different(content):
        if picture in drawn:
            continue
        drawn.add(picture)
        for theme in THEMES:
            svg = picture_svg(one, theme)
            assert ElementTree.fromstring(svg).tag.endswith("svg")
            assert 'aria-roledescription="axis"' in svg
            # A mark for what is shown, and no text that became an element.
            assert svg.count("mark") > 5
            assert 'odf-marker"' not in svg
            assert "<script" not in svg
            # What is not there is an empty text.
            assert ">null<" not in svg
            assert ">NaN<" not in svg
    assert {"pools", "heat-map", "percentiles", "throughput-latency", "guests", "course"} <= drawn


def test_all_pictures_together_are_small_and_tell_what_they_leave_out(loads: RunContent) -> None:
    sizes = []
    for copies in (70, 120):
        content = many(loads, copies)
        pictures = pictures_of(content)
        size = 0
        for picture in pictures:
            parts = {id(one.rows): one for one in picture.slices}.values()
            size += sum(len(json.dumps(one.rows, separators=(",", ":"))) for one in parts)
            assert sum(len(one.rows) for one in parts) <= 16_000
        sizes.append(size)
        told = {picture.name: picture.sentence for picture in pictures}
        assert "left out" in told["heat-map"]
        assert ("left out" in told["pools"]) == (copies == 120)
    assert len(many(loads, 70).tests) > 4800
    assert max(sizes) < 1_700_000


@pytest.mark.parametrize("seed", range(12))
def test_figures_that_somebody_changed_break_no_picture(everything: RunContent, seed: int) -> None:
    """Any finite number may stand in a record; what can not be drawn is not."""
    chance = Random(seed)

    def number() -> float:
        return chance.choice([0, -1, 1, 7.5, 1e-300, 1e300, -1e300, 2**62])

    def changed(plain: Any, share: float) -> Any:
        if isinstance(plain, dict):
            return {name: changed(value, share) for name, value in plain.items()}
        if isinstance(plain, list):
            return [changed(value, share) for value in plain]
        if isinstance(plain, bool) or not isinstance(plain, int | float) or chance.random() > share:
            return plain
        return int(max(-(2.0**62), min(2.0**62, number()))) if isinstance(plain, int) else number()

    tests = []
    for test in everything.tests:
        if test.record is not None:
            plain = changed(test.record.to_json(), chance.choice([0.02, 0.3, 1.0])) | {"schema": 1}
            tests.append(replace(test, record=Record.from_json(plain)))
    run = everything.runs[0]
    times = [{"at": number(), "pool": "rep3", "load": "booting", "name": "x"} for _ in range(3)]
    outages = [
        {"began_at": text, "seconds": 1} for text in ("9999-12-31T23:59:59", "0001-01-01T00:00:00", "")
    ]
    content = RunContent(
        runs=(replace(run, loads=tuple(times), health=tuple(times), outages=tuple(outages)),),
        matrix=everything.matrix,
        tests=tuple(tests),
    )
    for picture in pictures_of(content):
        for one in picture.slices:
            json.dumps([one.spec, one.rows], allow_nan=False)


def test_a_dozen_of_pools_without_a_figure_is_shown_beside_others(loads: RunContent) -> None:
    """A run that ended early: pools that were not begun are in views of their own."""
    tests = [
        replace(test, key=replace(test.key, pool=f"{test.key.pool}-{number}"), record=None)
        for number in range(6)
        for test in loads.tests
    ]
    content = RunContent(runs=loads.runs, matrix=loads.matrix, tests=(*loads.tests, *tests))
    (found,) = [picture for picture in pictures_of(content) if picture.name == "heat-map"]
    (last,) = [one for one in found.slices if one.label == "small, 150Gi, 1 VM: read IOPS, pools 13 to 21"]
    names = [column.field for column in last.columns]
    assert {row[names.index("value")] for row in last.rows} == {None}
    assert {row[names.index("state")] for row in last.rows} == {"not run"}
    assert "not run" in picture_svg(last)


def many(content: RunContent, copies: int) -> RunContent:
    """The same tests with so many PVC sizes."""

    def copied(test: RunTest, number: int) -> RunTest:
        key = replace(test.key, pvc=f"{number}Gi")
        record = None if test.record is None else replace(test.record, key=key)
        return replace(test, key=key, record=record)

    tests = [copied(test, number) for number in range(1, copies + 1) for test in content.tests]
    return RunContent(runs=content.runs, matrix=content.matrix, tests=tuple(tests))

"""Specifications of pictures: they compile, hold no data and no foreign text, and are of bounded size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from report_runs.hostile import TEXTS

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
            assert svg.startswith("<svg")
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


def many(content: RunContent, copies: int) -> RunContent:
    """The same tests with so many PVC sizes."""

    def copied(test: RunTest, number: int) -> RunTest:
        key = replace(test.key, pvc=f"{number}Gi")
        record = None if test.record is None else replace(test.record, key=key)
        return replace(test, key=key, record=record)

    tests = [copied(test, number) for number in range(1, copies + 1) for test in content.tests]
    return RunContent(runs=content.runs, matrix=content.matrix, tests=tuple(tests))

"""Outages: one at a time however many wait, written down, and read again."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from pytest_odfperf.cluster.client import outages as module
from pytest_odfperf.cluster.client.outages import Outage, Outages
from pytest_odfperf.run.outage_journal import OUTAGES, OutageJournal, outage_lines, read_outages


def collected(outages: Outages) -> list[Outage]:
    found: list[Outage] = []
    outages.listeners.append(found.append)
    return found


def test_calls_that_wait_together_see_one_outage() -> None:
    outages = Outages()
    found = collected(outages)
    first, second = outages.met(), outages.met()
    began_s = time.monotonic() - 10
    first.failed("connection refused", began_s)
    second.failed("connection refused", began_s + 5)
    second.failed("503 ServiceUnavailable", began_s + 6)
    first.ended(back=True)
    assert found == []
    second.ended(back=True)
    (outage,) = found
    assert outage.failures == 3
    assert outage.why == "connection refused"
    assert 10 <= outage.seconds < 60
    assert str(outage).endswith("(connection refused), back")
    first.ended(back=True)
    assert len(found) == 1


def test_the_next_outage_begins_anew() -> None:
    outages = Outages()
    found = collected(outages)
    for why in ("connection refused", "429 TooManyRequests"):
        trouble = outages.met()
        trouble.failed(why, time.monotonic() - 10)
        trouble.ended(back=False)
    assert [(outage.why, outage.failures) for outage in found] == [
        ("connection refused", 1),
        ("429 TooManyRequests", 1),
    ]
    assert str(found[1]).startswith("API server in trouble for 10 s (429 TooManyRequests), given up")


def test_everyday_life_is_not_told() -> None:
    outages = Outages()
    found = collected(outages)
    trouble = outages.met()
    trouble.ended(back=True)
    trouble.failed("429 TooManyRequests", time.monotonic())
    trouble.ended(back=True)
    assert found == []


def test_a_long_one_is_told_once_while_it_lasts(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Outages().met()
    for _ in range(3):
        trouble.failed("no answer", time.monotonic() - module._SAID_AFTER_S - 1)
    assert caplog.messages == ["API server away for 6 s (no answer), waiting"]


def outage(seconds: float, *, back: bool | None = True) -> Outage:
    return Outage(began_at_epoch_s=0.0, seconds=seconds, why="no answer", failures=2, back=back)


def test_outages_are_written_down_and_read_again(tmp_path: Path) -> None:
    OutageJournal(tmp_path, "gw0").add(outage(14.23))
    OutageJournal(tmp_path, "controller").add(outage(3, back=None))
    with (tmp_path / OUTAGES).open("a") as file:
        file.write('{"alien": 1}\n{"torn')
    assert read_outages(tmp_path) == [
        {
            "process": "gw0",
            "began_at": "1970-01-01T00:00:00.000+00:00",
            "seconds": 14.2,
            "why": "no answer",
            "failures": 2,
            "back": True,
            "text": "API server away for 14 s (no answer), back",
        },
        {
            "process": "controller",
            "began_at": "1970-01-01T00:00:00.000+00:00",
            "seconds": 3,
            "why": "no answer",
            "failures": 2,
            "back": None,
            "text": "API server away for 3 s (no answer), no longer awaited",
        },
    ]


def test_a_disk_that_takes_no_more_is_no_error_of_the_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    OutageJournal(tmp_path / "absent", "gw0").add(outage(3))
    assert "can not be written" in caplog.text


def test_the_terminal_shows_the_longest(tmp_path: Path) -> None:
    journal = OutageJournal(tmp_path, "gw1")
    for seconds in (3, 40, 5, 20, 4):
        journal.add(outage(seconds))
    assert outage_lines(read_outages(tmp_path)) == [
        "API server away for 40 s (no answer), back (seen by gw1)",
        "API server away for 20 s (no answer), back (seen by gw1)",
        "API server away for 5 s (no answer), back (seen by gw1)",
        f"and 2 shorter ones, see {OUTAGES}",
    ]
    assert outage_lines([]) == []
    assert outage_lines([json.loads('{"text": "x", "seconds": "many"}')]) == ["x (seen by None)"]

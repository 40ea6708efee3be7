"""What messages say, and that nothing in them acts."""

from __future__ import annotations

import pytest

from pytest_odfperf.errors import InputError
from pytest_odfperf.plugin.output.notifying import ci_page
from pytest_odfperf.redaction import Hidden
from pytest_odfperf.report.content.result_state import STATES, ResultState
from pytest_odfperf.report.notification_text import Message, NotifiedRun, end_message, failure_message
from pytest_odfperf.run.notify import receivers
from pytest_odfperf.run.notify.receivers import Receivers, read_receivers

RUN = NotifiedRun(run_id="r1", marking=None, matrix="m", cluster="https://c:6443", folder="/srv/results/r1")


def end(*, exit_code: int = 0, cause: str | None = None, gate: str | None = None, **counts: int) -> Message:
    found: dict[ResultState, int] = {state: counts.get(state, 0) for state in STATES}
    return end_message(RUN, counts=found, exit_code=exit_code, cause=cause, gate=gate)


@pytest.mark.parametrize(
    ("message", "kind", "word", "line"),
    [
        (end(passed=4), "success", "passed", "4 passed"),
        (end(passed=3, suspect=1), "warning", "passed, with doubts", "3 passed, 1 suspect"),
        (end(passed=3, limit_broken=1, exit_code=1), "failure", "failed", "3 passed, 1 limit broken"),
        (end(passed=3, not_run=1, cause="SIGTERM"), "warning", "was ended early", "3 passed, 1 not run"),
        (end(passed=3, gate="FAILED", exit_code=1), "failure", "failed", "3 passed"),
        (end(), "success", "passed", "nothing was measured"),
    ],
)  # fmt: skip
def test_the_end_says_the_verdict_in_its_title(message: Message, kind: str, word: str, line: str) -> None:
    assert (message.kind, message.title) == (kind, f"storage run r1 {word}")
    assert message.body.splitlines()[0] == line
    assert message.body.splitlines()[-1] == "Report: /srv/results/r1/report.html"


def test_the_gate_is_in_it() -> None:
    assert "Gate: FAILED" in end(gate="FAILED").body.splitlines()


def test_what_comes_from_elsewhere_is_one_line_without_secrets_that_calls_nobody() -> None:
    reason = "a\nb \x1b[31m @everyone <!here> password: hunter2 Bearer abcdef0123456789 " + "x" * 5000
    body = failure_message(RUN, test="t[@all]", reason=reason).body
    lines = body.splitlines()
    assert len(lines) == 4
    assert all(line.isprintable() or "\u2060" in line for line in lines)
    assert "hunter2" not in body
    assert "abcdef0123456789" not in body
    assert "@e" not in body
    assert "@a" not in body
    assert len(body) < 1000


def test_receivers_are_named_by_number_and_schema_and_hide_themselves() -> None:
    found = Receivers(
        urls=(Hidden("Slack://tok-1"), Hidden("tok-2"), Hidden("x" * 30 + "://a")), place="odf_notify"
    )
    assert found.name(0) == "odf_notify, URL 1 (slack://...)"
    assert found.name(1) == "odf_notify, URL 2"
    assert found.name(2) == "odf_notify, URL 3"
    assert "tok" not in repr(found)


def test_no_receivers_need_no_apprise_and_some_say_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receivers, "find_spec", lambda _: None)
    assert read_receivers(["", "  ", "# json://a"], "odf_notify") is None
    with pytest.raises(InputError) as raised:
        read_receivers(["json://tok-1"], "odf_notify")
    assert str(raised.value) == "odf_notify: needs apprise: pip install 'pytest-odfperf[notify]'"


def test_the_job_of_a_ci_system_is_linked() -> None:
    github = {"GITHUB_SERVER_URL": "https://g", "GITHUB_REPOSITORY": "o/r", "GITHUB_RUN_ID": "7"}
    assert ci_page({"CI_JOB_URL": "https://gitlab/j/1"}) == "https://gitlab/j/1"
    assert ci_page({"BUILD_URL": "javascript:1"} | github) == "https://g/o/r/actions/runs/7"
    assert ci_page({}) is None

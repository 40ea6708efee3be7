"""A real service on loopback is told of runs; one that is away or hangs does nothing to them."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SECRET = "s3cr3t-w0rd-of-a-service"


class Service(ThreadingHTTPServer):
    """Takes what apprise's ``json://`` posts; paths that begin with ``/hang`` are never answered."""

    daemon_threads = True

    def __init__(self) -> None:
        self.got: list[dict] = []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path: str = SECRET) -> str:
        return f"json://127.0.0.1:{self.server_port}/{path}"

    @property
    def titles(self) -> list[str]:
        return [one["title"].rpartition("storage run ")[2] for one in self.got]


class Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.startswith("/hang"):
            time.sleep(300)
        self.server.got.append({"path": self.path, **json.loads(content)})
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as found:
        yield found
        found.shutdown()


def nothing_told(outcome, *secrets: str) -> bool:
    """Whether no file of the run and no line of the terminal has a secret in it."""
    files = [path for path in outcome.folder.rglob("*") if path.is_file()]
    texts = [outcome.out, *(path.read_text(errors="replace") for path in files)]
    return not any(secret in text for secret in secrets for text in texts)


def test_start_first_failure_and_end_are_told_and_no_secret_shows_anywhere(run_pytest, service):
    outcome = run_pytest(
        "--odf-parallel=2", "--odf-matrix=sim.yaml", "--odf-run-id=told", "--odf-pool=fast",
        "--odf-pool=slow", "-l", "test_mine.py", "--debug=debug.txt",
        env={"ODFPERF_NOTIFY": f"# who is told\n\n{service.url()}\n"},
        test_mine__py=(
            "import os\n"
            "def test_it(odf_key, odf_result):\n"
            "    seen = os.environ.get('ODFPERF_NOTIFY')\n"
            "    assert odf_key.block_size != '64k', '<b>@channel</b>'\n"
        ),
    )  # fmt: skip
    assert outcome.code == 1, outcome.out
    assert service.titles == ["told started", "told has a failure", "told failed"]
    start, failure, end = (one["message"] for one in service.got)
    assert start.startswith("4 measurements on 2 pools: fast, slow\nMatrix sim, cluster https://127.0.0.1:")
    # The first one only, as text: nobody is called, nothing is bold.
    assert "64k]\nfailed: " in failure
    assert "<b>@\u2060channel</b>" in failure
    folder = outcome.folder / "results" / "told"
    assert end == f"2 passed, 2 failed\nExit code 1\nReport: {folder}/report.html"
    assert [one["type"] for one in service.got] == ["info", "failure", "failure"]
    assert all(one["title"].startswith("SIMULATED: ") for one in service.got)
    assert nothing_told(outcome, SECRET)
    assert "could not be told" not in outcome.out


def test_services_that_are_away_or_hang_cost_a_line_each_and_not_the_run(run_pytest, service):
    # Nobody listens on port 9; the second one takes what is sent, and never answers.
    urls = ["json://u:pass-1@127.0.0.1:9/away", service.url("hang-pass-2"), service.url("alive")]
    began = time.monotonic()
    outcome = run_pytest(
        "--odf", "--odf-matrix=sim.yaml", "--odf-pool=fast", "--odf-run-id=told",
        pytest__ini="[pytest]\nodf_notify =\n" + "".join(f"    {url}\n" for url in urls),
    )  # fmt: skip
    assert outcome.code == 0, outcome.out
    assert time.monotonic() - began < 60
    assert service.titles == ["told started", "told passed"]
    assert [line for line in outcome.lines if "could not be told" in line] == [
        f"odfperf: warning: odf_notify, URL {number} (json://...): could not be told of the run's start, end"
        for number in (1, 2)
    ]
    (outcome.folder / "pytest.ini").unlink()
    assert nothing_told(outcome, "pass-1", "pass-2")


def test_a_run_that_can_not_start_is_told_too(run_pytest, service):
    outcome = run_pytest("--odf", "--odf-matrix=small.yaml", "--odf-notify", service.url())
    assert outcome.code == 4, outcome.out
    assert [one["title"] for one in service.got] == ["Storage run could not start"]
    assert service.got[0]["message"].startswith("Matrix small\n")
    assert SECRET not in outcome.out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([f"nothing://{SECRET}"], ["--odf-notify (nothing://...): apprise can not use this URL"]),
        (
            [f"slack://{SECRET}", "json://127.0.0.1", SECRET],
            [
                "--odf-notify, URL 1 (slack://...): apprise",
                "--odf-notify, URL 3: apprise can not use this URL",
            ],
        ),
        ([""], ["--odf-notify is empty"]),
    ],
)
def test_a_url_that_can_not_be_used_is_refused_by_its_number_before_anything_is_made(run_pytest, given, said):
    outcome = run_pytest("--odf", "--odf-matrix=sim.yaml", *(f"--odf-notify={url}" for url in given))
    assert outcome.code == 4, outcome.out
    errors = [line for line in outcome.lines if line.startswith(("ERROR: ", "--odf-notify"))]
    assert [
        error.removeprefix("ERROR: ")[: len(text)] for error, text in zip(errors, said, strict=True)
    ] == said
    assert SECRET not in outcome.out
    assert not Path(outcome.folder, "results").exists()


def test_an_interrupted_run_tells_its_end(start_pytest, service, tmp_path):
    process = start_pytest(
        "--odf", "--odf-matrix=sim.yaml", "--odf-run-id=cut", "--odf-notify", service.url(),
    )  # fmt: skip
    while not service.got:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 130, out
    assert service.titles == ["cut started", "cut was ended early"]
    assert "Ended early: SIGINT\nExit code 130" in service.got[1]["message"]

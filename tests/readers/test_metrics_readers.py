"""metrics.prom is read by the programs that it is for: promtool, node_exporter and the Pushgateway."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as read_prometheus
from report_runs.everything import make_everything

from pytest_odfperf.report.metrics.run_metrics import render_metrics
from pytest_odfperf.run.reports.run_reading import read_run_content
from pytest_odfperf.store.run_dir import RunDir

#: Where `tools/install-prometheus-tools` puts them.
TOOLS = Path(__file__).resolve().parents[2] / ".tools" / "usr" / "bin"
DEADLINE_S = 60


def program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=str(TOOLS))
    if found is None:
        pytest.skip(f"{name} is not here: make prometheus-tools")
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with metrics.prom of a run with hostile texts in all places."""
    run = make_everything(tmp_path_factory.mktemp("run"))
    content = read_run_content(RunDir(run.parent, run.name))
    (run / "metrics.prom").write_text(render_metrics(content), encoding="utf-8")
    return run


def values(text: str, drop: tuple[str, ...] = ()) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (one.name, frozenset((k, v) for k, v in one.labels.items() if v and k not in drop)): one.value
        for family in read_prometheus(text)
        for one in family.samples
        if one.name.startswith("odfperf_")
    }


@contextmanager
def serving(command: list[str]) -> Iterator[str]:
    """A server's address on loopback, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = subprocess.Popen([*command, f"--web.listen-address={address}"], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + DEADLINE_S
        while True:
            try:
                get(f"http://{address}/metrics")
                break
            except OSError:
                assert process.poll() is None, "the server has ended"
                assert time.monotonic() < until, "the server does not answer"
                time.sleep(0.05)
        yield address
    finally:
        process.kill()
        process.wait(DEADLINE_S)


def get(url: str, data: bytes | None = None) -> str:
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "text/plain"})
    with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
        return str(answer.read().decode())


def test_promtool_has_nothing_to_say(folder: Path) -> None:
    done = subprocess.run(
        [program("promtool"), "check", "metrics"],
        input=(folder / "metrics.prom").read_bytes(),
        capture_output=True,
        timeout=DEADLINE_S,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_textfile_collector_reads_all_of_it(folder: Path) -> None:
    command = [
        program("prometheus-node-exporter"), "--collector.disable-defaults", "--collector.textfile",
        f"--collector.textfile.directory={folder}",
    ]  # fmt: skip
    with serving(command) as address:
        shown = get(f"http://{address}/metrics")
    assert "node_textfile_scrape_error 0" in shown
    assert values(shown) == values((folder / "metrics.prom").read_text(encoding="utf-8"))


def test_a_pushgateway_takes_all_of_it(folder: Path) -> None:
    with serving([program("prometheus-pushgateway")]) as address:
        get(f"http://{address}/metrics/job/odfperf", (folder / "metrics.prom").read_bytes())
        shown = get(f"http://{address}/metrics")
    assert values(shown, drop=("job", "instance")) == values(
        (folder / "metrics.prom").read_text(encoding="utf-8")
    )

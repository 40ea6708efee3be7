"""Processes that threads start while pytest sets and removes its own variable at each test."""

import ast
import os
import subprocess
import threading
from pathlib import Path

import pytest_odfperf.run
from pytest_odfperf.run.child_environment import child_environment

STARTS = ("subprocess.Popen", "subprocess.run")


def test_a_process_starts_while_variables_come_and_go(monkeypatch):
    """Without ``env`` one in twenty of these fails with EFAULT."""
    monkeypatch.setenv("ODFPERF_STAYS", "yes")
    ended = threading.Event()

    def change() -> None:
        length = 0
        while not ended.is_set():
            os.environ["ODFPERF_TEST_NOW"] = "x" * (length := (length + 1) % 3000)
            os.environ.pop("ODFPERF_TEST_NOW", None)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(150):
            environment = child_environment("PATH")
            subprocess.run(["/bin/true"], env=environment, check=True)
            assert environment["ODFPERF_STAYS"] == "yes"
            assert "PATH" not in environment
    finally:
        ended.set()
        thread.join()


def test_each_process_of_a_run_is_given_its_environment():
    starts = [
        (path.name, "env" in {keyword.arg for keyword in node.keywords})
        for path in Path(*pytest_odfperf.run.__path__).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in STARTS
    ]
    assert len(starts) >= 3
    assert [name for name, given in starts if not given] == []

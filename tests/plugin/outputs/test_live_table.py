"""What a person sees on a terminal while keys run: the screen itself, as a terminal draws it."""

import os
import re
import signal
import threading
import time

import pyte
import pytest

COLUMNS, LINES = 120, 50
SLOW = """
extends: sim.yaml
sandbox: {machine: simulated, speed: 5, boot_s: 0.1, clone_s: 0.1}
"""
TWO_POOLS = ["--odf-matrix", "slow.yaml", "--odf-pool", "fast", "--odf-pool", "third"]


class Terminal:
    """A terminal that pytest runs in."""

    def __init__(self, start_pytest, *arguments):
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self._reading, writing = os.openpty()
        size = {"COLUMNS": str(COLUMNS), "LINES": str(LINES), "TERM": "xterm"}
        self.process = start_pytest(*arguments, env=size, terminal=writing, slow__yaml=SLOW)
        os.close(writing)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while True:
            try:
                data = os.read(self._reading, 65536)
            except OSError:  # EIO: nobody has the other end open any more
                return
            with self._lock:
                self._stream.feed(data)

    @property
    def text(self):
        with self._lock:
            return "\n".join(line.rstrip() for line in self._screen.display).strip()

    def until(self, *patterns):
        """Wait until all patterns are on the screen at one time."""
        deadline = time.monotonic() + 60
        while not all(re.search(pattern, text) for text in [self.text] for pattern in patterns):
            assert time.monotonic() < deadline, self.text
            time.sleep(0.05)

    def end(self):
        """What is on the screen at the end, and the exit code."""
        code = self.process.wait(60)
        self._reader.join(10)
        return self.text, code

    def close(self):
        self.process.kill()
        self.process.wait(10)
        self._reader.join(10)
        os.close(self._reading)


@pytest.fixture
def start_terminal(start_pytest):
    started = []

    def start(*arguments):
        started.append(Terminal(start_pytest, *arguments))
        return started[-1]

    yield start
    for terminal in started:
        terminal.close()


def test_a_table_shows_what_runs_and_is_gone_at_the_end(start_terminal):
    terminal = start_terminal("--odf-parallel", *TWO_POOLS)
    terminal.until("0/4 keys, ETA", "fast    0/2", "third   0/2", "tiny:10Gi:1:random-rw:4k")
    screen, code = terminal.end()
    assert code == 0
    assert "ETA" not in screen
    for pool in ("fast", "third"):
        assert f"odfperf: pool {pool} started, 2 keys" in screen
        assert f"odfperf: pool {pool} ended after " in screen


def test_one_pool_after_the_other_is_told_in_lines_of_their_own(start_terminal):
    terminal = start_terminal("--odf", *TWO_POOLS, "--odf-filter", "*:*:*:*:*:4k")
    terminal.until("0/2 keys, ETA", "tiny:10Gi:1:random-rw:4k", "waiting")
    # It moves while the test itself runs in this process, and pytest captures what is written.
    terminal.until(r"tiny:10Gi:1:random-rw:4k  [1-9]\d* s")
    screen, code = terminal.end()
    assert code == 0
    assert [line for line in screen.splitlines() if " started, " in line] == [
        f"odfperf: pool {pool} started, 1 key" for pool in ("fast", "third")
    ]


def test_what_an_interrupt_does_is_said_where_the_table_does_not_cover_it(start_terminal):
    terminal = start_terminal("--odf-parallel", *TWO_POOLS)
    words = "odfperf: SIGINT: the objects of this run are being deleted; a second signal ends pytest at once"
    terminal.until("0/4 keys, ETA", "tiny:10Gi:1:random-rw:4k")
    os.killpg(terminal.process.pid, signal.SIGINT)
    screen, code = terminal.end()
    assert code == 130
    assert screen.count(words) == 1
    assert "ETA" not in screen
    assert "odfperf: ended by SIGINT" in screen


@pytest.mark.parametrize("how", ["--odf", "--odf-parallel"])
def test_a_log_hears_of_the_run_while_a_key_is_measured(run_pytest, how):
    one = ("--odf-pool", "fast", "--odf-filter", "*:*:*:*:*:4k")
    done = run_pytest(
        how, "--odf-matrix", "slow.yaml", *one, env={"ODFPERF_HEARTBEAT_S": "0.5"}, slow__yaml=SLOW
    )
    told = [line for line in done.lines if line.startswith("odfperf: 0/1 keys")]
    assert done.code == 0
    # On a busy machine they come late, as does all else.
    assert len(told) > 1
    assert done.lines.index(told[-1]) < done.lines.index(next(x for x in done.lines if " ended after " in x))

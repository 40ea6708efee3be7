"""The guest's script on this machine, from the job to its result: armed first, begun at the told instant."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

import pytest

from pytest_odfperf.measure.witness import read_witness

#: systemd, as far as the script asks it: a service is the script itself.
SYSTEMCTL = """#!/bin/sh
case "$*" in
    "start odfperf-fio.service") exec sh {script} fio ;;
    stop*) pkill --session 0 -f "{script} fio" ;;
esac
"""
NO_SYSTEMCTL = "#!/bin/sh\nexit 1\n"
FIO = '#!/bin/sh\nfor last; do :; done\nmkdir -p x\ncat "$last"\n'


#: Some disk of this machine, whose counters are shown.
DISK = next((path.name for path in sorted(Path("/sys/class/block").glob("*"))), "none")


class Script:
    """``odfperf-guest run``, with folders, a fio and a systemd of its own."""

    def __init__(self, folder: Path, systemctl: str, changes: dict[str, str]) -> None:
        self.state = folder / "state"
        for made in (folder / "bin", self.state, folder / "data"):
            made.mkdir()
        (self.state / "set-up").touch()
        script = folder / "odfperf-guest"
        programs = {"fio": FIO, "systemctl": systemctl.format(script=script)}
        for name, content in programs.items():
            (folder / "bin" / name).write_text(content)
            (folder / "bin" / name).chmod(0o755)
        text = (files("pytest_odfperf.vm") / "guest" / "odfperf-guest").read_text()
        changes = {
            "PATH=/usr/local/sbin:": f"PATH={folder / 'bin'}:/usr/local/sbin:",
            "STATE=/run/odfperf ": f"STATE={self.state} ",
            "DATA_DIR=/mnt/data ": f"DATA_DIR={folder / 'data'} ",
            # There is no such disk here.
            "on_data_disk() {\n": "on_data_disk() {\n    return 0\n",
            "mounted_from() {\n": f"mounted_from() {{\n    source=/dev/{DISK}\n    return 0\n",
            **changes,
        }
        for old, new in changes.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        script.write_text(text)
        self.process = subprocess.Popen(
            ["sh", str(script), "run"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def say(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def line(self) -> list[str]:
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().split()

    def job(self, token: str, text: str) -> list[str]:
        self.say(f"job {token} 60 {len(text)}\n{text}")
        return self.line()

    def clock_ns(self) -> int:
        self.say("clock\n")
        word, shown = self.line()
        assert word == "clock"
        return int(shown)

    def result(self) -> dict[str, list[str]]:
        """The lines until the end, by their first words; of files their contents as words."""
        found: dict[str, list[str]] = {}
        assert self.process.stdout is not None
        while words := self.line():
            found[words[0] if words[0] != "file" else words[1]] = words[1:]
            if words[0] == "file":
                found[words[1]] = [self.process.stdout.read(int(words[2])).decode()]
            if words[0] in ("end", "error"):
                break
        return found

    def end(self) -> None:
        # The service outlives the command.
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, 9)
        self.process.communicate(timeout=20)


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Callable[..., Script]]:
    made: list[Script] = []

    def make(systemctl: str = SYSTEMCTL, **changes: tuple[str, str]) -> Script:
        made.append(Script(tmp_path, systemctl, dict(changes.values())))
        return made[-1]

    yield make
    for one in made:
        one.end()


def test_a_job_is_armed_first_and_begins_at_the_instant_that_it_is_told(
    script: Callable[..., Script],
) -> None:
    guest = script()
    word, token, _, received, answered = guest.job("t-1", "one\n")
    assert (word, token) == ("ready", "t-1")
    assert int(received) <= int(answered) <= guest.clock_ns()
    assert not (guest.state / "result").exists()
    at_ns = guest.clock_ns() + 700_000_000
    guest.say(f"go t-1 {at_ns}\n")
    found = guest.result()
    assert int(found["started"][1]) < at_ns
    token, code, timed_out, epoch, epoch_clock, started, ended, last_epoch, last, _ = found["ended"]
    assert (token, code, timed_out) == ("t-1", "0", "0")
    # At the instant or, on a busy machine, after it; never before.
    assert at_ns <= int(started) < at_ns + 20_000_000_000
    assert int(epoch_clock) < int(started) <= int(ended) <= int(last)
    assert abs(int(epoch) / 1e9 - time.time()) < 60
    assert int(last_epoch) > int(epoch)
    assert found["fio.log"] == ["one\n"]
    seen = read_witness(found["witness"][0].encode())
    assert seen.disk == DISK
    assert seen.swapped_pages is not None
    assert seen.busy_part is not None


def test_one_command_takes_one_job_after_the_other_and_a_late_word_is_begun_at_once(
    script: Callable[..., Script],
) -> None:
    guest = script()
    for number in range(3):
        assert guest.job(f"t-{number}", f"job {number}\n")[:2] == ["ready", f"t-{number}"]
        early_ns = 1 if number else 0
        guest.say(f"go t-{number} {early_ns}\n")
        found = guest.result()
        assert found["fio.log"] == [f"job {number}\n"]
        assert found["end"] == [f"t-{number}"]


@pytest.mark.parametrize(
    "word", ["go", "go t-1", "go t-2 5", "go t-1 x", "go t-1 -5", "go t-1 5 6", "stop", "go t-1 " + "9" * 30]
)
def test_a_word_that_is_not_for_this_job_starts_nothing(script: Callable[..., Script], word: str) -> None:
    guest = script()
    assert guest.job("t-1", "one\n")[0] == "ready"
    guest.say(f"{word}\n")
    assert guest.result()["error"][0] == "bad_request"
    assert not (guest.state / "go").exists()
    assert not (guest.state / "result").exists()


def test_a_service_that_does_not_start_is_told_before_the_start(script: Callable[..., Script]) -> None:
    assert script(NO_SYSTEMCTL).job("t-1", "one\n")[:2] == ["error", "service_failed"]


def test_a_kernel_that_does_not_show_its_clock_has_one_of_a_hundredth(
    script: Callable[..., Script],
) -> None:
    guest = script(clock=("</proc/timer_list", "</proc/no-such-list"))
    assert guest.job("t-1", "one\n")[0] == "ready"
    shown_ns = guest.clock_ns()
    assert shown_ns % 10_000_000 == 0
    up_ns = int(float(Path("/proc/uptime").read_text().split()[0]) * 1e9)
    assert abs(up_ns - shown_ns) < 20_000_000_000
    guest.say(f"go t-1 {shown_ns + 50_000_000}\n")
    assert guest.result()["ended"][1] == "0"

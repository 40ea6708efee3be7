"""Where the messages of a run go: apprise URLs, which hold secrets."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from pytest_odfperf.errors import InputError, InputFaultsError
from pytest_odfperf.redaction import Hidden
from pytest_odfperf.report.notification_text import Message
from pytest_odfperf.run.child_environment import child_environment

#: To check URLs nothing is sent: apprise is loaded, which takes a second or several on a busy machine.
CHECK_S = 60.0
#: How long sending one message may take, to all receivers together.
SEND_S = 10.0
_PROCESS = "pytest_odfperf.run.notify.apprise_process"
_SCHEMA = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,19})://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receivers:
    """``place`` is where the URLs were given: they are named by it, their number and their schema."""

    urls: tuple[Hidden, ...]
    place: str

    def name(self, number: int) -> str:
        """``ODFPERF_NOTIFY, URL 2 (slack://...)``: all of a URL that may be shown."""
        found = _SCHEMA.match(self.urls[number].reveal())
        of = f", URL {number + 1}" if len(self.urls) > 1 else ""
        return f"{self.place}{of} ({found[1].lower()}://...)" if found else f"{self.place}{of}"


def read_receivers(lines: Sequence[str], place: str) -> Receivers | None:
    """The receivers that ``lines`` name, one each; empty lines and comments (``#``) name none.

    Raises `InputError` without apprise, and for each URL that it can not use: then nothing is sent.
    """
    urls = tuple(Hidden(line) for line in map(str.strip, lines) if line and not line.startswith("#"))
    if not urls:
        return None
    receivers = Receivers(urls=urls, place=place)
    if find_spec("apprise") is None:
        raise InputError("needs apprise: pip install 'pytest-odfperf[notify]'", place=place)
    usable = ask_apprise(receivers, None, CHECK_S)
    faults = [
        InputError(
            "apprise can not use this URL (or lacks a package for its service)", place=receivers.name(number)
        )
        for number in range(len(urls))
        if number not in usable
    ]
    if faults:
        raise InputFaultsError(faults)
    return receivers


def ask_apprise(receivers: Receivers, message: Message | None, deadline_s: float) -> set[int]:
    """Send ``message``, or without one check the URLs; the numbers of the receivers for which that worked.

    Never takes longer than ``deadline_s``: what is not done by then did not work.
    """
    task = {
        "urls": [url.reveal() for url in receivers.urls],
        "message": None if message is None else message.to_json(),
        "deadline_s": deadline_s,
    }
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", _PROCESS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # A Ctrl-C is for the run, which has something to say about it.
            start_new_session=True,
            env=child_environment("PYTHONWARNINGS"),
        )
    except OSError:
        return set()
    with process:
        try:
            said, _ = process.communicate(json.dumps(task).encode(), timeout=deadline_s)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
        except BaseException:
            process.kill()
            raise
    answers = (line.split() for line in said.decode("ascii", "replace").splitlines())
    return {int(number) for number, *word in answers if word == ["ok"]}

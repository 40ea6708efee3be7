"""The process that loads apprise: it checks the receivers' URLs, or sends one message to them.

A process and not a thread: a service that hangs can be killed, what apprise prints and logs (a URL that it
can not parse, with the secrets in it) goes nowhere, and the controller does not pay for its imports.

The task is one JSON object on stdin, so that no secret is on a command line or in an environment. The answer
is a line for each receiver, as soon as it is known: its number, from 0, and ``ok`` or ``failed``.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from typing import Any


def main() -> None:
    """Do the task on stdin."""
    task = json.load(sys.stdin)
    # However its controller ended.
    signal.alarm(int(task["deadline_s"]) + 1)
    answers = os.dup(1)
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    logging.disable(logging.CRITICAL)
    os.nice(10)
    # Each by itself: of several together apprise tells only that not all were reached. Daemons: a service
    # that hangs keeps nobody.
    threads = [
        threading.Thread(target=_one, args=(number, url, task.get("message"), answers), daemon=True)
        for number, url in enumerate(task["urls"])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os._exit(0)


def _one(number: int, url: str, message: dict[str, str] | None, answers: int) -> None:
    try:
        done = _done(url, message)
    except Exception:  # noqa: BLE001 - of any service; its text may hold the URL
        done = False
    os.write(answers, f"{number} {'ok' if done else 'failed'}\n".encode())


def _done(url: str, message: dict[str, str] | None) -> bool:
    import apprise

    receiver: Any = apprise.Apprise.instantiate(url)
    if receiver is None or message is None:
        return receiver is not None
    sender = apprise.Apprise()
    sender.add(receiver)
    # Declared as text, so that nothing in it is markup to the service.
    result = sender.notify(
        body=message["body"],
        title=message["title"],
        notify_type=message["kind"],
        body_format=apprise.NotifyFormat.TEXT,
    )
    # It is an object that is falsy if anything failed; ``is False`` would not hold.
    return bool(result)


if __name__ == "__main__":
    main()

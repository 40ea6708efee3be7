"""Sends a run's messages beside the run: none delays it, and none that fails does anything to it."""

from __future__ import annotations

import queue
import threading
import time

from pytest_odfperf.report.notification_text import Message
from pytest_odfperf.run.notify.receivers import SEND_S, Receivers, ask_apprise


class Notifier:
    """Messages leave in the order in which they were given."""

    def __init__(self, receivers: Receivers) -> None:
        self._receivers = receivers
        #: What could not be sent, and to whom: a line for each receiver.
        self._failed: dict[int, list[str]] = {}
        self._messages: queue.SimpleQueue[tuple[Message, float] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._send_all, name="odfperf-notify", daemon=True)
        self._thread.start()

    def send(self, message: Message) -> None:
        """Send ``message`` in the background, within `SEND_S`."""
        self._messages.put((message, time.monotonic() + SEND_S))

    def close(self) -> list[str]:
        """Wait for what is being sent; a line for each receiver that did not get all of it."""
        self._messages.put(None)
        # Each message has its deadline; the rest is for a process that is killed.
        self._thread.join(SEND_S + 2)
        return [
            f"{self._receivers.name(number)}: could not be told of the run's {', '.join(words)}"
            for number, words in sorted(self._failed.items())
        ]

    def _send_all(self) -> None:
        while (entry := self._messages.get()) is not None:
            message, end = entry
            sent = ask_apprise(self._receivers, message, max(0.1, end - time.monotonic()))
            for number in range(len(self._receivers.urls)):
                if number not in sent:
                    self._failed.setdefault(number, []).append(message.event)

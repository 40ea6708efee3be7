"""When the reports of a run that goes on are renewed: at each VM group's end, and now and then between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pytest_odfperf.matrix.keys import GroupKey, Key
from pytest_odfperf.plugin.output.display import Display
from pytest_odfperf.plugin.output.session_outputs import Outputs
from pytest_odfperf.run.controller.open_run import Run
from pytest_odfperf.run.controller.report_renewal import ReportRenewal


class Renewing:
    """Of one session; nothing is renewed before `start`."""

    def __init__(self, run: Run, outputs: Outputs) -> None:
        self._run = run
        self._outputs = outputs
        self._left: Counter[tuple[GroupKey, int]] = Counter()
        self._renewal: ReportRenewal | None = None

    def start(self, keys: Iterable[tuple[Key, int]], display: Display) -> None:
        """``keys`` are those that will run, once for each repeat, and the round of it."""
        self._left = Counter((key.group, number) for key, number in keys)
        self._renewal = ReportRenewal(
            self._run.run_dir.path,
            display.snapshot,
            self._outputs.note,
            at_once=self._run.selection.resumed is not None,
        )
        self._renewal.start()

    def key_ended(self, key: Key, number: int) -> None:
        """``key`` ended in round ``number``."""
        self._left[key.group, number] -= 1
        if self._renewal is not None and self._left[key.group, number] == 0:
            self._renewal.ask()

    def close(self) -> None:
        """From here on the session writes them itself."""
        renewal, self._renewal = self._renewal, None
        if renewal is not None:
            renewal.close()

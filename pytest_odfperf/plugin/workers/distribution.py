"""How the request becomes xdist's ``-n`` and ``--dist``; set before xdist reads them."""

from __future__ import annotations

import pytest

from pytest_odfperf.plugin.command_line.options import IN_PROCESS
from pytest_odfperf.run.before.prepare import Workers
from pytest_odfperf.run.before.selection import Selection


def runs_in_process(config: pytest.Config, selection: Selection) -> bool:
    """Whether this process itself measures, so that no worker is started. Raises `pytest.UsageError`."""
    option = config.option
    has_xdist = config.pluginmanager.hasplugin("xdist")
    given = getattr(option, "numprocesses", None)
    if selection.parallel is None and not given:
        return True
    if not has_xdist:
        raise pytest.UsageError(
            "--odf-parallel needs pytest-xdist, which is disabled or not installed; --odf runs sequentially"
        )
    if given == 0 or any(getattr(option, name, False) for name in IN_PROCESS):
        return True
    dist = option.dist
    if dist not in ("no", "loadgroup"):
        raise pytest.UsageError(f"pools are distributed by --dist loadgroup, not by --dist {dist}")
    return False


def distribute(config: pytest.Config, selection: Selection, workers: Workers | None) -> None:
    """Set ``-n`` and ``--dist``; an explicit ``-n`` wins over the number of ``workers``."""
    option = config.option
    if not config.pluginmanager.hasplugin("xdist"):
        runs_in_process(config, selection)
        option.numprocesses = None
        return
    if workers is None or runs_in_process(config, selection):
        option.numprocesses, option.dist = 0, "no"
        return
    if option.numprocesses in (None, "auto", "logical"):
        option.numprocesses = max(1, workers.count)
    option.dist = "loadgroup"
